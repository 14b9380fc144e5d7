/**
 * The band of 80 % around a forecast, from how far forecasts like it were off (split conformal, one edge at a time). What counts are errors of whoever was
 * chosen, not of each expert by itself: who is chosen for having erred least lately was lucky as well. They are many, as those of hours ahead overlap: two hundred of
 * them are three independent ones. Adaptive levels (Gibbs and Candès 2021) were tried beside it: no truer, and wider (docs/benchmarks.md).
 */
import { makeWindow, pushWindow, type RankedWindow } from '../series/ranked-window.ts';

export interface Band {
  low: number;
  high: number;
}

const BEYOND_EACH_EDGE = 0.1;
/** A week of steps. */
const ERRORS_MAX = 2_000;
const ERRORS_MIN = 30;
/** Stretches as long as the forecast reaches: in fewer than nine the tenth that lies beyond an edge has not shown itself. */
const STRETCHES_MIN = 9;
/** Single precision holds it. */
const ERROR_MAX = 1e30;

export type BandErrors = RankedWindow;

export function makeBandErrors(errorsMax = ERRORS_MAX): BandErrors {
  return makeWindow(errorsMax);
}

/** `error`: how far the value lay above the forecast. */
export function learnError(errors: BandErrors, error: number): void {
  pushWindow(errors, Math.max(-ERROR_MAX, Math.min(ERROR_MAX, error)));
}

/** Around a forecast of zero, `steps` ahead; undefined while too few errors are known. */
export function bandOf({ rising, n }: BandErrors, steps: number): Band | undefined {
  if (n < Math.max(ERRORS_MIN, STRETCHES_MIN * steps)) return undefined;
  // Of n + 1 exchangeable errors the next lies beyond the k-th from the end with probability k/(n + 1).
  const beyond = Math.floor(BEYOND_EACH_EDGE * (n + 1));
  return { low: rising[beyond - 1] as number, high: rising[n - beyond] as number };
}
