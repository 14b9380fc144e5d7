/** The gauges of controllers that are forecast, in even steps: how many of their workers are busy, and the queue in front of them. */

import { stepValue } from '../../domain/series/series-function.ts';
import { parseSelector } from '../../domain/series/series-match.ts';
import type { Gauge } from '../../model/neural/outlook.ts';
import { type EvenSeries, STEP_MS } from '../../model/neural/series-window.ts';
import type { Store } from '../../store/store.ts';

const ACTIVE = 'controller_runtime_active_workers';
const WORKERS = 'controller_runtime_max_concurrent_reconciles';
const QUEUE = 'workqueue_depth';
const SELECTOR = `{__name__=~"${ACTIVE}|${WORKERS}|${QUEUE}"}`;
/** As many as the model follows. */
const SERIES_MAX = 600;
const WORK_MAX = 5_000_000;

export function gaugesOf(store: Pick<Store, 'seriesWindows'>, fromMs: number, toMs: number): Gauge[] {
  const from = Math.floor(fromMs / STEP_MS) * STEP_MS;
  const steps = Math.ceil((toMs - from) / STEP_MS);
  const query = {
    matchers: parseSelector(SELECTOR),
    fromMs: from,
    toMs,
    stepMs: STEP_MS,
    seriesMax: 3 * SERIES_MAX,
    workMax: WORK_MAX,
  };
  const { series, stepMs } = store.seriesWindows(query);
  // Only rollups of an hour reach back so far: nothing to learn from yet.
  if (stepMs !== STEP_MS) return [];
  const byController = new Map<
    string,
    { key: Pick<Gauge, 'cluster' | 'target' | 'controller'>; of: Map<string, Float64Array> }
  >();
  for (const { cluster, metric, labels, windows } of series) {
    const controller = labels.controller ?? labels.name ?? '';
    const target = labels.instance ?? '';
    if (controller === '') continue;
    const id = `${cluster}\u0000${target}\u0000${controller}`;
    const gathered = byController.get(id) ?? { key: { cluster, target, controller }, of: new Map<string, Float64Array>() };
    byController.set(id, gathered);
    const values = gathered.of.get(metric) ?? new Float64Array(steps).fill(Number.NaN);
    gathered.of.set(metric, values);
    for (const [ms, window] of windows) {
      const at = Math.round((ms - from) / STEP_MS);
      if (at < 0 || at >= steps) continue;
      const value = stepValue('avg', window, STEP_MS);
      // Several series of one controller, such as one for each priority, are one queue.
      values[at] = Number.isNaN(values[at]) ? value : (values[at] as number) + value;
    }
  }
  const out: Gauge[] = [];
  for (const { key, of } of byController.values()) {
    const [active, workers, queue] = [of.get(ACTIVE), of.get(WORKERS), of.get(QUEUE)];
    if (active !== undefined && workers !== undefined) {
      const share = active.map((value, i) => value / (workers[i] as number));
      out.push({ ...key, what: 'busy-workers', limit: 1, series: known(from, share) });
    }
    if (queue !== undefined) out.push({ ...key, what: 'queue-depth', limit: undefined, series: known(from, queue) });
  }
  return out.slice(0, SERIES_MAX);
}

/** From its first reading on: of a young series the later part is that of what there is. */
function known(fromMs: number, values: Float64Array): EvenSeries {
  const first = values.findIndex(Number.isFinite);
  return first <= 0 ? { fromMs, values } : { fromMs: fromMs + first * STEP_MS, values: values.subarray(first) };
}
