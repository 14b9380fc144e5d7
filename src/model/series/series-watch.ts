/**
 * Controllers' series through the pipeline of this folder: what lasts five rows weighed against the series' own past, alarms calibrated into "once in
 * N", put into words, and tied to the kind the controller acts on and to what changed just before. Plain state, event time only, no more
 * than SERIES_MAX series.
 */
import type { Change } from '../../domain/change.ts';
import type { Judgement, Severity } from '../../domain/finding.ts';
import { isStandby } from '../../domain/series/reconcile-sample.ts';
import type { Scrape } from '../../domain/series/series.ts';
import { onceInOf, reasonOf } from '../explain.ts';
import { touch } from '../habits/counts.ts';
import { isLate, setBackMs } from '../status/counter-sights.ts';
import { figure, many, percent, span } from '../words.ts';
import { type AlarmState, combineRow, isAlarm, leadOf, type Memory, makeAlarm, makeMemory } from './combine-channels.ts';
import { PRODUCT_SERIES } from './constants.ts';
import { type EvidenceState, type Family, makeEvidence, weigh } from './evidence.ts';
import { type HourlyTails, isMatureTail, rareAmongHours } from './hourly-tail.ts';
import { outlookOf, type Point } from './outlook.ts';
import { KindKeys, makePreceding, noteChange, type PrecedingState, tellPreceding } from './preceding-change.ts';
import { type Counters, makeCounters, readSignals, type SignalName, type SignalRow } from './read-signals.ts';

interface Watched {
  evidence: EvidenceState;
  memory: Memory;
  alarm: AlarmState;
  rows: number;
  firstMs: number;
  lastMs: number;
  points: Point[];
  outlookToldMs: number | undefined;
}

interface State {
  counters: Counters;
  series: Map<string, Watched>;
  tails: HourlyTails;
  preceding: PrecedingState;
  refusedRows: number;
}

export type KindOf = (cluster: string, controller: string) => { group: string; kind: string } | undefined;

export const SERIES_MAX = 600;
const GONE_MS = 24 * 3_600_000;
const ROWS_MIN = 240;
const SPAN_MIN_MS = 4 * 3_600_000;
const POINTS_MAX = 60;
const OUTLOOK_MS = 24 * 3_600_000;
const OUTLOOK_AGAIN_MS = 6 * 3_600_000;
const OUTLOOK_SCORE = 3;
const OUTLOOK_FROM = 0.3;
/** Once in a hundred hours of the cluster. */
const SCORE_MIN = 2;
const LASTING = 5;
const SCORE_MAX = 6;

/** `floor` and `share` of the usual: what is worse by less nobody minds. A 99 % point lies somewhere in its bucket, whose upper edge is twice the lower. */
const SAY: Record<SignalName, { noun: string; say(value: number): string; floor: number; share: number }> = {
  'error-share': { noun: 'share of failing reconciles', say: percent, floor: 0.05, share: 0 },
  'duration-p99': {
    noun: '99th percentile of the reconcile time',
    say: (value) => `${figure(value)} s`,
    floor: 0.05,
    share: 0.25,
  },
  retries: { noun: 'number of retries between two readings', say: figure, floor: 5, share: 0 },
  'queue-depth': { noun: 'number of objects waiting', say: figure, floor: 5, share: 0 },
  saturation: { noun: 'share of busy workers', say: percent, floor: 0.2, share: 0 },
};

const MANNER: Record<Family, string> = {
  forecast: 'was not to be expected from what came before',
  level: 'has moved to another level',
  quiet: 'has stopped moving',
  record: 'is further out than ever seen',
  unrest: 'is more restless than ever seen',
};

export class SeriesWatch {
  readonly #kindOf: KindOf;
  readonly #kindKeys = new KindKeys();
  #state: State = {
    counters: makeCounters(),
    series: new Map(),
    tails: new Map(),
    preceding: makePreceding(),
    refusedRows: 0,
  };

  constructor(kindOf: KindOf = () => undefined) {
    this.#kindOf = kindOf;
  }

  noteChange(change: Change): void {
    noteChange(this.#state.preceding, change, this.#kindKeys);
  }

  observe(scrape: Scrape): Judgement[] {
    const rows = readSignals(scrape, this.#state.counters);
    // Counters of a standby are followed, so that the day it leads is a day of increases; what it shows meanwhile is no habit.
    if (isStandby(scrape.samples)) return [];
    return rows.flatMap((row) => this.#row(scrape, row));
  }

  #row(scrape: Scrape, row: SignalRow): Judgement[] {
    const { tsMs, cluster, target } = scrape;
    const { series } = this.#state;
    const key = `${cluster}\u0000${target}\u0000${row.controller}\u0000${row.name}`;
    if (!series.has(key) && !this.#hasRoom(tsMs)) return [];
    const watched = touch(series, key, SERIES_MAX, () => newWatched(tsMs));
    if (isLate(tsMs, watched.lastMs)) return [];
    if (tsMs < watched.lastMs) this.#setBack(watched, tsMs);
    watched.lastMs = tsMs;
    watched.points.push({ atMs: tsMs, value: row.value });
    if (watched.points.length > (row.name === 'saturation' ? POINTS_MAX : LASTING)) watched.points.shift();
    const lasting = lastingOf(watched.points);
    const found = weigh(watched.evidence, tsMs, lasting, PRODUCT_SERIES.evidence);
    const raw = combineRow(watched.memory, found.bits, watched.rows++, PRODUCT_SERIES.combine);
    const usual = found.usual ?? lasting;
    // What falls, or moves by less than anybody minds, is learnt and not told.
    const { floor, share } = SAY[row.name];
    const worse = lasting - usual >= Math.max(floor, share * usual);
    const out: Judgement[] = [];
    if (worse && raw > 0 && isLongEnough(watched)) {
      const { p, mature } = rareAmongHours(this.#state.tails, { cluster, atMs: tsMs, score: raw });
      const score = Math.min(SCORE_MAX, -Math.log10(p));
      const asked = { score: score >= SCORE_MIN ? raw : Number.NEGATIVE_INFINITY, atMs: tsMs };
      if (isAlarm(watched.alarm, asked, PRODUCT_SERIES.alarm)) {
        const lead = leadOf(watched.memory, PRODUCT_SERIES.combine);
        const { noun, say } = SAY[row.name];
        const sentence = `The ${noun} of controller ${row.controller} ${MANNER[lead]}: ${say(lasting)} or more, where ${say(usual)} is usual over ${many(watched.rows, 'reading')}.`;
        const of = { watched, score, sentence, usual, mature, detector: `series-${row.name}` };
        out.push(this.#judgement(scrape, { ...row, value: lasting }, of));
      }
    } else isAlarm(watched.alarm, { score: Number.NEGATIVE_INFINITY, atMs: tsMs }, PRODUCT_SERIES.alarm);
    const outlook = this.#outlook(scrape, row, watched);
    if (outlook !== undefined) out.push(outlook);
    return out;
  }

  /** How long it is known and when it told what stay as they are; a line through both sides of the step would be none. */
  #setBack(watched: Watched, tsMs: number): void {
    const ms = setBackMs(tsMs, watched.lastMs);
    watched.firstMs -= ms;
    if (watched.outlookToldMs !== undefined) watched.outlookToldMs -= ms;
    watched.alarm.toldMs = watched.alarm.toldMs.map((toldMs) => toldMs - ms);
    watched.points = watched.points.slice(-LASTING).map(({ atMs, value }) => ({ atMs: atMs - ms, value }));
  }

  /** When full, a new series takes the place of one that is gone; to forget a living one would be to learn none of them. */
  #hasRoom(atMs: number): boolean {
    const { series } = this.#state;
    const oldest = series.values().next().value;
    if (oldest === undefined || series.size < SERIES_MAX || atMs - oldest.lastMs > GONE_MS) return true;
    this.#state.refusedRows++;
    return false;
  }

  /** Of a share that is on its way to one. */
  #outlook(scrape: Scrape, row: SignalRow, watched: Watched): Judgement | undefined {
    if (row.name !== 'saturation' || row.value < OUTLOOK_FROM) return undefined;
    const { outlookToldMs: toldMs } = watched;
    if (toldMs !== undefined && scrape.tsMs - toldMs < OUTLOOK_AGAIN_MS) return undefined;
    const outlook = outlookOf(watched.points, 1);
    if (outlook === undefined || outlook.inMs > OUTLOOK_MS) return undefined;
    watched.outlookToldMs = scrape.tsMs;
    const latest = Number.isFinite(outlook.latestMs) ? span(outlook.latestMs) : 'never';
    const sentence = `At this rate all workers of controller ${row.controller} are busy in ${span(outlook.inMs)} (${span(outlook.earliestMs)} to ${latest}); ${percent(row.value)} are now.`;
    const usual = watched.points[0]?.value ?? row.value;
    const of = { watched, score: OUTLOOK_SCORE, sentence, usual, mature: isLongEnough(watched), detector: 'series-outlook' };
    return this.#judgement(scrape, row, of);
  }

  #judgement(
    { cluster, tsMs }: Scrape,
    { controller, metric, value }: SignalRow,
    of: { watched: Watched; score: number; sentence: string; usual: number; mature: boolean; detector: string },
  ): Judgement {
    const { watched, score, usual, mature, detector } = of;
    const { group, kind } = this.#kindOf(cluster, controller) ?? { group: '', kind: '' };
    const before =
      kind === '' ? undefined : tellPreceding(this.#state.preceding, { of: { cluster, group, kind }, controller, atMs: tsMs });
    const sentence = before === undefined ? of.sentence : `${of.sentence} ${before.charAt(0).toUpperCase()}${before.slice(1)}`;
    const severity: Severity = 'warning';
    return {
      tsMs,
      subject: { type: 'series', ref: { cluster, group, version: '', kind, namespace: '', name: '' }, controller, metric },
      actor: { name: controller, source: 'none', confidence: 0 },
      score,
      onceIn: onceInOf(score),
      detector,
      reasons: [
        reasonOf(detector, score, {
          sentence,
          observed: Number(figure(value)),
          usual: Number(figure(usual)),
          samples: watched.rows,
          scope: 'controller',
        }),
      ],
      mature,
      deterministic: false,
      severity,
    };
  }

  /** Series followed, and how many rows were left out because there were too many series. */
  size(): { series: number; refusedRows: number } {
    return { series: this.#state.series.size, refusedRows: this.#state.refusedRows };
  }

  /** Whether the hours of any cluster are enough to say how rare one is. */
  isMature(): boolean {
    for (const tail of this.#state.tails.values()) if (isMatureTail(tail)) return true;
    return false;
  }

  /** Hours of clusters that brought a score. */
  samples(): number {
    let samples = 0;
    for (const { pool } of this.#state.tails.values()) samples += pool.n;
    return samples;
  }

  save(): State {
    return this.#state;
  }

  load(state: unknown): void {
    this.#state = state as State;
  }
}

/** The second smallest of the last five: no single reading can raise it. */
function lastingOf(points: readonly Point[]): number {
  const last = points.slice(-LASTING).map(({ value }) => value);
  last.sort((a, b) => a - b);
  return last[Math.min(1, last.length - 1)] as number;
}

function isLongEnough({ rows, firstMs, lastMs }: Watched): boolean {
  return rows >= ROWS_MIN && lastMs - firstMs >= SPAN_MIN_MS;
}

function newWatched(atMs: number): Watched {
  const { evidence } = PRODUCT_SERIES;
  return {
    evidence: makeEvidence(evidence),
    memory: makeMemory(),
    alarm: makeAlarm(),
    rows: 0,
    firstMs: atMs,
    lastMs: Number.NEGATIVE_INFINITY,
    points: [],
    outlookToldMs: undefined,
  };
}
