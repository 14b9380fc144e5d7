/**
 * Controllers' own metrics: the share of reconciles that fail, their mean duration, and the queue in front of them. Counters are read
 * as increases (a fall is a restart). A shift has to last: the statistic is the fourth largest of the last five rows, so no single row
 * can raise it, set against the controller's own past values of the same statistic.
 */
import type { Judgement, Severity } from '../../domain/finding.ts';
import { isStandby, readReconcileSample } from '../../domain/series/reconcile-sample.ts';
import type { Scrape } from '../../domain/series/series.ts';
import { seriesId } from '../../domain/series/series.ts';
import { HOUR_MS } from '../detector.ts';
import { onceInOf, reasonOf } from '../explain.ts';
import { touch } from '../habits/counts.ts';
import { learnPool, makePool, type Pool, tailOfPool } from '../tails/calibrate.ts';
import { figure, many, percent, span } from '../words.ts';
import { type CounterSights, hasRestarted, increaseOf, isFigure, setBackMs } from './counter-sights.ts';

const COUNTERS_MAX = 50_000;
const SIGNALS_MAX = 10_000;
const LAST = 5;
const RANK = 1;
const REFERENCE_MAX = 720;
const REFERENCE_MIN = 30;
const MATURE_ROWS = 60;
const MATURE_SPAN_MS = 2 * HOUR_MS;
const SCORE_MIN = 2;
const TELL_AGAIN_MS = 6 * HOUR_MS;
const ESCALATION = 2;
const RECONCILES_MIN = 1;

type SignalName = 'error-share' | 'duration' | 'queue-depth';

interface Signal {
  cluster: string;
  controller: string;
  name: SignalName;
  rows: number;
  firstMs: number;
  /** The last values with their times, oldest first. */
  last: { atMs: number; value: number }[];
  /** Past rows in rising order, and in order of arrival. */
  reference: number[];
  arrived: number[];
  pool: Pool;
  told: { atMs: number; score: number } | undefined;
  /** The series it was last read from. */
  metric?: string;
}

interface State {
  counters: CounterSights;
  signals: Map<string, Signal>;
  rows: number;
}

interface Increase {
  errors: number;
  total: number;
  seconds: number;
  timed: number;
  queue: number | undefined;
  /** Which series told, as libraries name theirs differently. */
  metrics: Partial<Record<SignalName, string>>;
}

/** What each signal calls the smallest difference that matters, and how to say it. */
const SIGNALS: Record<
  SignalName,
  { floor: number; metric: string; severity: Severity; say(value: number): string; noun: string }
> = {
  'error-share': {
    floor: 0.05,
    metric: 'controller_runtime_reconcile_errors_total',
    severity: 'warning',
    say: percent,
    noun: 'share of failing reconciles',
  },
  duration: {
    floor: 0.01,
    metric: 'controller_runtime_reconcile_time_seconds',
    severity: 'warning',
    say: (value) => `${figure(value)} s`,
    noun: 'mean reconcile time',
  },
  'queue-depth': { floor: 3, metric: 'workqueue_depth', severity: 'warning', say: figure, noun: 'number of objects waiting' },
};

export type KindOfController = (cluster: string, controller: string) => { group: string; kind: string } | undefined;

export class ReconcileHealth {
  readonly #kindOf: KindOfController;
  #state: State = { counters: new Map(), signals: new Map(), rows: 0 };

  constructor(kindOf: KindOfController = () => undefined) {
    this.#kindOf = kindOf;
  }

  /** Learns one scrape; returns shifts that stand out, told once per shift. */
  observe(scrape: Scrape): Judgement[] {
    const out: Judgement[] = [];
    const increases = this.#increases(scrape);
    // A standby's counters are followed, so that the day it leads is a day of increases; what it shows meanwhile is no habit.
    if (isStandby(scrape.samples)) return out;
    for (const [controller, increase] of increases) {
      const values: [SignalName, number | undefined][] = [
        ['error-share', increase.total >= RECONCILES_MIN ? increase.errors / increase.total : undefined],
        ['duration', increase.timed >= RECONCILES_MIN ? increase.seconds / increase.timed : undefined],
        ['queue-depth', increase.queue],
      ];
      for (const [name, value] of values) {
        if (value === undefined || !Number.isFinite(value)) continue;
        const judgement = this.#row(scrape, { controller, name, value, metric: increase.metrics[name] });
        if (judgement !== undefined) out.push(judgement);
      }
    }
    return out;
  }

  /** What each controller did since its last scrape. */
  #increases(scrape: Scrape): Map<string, Increase> {
    const out = new Map<string, Increase>();
    const of = (controller: string) => {
      let increase = out.get(controller);
      if (increase === undefined) {
        increase = { errors: 0, total: 0, seconds: 0, timed: 0, queue: undefined, metrics: {} };
        out.set(controller, increase);
      }
      return increase;
    };
    const split = scrape.samples.some(
      (sample) => sample.metric === 'controller_runtime_reconcile_total' && sample.labels.result === 'error',
    );
    const restarted = hasRestarted(scrape, this.#state.counters);
    for (const { metric, labels, value } of scrape.samples) {
      const read = isFigure(value) ? readReconcileSample(metric, labels) : undefined;
      if (read === undefined) continue;
      const { controller, role } = read;
      if (role === 'queue') {
        of(controller).queue = (of(controller).queue ?? 0) + value;
        of(controller).metrics['queue-depth'] = metric;
        continue;
      }
      const series = seriesId(metric, labels);
      const delta = increaseOf(this.#state.counters, scrape, { series, value, restarted, max: COUNTERS_MAX });
      if (delta === undefined) continue;
      const increase = of(controller);
      if (role === 'reconciles') {
        increase.total += delta;
        if (labels.result === 'error') increase.errors += delta;
      } else if (role === 'errors') {
        if (!split || read.isSummary !== true) increase.errors += delta;
        increase.metrics['error-share'] = metric;
      } else if (role === 'seconds') {
        increase.seconds += delta;
        increase.metrics.duration = metric.replace(/_sum$/, '');
      } else increase.timed += delta;
    }
    return out;
  }

  #row(
    scrape: Scrape,
    { controller, name, value, metric }: { controller: string; name: SignalName; value: number; metric: string | undefined },
  ): Judgement | undefined {
    const key = `${scrape.cluster}\u0000${controller}\u0000${name}`;
    const signal = touch(this.#state.signals, key, SIGNALS_MAX, () => newSignal(scrape, controller, name));
    this.#state.rows++;
    if (metric !== undefined) signal.metric = metric;
    signal.rows++;
    // How long it is known stays as it is.
    signal.firstMs -= setBackMs(scrape.tsMs, signal.last.at(-1)?.atMs ?? scrape.tsMs);
    signal.last.push({ atMs: scrape.tsMs, value });
    if (signal.last.length > LAST) signal.last.shift();
    const judgement = this.#judge(signal, scrape.tsMs);
    remember(signal, value);
    return judgement;
  }

  #judge(signal: Signal, atMs: number): Judgement | undefined {
    const { last, reference } = signal;
    if (last.length < LAST || reference.length < REFERENCE_MIN) return undefined;
    const low = last.map(({ value }) => value).sort((a, b) => a - b)[RANK] as number;
    const usual = quantile(reference, 0.5);
    const spread = Math.max(SIGNALS[signal.name].floor, quantile(reference, 0.9) - usual, 0.25 * usual);
    const shift = (low - usual) / spread;
    if (shift <= 0) return undefined;
    const asker = { key: 'self', atMs, visits: signal.rows };
    const p = tailOfPool(signal.pool, shift, asker);
    // One entry per hour, its largest, so that a shift that lasts does not teach itself within minutes.
    learnPool(signal.pool, shift, asker);
    // A shift below the natural spread is noise whatever its rank.
    const score = shift < 2 ? 0 : Math.min(12, -Math.log10(p) + Math.log10(shift / 2));
    const told = signal.told;
    if (score < SCORE_MIN) {
      if (told !== undefined && Math.abs(atMs - told.atMs) > TELL_AGAIN_MS) signal.told = undefined;
      return undefined;
    }
    if (told !== undefined && Math.abs(atMs - told.atMs) <= TELL_AGAIN_MS && score < told.score + ESCALATION) return undefined;
    signal.told = { atMs, score };
    return judgementOf(signal, { atMs, low, usual, score, of: this.#kindOf(signal.cluster, signal.controller) });
  }

  isMature(): boolean {
    for (const signal of this.#state.signals.values()) if (isMature(signal)) return true;
    return false;
  }

  samples(): number {
    return this.#state.rows;
  }

  save(): State {
    return this.#state;
  }

  load(state: unknown): void {
    this.#state = state as State;
  }
}

function newSignal(scrape: Scrape, controller: string, name: SignalName): Signal {
  return {
    cluster: scrape.cluster,
    controller,
    name,
    rows: 0,
    firstMs: scrape.tsMs,
    last: [],
    reference: [],
    arrived: [],
    pool: makePool(),
    told: undefined,
  };
}

function isMature(signal: Signal): boolean {
  const latest = signal.last[signal.last.length - 1];
  return signal.rows >= MATURE_ROWS && latest !== undefined && latest.atMs - signal.firstMs >= MATURE_SPAN_MS;
}

function remember(signal: Signal, value: number): void {
  const { reference, arrived } = signal;
  if (arrived.length >= REFERENCE_MAX) {
    const oldest = arrived.shift() as number;
    reference.splice(lowerIndex(reference, oldest), 1);
  }
  arrived.push(value);
  reference.splice(lowerIndex(reference, value), 0, value);
}

function lowerIndex(rising: readonly number[], value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function quantile(rising: readonly number[], share: number): number {
  return rising[Math.min(rising.length - 1, Math.floor(share * rising.length))] as number;
}

function judgementOf(
  signal: Signal,
  found: { atMs: number; low: number; usual: number; score: number; of: ReturnType<KindOfController> },
): Judgement {
  const { say, noun, severity } = SIGNALS[signal.name];
  const metric = signal.metric ?? SIGNALS[signal.name].metric;
  const { atMs, low, usual, score } = found;
  const { group, kind } = found.of ?? { group: '', kind: kindGuess(signal.controller) };
  const since = span(atMs - (signal.last[0] as { atMs: number }).atMs);
  const detector = `reconcile-${signal.name}`;
  return {
    tsMs: atMs,
    subject: {
      type: 'series',
      ref: { cluster: signal.cluster, group, version: '', kind, namespace: '', name: '' },
      controller: signal.controller,
      metric,
    },
    actor: { name: signal.controller, source: 'none', confidence: 0 },
    score,
    onceIn: onceInOf(score),
    detector,
    reasons: [
      reasonOf(detector, score, {
        sentence: `The ${noun} of controller ${signal.controller} has been at ${say(low)} or more for ${since}; ${say(usual)} is usual over ${many(signal.arrived.length, 'reading')}.`,
        observed: Number(figure(low)),
        usual: Number(figure(usual)),
        samples: signal.arrived.length,
        scope: 'controller',
      }),
    ],
    mature: isMature(signal),
    deterministic: false,
    severity,
  };
}

/** controller-runtime names a controller after its kind in lower case unless told otherwise. */
function kindGuess(controller: string): string {
  const word = controller.replace(/[-_/.](?:controller|reconciler)$/i, '').split(/[/.]/)[0] ?? '';
  return word.charAt(0).toUpperCase() + word.slice(1);
}
