/**
 * What can be odd about a row of a series, each with a small model of its own: an unexpected value, a level that moved, a signal gone
 * quiet, a value or an unrest outside everything seen. Each channel's raw evidence is set against its own past (tail.ts), so that a
 * channel's bits mean the same on every series. Looks at this row and earlier ones only.
 */
import { type Expert, type Forecaster, forecastAndLearn, makeForecaster, type Seasons } from './forecast.ts';
import { makeWindow, pushWindow, quantileOf, type RankedWindow } from './ranked-window.ts';
import { makeRecentRows, pushRow, type RecentRows, spanOf } from './recent-rows.ts';
import { type TailConstants, tailBits } from './tail.ts';

/** The families, and how many channels each has; a family counts as the mean of its channels. */
export const FAMILIES = { forecast: 1, level: 3, quiet: 2, record: 1, unrest: 1 } as const;
export type Family = keyof typeof FAMILIES;
export const CHANNELS: readonly Family[] = (Object.keys(FAMILIES) as Family[]).flatMap((family) =>
  new Array<Family>(FAMILIES[family]).fill(family),
);

export interface EvidenceConstants {
  tail: TailConstants;
  /** Rows of past evidence that a channel is compared with. */
  pastMax: number;
  /** Rows that a usual level and spread are taken from. */
  levelMax: number;
  seasons: Seasons;
}

export interface EvidenceState {
  rows: number;
  forecaster: Forecaster;
  recent: RecentRows;
  values: RankedWindow;
  levels: RankedWindow[];
  past: RankedWindow[];
  /** Evidence too young to be compared with: what is going on must not make itself look usual. */
  waiting: Float32Array[];
  low: number;
  high: number;
  unrestHigh: number;
}

export interface Evidence {
  /** -log10 tail probability by channel, in the order of CHANNELS. */
  bits: number[];
  expected: number | undefined;
  expert: Expert | undefined;
  /** Median of the level's reference. */
  usual: number | undefined;
}

const LEVEL_SPANS = [8, 12, 24];
const QUIET_SPANS = [24, 48];
/** Rows. */
const DELAY = 48;
const UNREST_SPAN = 12;
const RECORD_WARM = 50;
/** Of the range seen so far: an excess that small is no news. */
const RECORD_SHARE = 0.02;
/** Of the usual spread: adds to every difference, so that one within rounding of a smooth series is no multiple of its past. */
const SMALL = 0.1;
const QUIET_FLOOR = 0.02;

export function makeEvidence({ pastMax, levelMax, seasons }: EvidenceConstants): EvidenceState {
  return {
    rows: 0,
    forecaster: makeForecaster(seasons),
    recent: makeRecentRows(Math.max(...QUIET_SPANS)),
    values: makeWindow(levelMax),
    levels: LEVEL_SPANS.map(() => makeWindow(levelMax)),
    past: CHANNELS.filter(isRanked).map(() => makeWindow(pastMax)),
    waiting: CHANNELS.filter(isRanked).map(() => new Float32Array(DELAY)),
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
    unrestHigh: 0,
  };
}

function isRanked(channel: Family): boolean {
  return channel !== 'record' && channel !== 'unrest';
}

/** Scores a row, then learns it. `value` is finite. */
export function weigh(state: EvidenceState, atMs: number, value: number, constants: EvidenceConstants): Evidence {
  const { recent, values, past } = state;
  const forecast = forecastAndLearn(state.forecaster, atMs, value);
  pushRow(recent, value);
  pushWindow(values, value);
  const scale = spreadOf(values);
  const raw = [SMALL * scale + (forecast === undefined ? 0 : Math.abs(value - forecast.expected))];
  let usual: number | undefined;
  LEVEL_SPANS.forEach((span, i) => {
    const window = state.levels[i] as RankedWindow;
    const { mean } = spanOf(recent, span);
    pushWindow(window, mean);
    usual = quantileOf(window, 0.5) as number;
    raw.push(SMALL * scale + Math.abs(mean - usual));
  });
  for (const span of QUIET_SPANS) raw.push(1 / (spanOf(recent, span).deviation + QUIET_FLOOR * (scale + 1e-9)));
  const bits = raw.map((each, i) => {
    const window = past[i] as RankedWindow;
    const found = tailBits(window, each, constants.tail);
    const waiting = state.waiting[i] as Float32Array;
    if (state.rows >= waiting.length) pushWindow(window, waiting[state.rows % waiting.length] as number);
    waiting[state.rows % waiting.length] = each;
    return found;
  });
  bits.push(recordBits(state, value), unrestBits(state));
  state.rows++;
  return { bits, expected: forecast?.expected, expert: forecast?.expert, usual };
}

/** A record needs no calibration: of exchangeable rows the t-th is one with probability 2/t, which the stream's age accounts for. */
function recordBits(state: EvidenceState, value: number): number {
  const { low, high, rows } = state;
  state.low = Math.min(low, value);
  state.high = Math.max(high, value);
  if (rows < RECORD_WARM) return 0;
  return beyondBits(Math.max(value - high, low - value), high - low);
}

function unrestBits(state: EvidenceState): number {
  const { deviation } = spanOf(state.recent, UNREST_SPAN);
  const { unrestHigh, rows } = state;
  state.unrestHigh = Math.max(unrestHigh, deviation);
  return rows < RECORD_WARM ? 0 : beyondBits(deviation - unrestHigh, unrestHigh);
}

function beyondBits(excess: number, range: number): number {
  return excess <= 0 ? 0 : 2 * Math.log10(1 + excess / ((range + 1e-9) * RECORD_SHARE));
}

/** Robust, yet not zero for a series that mostly rests. */
function spreadOf(values: RankedWindow): number {
  const at = (share: number) => quantileOf(values, share) as number;
  return Math.max((at(0.75) - at(0.25)) / 1.35, (at(0.98) - at(0.02)) / 4.1);
}
