/**
 * How often something came and which of its last few chances it missed, in one number: below, how often it came; above, a bit for each of the last four
 * chances, the latest lowest, set where it was missed. So a plain count is one of which no chance was missed.
 */

export const LATEST = 4;
const LATEST_MASK = (1 << LATEST) - 1;
const CAME_BITS = 20;
/** What is seen more often than this is taken for seen so often. */
export const CAME_MAX = (1 << CAME_BITS) - 1;

export function timesCame(moves: number): number {
  return moves & CAME_MAX;
}

/** One time more that it came; `noteChance` has to be told as well. */
export function countCame(moves: number): number {
  return timesCame(moves) < CAME_MAX ? moves + 1 : moves;
}

export function noteChance(moves: number, came: boolean): number {
  const latest = ((moves >> CAME_BITS) << 1) | (came ? 0 : 1);
  return ((latest & LATEST_MASK) << CAME_BITS) | timesCame(moves);
}

/** How many of the last four chances were missed. */
export function missedLately(moves: number): number {
  let missed = 0;
  for (let left = moves >> CAME_BITS; left > 0; left >>= 1) missed += left & 1;
  return missed;
}

export function wasMissedLast(moves: number): boolean {
  return ((moves >> CAME_BITS) & 1) === 1;
}

/** Krichevsky-Trofimov estimate that the next chance is missed as `missed` of the last four were. */
export function latestShare(missed: number): number {
  return (missed + 0.5) / (LATEST + 1);
}
