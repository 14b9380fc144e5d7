/**
 * How rare a row's score is among the hours of its cluster: of every hour the largest score of all its series counts, so "once in N" means once in N hours
 * of this cluster, however many series it has and however often they are read. A rank among a series' own rows would be reached by
 * one of sixty series several times a day.
 */

import { DAY_MS, HOUR_MS } from '../detector.ts';
import { touch } from '../habits/counts.ts';
import { learnPool, makePool, type Pool, tailOfPool } from '../tails/calibrate.ts';

export interface HourlyTail {
  pool: Pool;
  firstMs: number;
  lastMs: number;
}

/** By cluster. */
export type HourlyTails = Map<string, HourlyTail>;

const CLUSTERS_MAX = 1_000;
/** Two rounds of the week, as for changes. */
const MATURE_MS = 14 * DAY_MS;

/** Tail probability of a score among the hours so far; then the score is learnt, one of an hour. */
export function rareAmongHours(
  tails: HourlyTails,
  { cluster, atMs, score }: { cluster: string; atMs: number; score: number },
): { p: number; mature: boolean } {
  const tail = touch(tails, cluster, CLUSTERS_MAX, () => ({ pool: makePool(), firstMs: atMs, lastMs: atMs }));
  // Where the clock was set back no hours are added until it is where it was: told too seldom rather than too often.
  tail.lastMs = Math.max(tail.lastMs, atMs);
  const asker = { key: 'cluster', atMs, visits: Math.max(1, (tail.lastMs - tail.firstMs) / HOUR_MS) };
  const p = tailOfPool(tail.pool, score, asker);
  learnPool(tail.pool, score, asker);
  return { p, mature: isMatureTail(tail) };
}

export function isMatureTail({ firstMs, lastMs }: HourlyTail): boolean {
  return lastMs - firstMs >= MATURE_MS;
}
