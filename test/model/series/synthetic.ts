/** Made series: a usual course from a seed, and something that happens to it. */
import { makeRandom } from '../stream.ts';

export const ROW_MS = 60_000;
export const START_MS = Date.UTC(2026, 0, 5);

/** `noise` lies between -0.5 and 0.5. */
export function made(rows: number, value: (row: number, noise: number) => number, seed = 7): number[] {
  const random = makeRandom(seed);
  return Array.from({ length: rows }, (_, row) => value(row, random() - 0.5));
}
