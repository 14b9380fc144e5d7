/**
 * How rare a piece of evidence is among its own past, as -log10 of a tail probability. Below the top few per cent the rank tells; above,
 * a Pareto tail whose index is Hill's estimate (1975), drawn towards a prior while the top holds few values.
 */
import { countBelow, quantileOf, type RankedWindow } from './ranked-window.ts';

export interface TailConstants {
  /** Values before anything is said. */
  min: number;
  /** Share of the window that makes up the tail. */
  topShare: number;
  /** Tail index expected before seeing any, and for how many values that counts. */
  indexPrior: number;
  priorWeight: number;
}

const TOP_MIN = 5;
const BITS_MAX = 30;
/** Of the 90 % point: keeps the ratio of two tiny values from looking like a surprise. */
const OFFSET_SHARE = 0.05;

export function tailBits(past: RankedWindow, evidence: number, constants: TailConstants): number {
  // As the window holds it, else a constant series would beat its own past by a rounding.
  const value = Math.fround(evidence);
  const { n, rising } = past;
  if (n < constants.min) return 0;
  const top = Math.max(TOP_MIN, Math.floor(constants.topShare * n));
  const threshold = rising[n - top] as number;
  if (value <= threshold) return -Math.log10((n - countBelow(past, value) + 1) / (n + 1));
  const offset = OFFSET_SHARE * (quantileOf(past, 0.9) as number) + 1e-12;
  const base = threshold + offset;
  let logs = constants.indexPrior * constants.priorWeight;
  for (let i = n - top; i < n; i++) logs += Math.log(((rising[i] as number) + offset) / base);
  const index = logs / (top + constants.priorWeight);
  const bits = -Math.log10((top + 1) / (n + 1)) + Math.log10((value + offset) / base) / index;
  return Math.min(BITS_MAX, bits);
}
