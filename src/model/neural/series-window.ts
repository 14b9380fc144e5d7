/**
 * A stretch of a series as a network sees it: the last three hours in steps of five minutes, relative to the newest value and in units of how
 * much the series moves, with the hour of day and week. So one network serves series of any size and unit.
 */
export const STEP_MS = 300_000;
export const LAGS = 36;
export const INPUTS = LAGS + 4;
/** Steps ahead: one, three and six hours. */
export const HORIZONS = [12, 36, 72] as const;
const DAY_MS = 86_400_000;
const CLIP = 20;

/** Values in even steps; NaN where nothing was read. */
export interface EvenSeries {
  fromMs: number;
  values: Float64Array;
}

export interface SeriesWindow {
  inputs: Float32Array;
  last: number;
  scale: number;
}

/** Undefined where too little is known up to step `at`, or nothing moves. */
export function windowAt({ fromMs, values }: EvenSeries, at: number): SeriesWindow | undefined {
  if (at < LAGS || at >= values.length) return undefined;
  const last = values[at] as number;
  if (!Number.isFinite(last)) return undefined;
  const inputs = new Float32Array(INPUTS);
  let [moved, known] = [0, 0];
  let held = last;
  const past = new Float64Array(LAGS);
  for (let i = 0; i < LAGS; i++) {
    const value = values[at - 1 - i] as number;
    if (Number.isFinite(value)) {
      moved += Math.abs(value - held);
      known++;
      held = value;
    }
    // A gap is bridged by the value after it.
    past[i] = held;
  }
  const scale = moved / Math.max(1, known);
  if (known < LAGS / 2 || !(scale > 0) || !Number.isFinite(scale)) return undefined;
  for (let i = 0; i < LAGS; i++) inputs[i] = clipped(((past[i] as number) - last) / scale);
  const atMs = fromMs + at * STEP_MS;
  const turns = [(atMs % DAY_MS) / DAY_MS, (atMs % (7 * DAY_MS)) / (7 * DAY_MS)];
  turns.forEach((turn, i) => {
    inputs[LAGS + 2 * i] = Math.sin(2 * Math.PI * turn);
    inputs[LAGS + 2 * i + 1] = Math.cos(2 * Math.PI * turn);
  });
  return { inputs, last, scale };
}

/** What came at each horizon, in units of the window; NaN where it is not known. */
export function targetsAt({ values }: EvenSeries, at: number, { last, scale }: SeriesWindow): Float32Array {
  return Float32Array.from(HORIZONS, (steps) => clipped(((values[at + steps] ?? Number.NaN) - last) / scale));
}

/** In units of a window: what lies further out is far enough. */
export function clipped(value: number): number {
  return Math.max(-CLIP, Math.min(CLIP, value));
}
