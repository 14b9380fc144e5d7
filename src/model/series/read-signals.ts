/**
 * From a scrape of a controller's page to the rows of its series: share of failing reconciles, the time that 99 of 100 stay under (from
 * the increases of a histogram), retries, the queue in front, and how many of its workers are busy. A counter that fell was restarted at
 * zero and the others of its page with it, even if that is every minute; what is no number, came twice or came late is left out.
 */
import { readReconcileSample } from '../../domain/series/reconcile-sample.ts';
import type { Scrape } from '../../domain/series/series.ts';
import { seriesId } from '../../domain/series/series.ts';
import { touch } from '../habits/counts.ts';
import { type CounterSights, hasRestarted, increaseOf, isFigure } from '../status/counter-sights.ts';
import { addDurations, addReconciles, type Lately, makeLately } from './lately.ts';

export const SIGNALS = ['error-share', 'duration-p99', 'retries', 'queue-depth', 'saturation'] as const;
export type SignalName = (typeof SIGNALS)[number];

export interface SignalRow {
  controller: string;
  name: SignalName;
  value: number;
  metric: string;
}

/** Last value and time by series, and what was counted lately by target and controller. */
export interface Counters {
  last: CounterSights;
  lately: Map<string, Lately>;
}

export function makeCounters(): Counters {
  return { last: new Map(), lately: new Map() };
}

interface Gathered {
  errors: number;
  total: number;
  retries: number | undefined;
  queue: number | undefined;
  active: number | undefined;
  workers: number | undefined;
  /** Increase by upper bound. */
  buckets: Map<number, number>;
  errorMetric: string;
  queueMetric: string;
}

const COUNTERS_MAX = 100_000;
const CONTROLLERS_MAX = 1_000;
const LATELY_MAX = 2_000;
const QUANTILE = 0.99;
const TIMED_MIN = 100;
const RECONCILES_MIN = 20;
const BUCKET = 'controller_runtime_reconcile_time_seconds_bucket';

export function readSignals(scrape: Scrape, counters: Counters): SignalRow[] {
  const found = new Map<string, Gathered>();
  const restarted = hasRestarted(scrape, counters.last);
  for (const { metric, labels, value } of scrape.samples) {
    if (!isFigure(value)) continue;
    const controller = readReconcileSample(metric, labels)?.controller ?? labels.controller ?? labels.name;
    if (controller === undefined || controller === '') continue;
    const gathered = found.get(controller) ?? fresh();
    if (!found.has(controller) && found.size >= CONTROLLERS_MAX) continue;
    found.set(controller, gathered);
    const increase = () =>
      increaseOf(counters.last, scrape, { series: seriesId(metric, labels), value, restarted, max: COUNTERS_MAX });
    gather(gathered, { metric, labels, value, role: readReconcileSample(metric, labels)?.role }, increase);
  }
  return [...found].flatMap(([controller, gathered]) => {
    const key = `${scrape.cluster}\u0000${scrape.target}\u0000${controller}`;
    return rowsOf(controller, gathered, touch(counters.lately, key, LATELY_MAX, makeLately));
  });
}

function gather(
  into: Gathered,
  { metric, labels, value, role }: { metric: string; labels: Record<string, string>; value: number; role: string | undefined },
  increase: () => number | undefined,
): void {
  if (role === 'queue') {
    into.queue = (into.queue ?? 0) + value;
    into.queueMetric = metric;
  } else if (role === 'reconciles') {
    const n = increase() ?? 0;
    into.total += n;
    if (labels.result === 'error') into.errors += n;
  } else if (role === 'errors' && metric !== 'controller_runtime_reconcile_errors_total') {
    into.errors += increase() ?? 0;
    into.errorMetric = metric;
  } else if (metric === BUCKET) {
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    const n = increase();
    if (n !== undefined && !Number.isNaN(bound)) into.buckets.set(bound, (into.buckets.get(bound) ?? 0) + n);
  } else if (metric === 'workqueue_retries_total') {
    const n = increase();
    if (n !== undefined) into.retries = (into.retries ?? 0) + n;
  } else if (metric === 'controller_runtime_active_workers') into.active = (into.active ?? 0) + value;
  else if (metric === 'controller_runtime_max_concurrent_reconciles') into.workers = (into.workers ?? 0) + value;
}

function rowsOf(controller: string, of: Gathered, lately: Lately): SignalRow[] {
  const { total, errors, retries, queue, active, workers } = of;
  const rows: SignalRow[] = [];
  if (total >= 1) addReconciles(lately, { errors: Math.min(errors, total), total });
  if (total >= 1 && lately.total >= RECONCILES_MIN)
    rows.push({ controller, name: 'error-share', value: lately.errors / lately.total, metric: of.errorMetric });
  if (of.buckets.size > 0) addDurations(lately, of.buckets);
  const p99 = of.buckets.size > 0 ? quantileOfBuckets(lately.buckets) : undefined;
  if (p99 !== undefined) rows.push({ controller, name: 'duration-p99', value: p99, metric: BUCKET.replace('_bucket', '') });
  if (retries !== undefined) rows.push({ controller, name: 'retries', value: retries, metric: 'workqueue_retries_total' });
  if (queue !== undefined) rows.push({ controller, name: 'queue-depth', value: queue, metric: of.queueMetric });
  if (active !== undefined && workers !== undefined && workers > 0)
    rows.push({ controller, name: 'saturation', value: active / workers, metric: 'controller_runtime_active_workers' });
  return rows;
}

/** Straight between a bucket's bounds; the last finite bound for what lies beyond it. Undefined of too few. */
export function quantileOfBuckets(increases: ReadonlyMap<number, number>): number | undefined {
  const rising = [...increases].sort(([a], [b]) => a - b);
  const total = rising[rising.length - 1]?.[1] ?? 0;
  if (total < TIMED_MIN) return undefined;
  const wanted = QUANTILE * total;
  let [below, before] = [0, 0];
  for (const [bound, n] of rising) {
    if (n >= wanted) {
      if (bound === Number.POSITIVE_INFINITY) return below;
      return below + ((bound - below) * (wanted - before)) / Math.max(1e-9, n - before);
    }
    [below, before] = [bound, n];
  }
  return below;
}

function fresh(): Gathered {
  const none = { retries: undefined, queue: undefined, active: undefined, workers: undefined };
  const metrics = { errorMetric: 'controller_runtime_reconcile_errors_total', queueMetric: 'workqueue_depth' };
  return { errors: 0, total: 0, ...none, buckets: new Map(), ...metrics };
}
