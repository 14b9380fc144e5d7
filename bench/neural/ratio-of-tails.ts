/**
 * How many times longer the slowest hundredth takes in one state than in another, with what chance leaves open. What is slow comes in heaps (a
 * collection, a seal, another process), so stretches of a second are drawn again, not single changes.
 */

import { seededChance } from '../../src/model/neural/seeded.ts';
import { percentile } from '../latency.ts';

export interface RatioOfTails {
  ratio: number;
  /** The middle 95 of 100 drawings. */
  from: number;
  to: number;
}

const PERCENT = 99;
const STRETCH = 50;
const DRAWS = 500;

/** Both in the order of time. */
export function ratioOfTails(busy: readonly number[], quiet: readonly number[]): RatioOfTails {
  const chance = seededChance(1);
  const ratioOf = (one: readonly number[], other: readonly number[]) => percentile(one, PERCENT) / percentile(other, PERCENT);
  const drawn = Array.from({ length: DRAWS }, () => ratioOf(redrawn(busy, chance), redrawn(quiet, chance)));
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.floor(share * DRAWS)] as number;
  return { ratio: ratioOf(busy, quiet), from: at(0.025), to: at(0.975) };
}

function redrawn(values: readonly number[], chance: () => number): number[] {
  const stretches = Math.max(1, Math.floor(values.length / STRETCH));
  return Array.from({ length: stretches }, () => Math.floor(chance() * stretches) * STRETCH).flatMap((from) =>
    values.slice(from, from + STRETCH),
  );
}
