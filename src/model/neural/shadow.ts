/**
 * What a network says while it is watched: its surprises turned into bits against its own past, and set beside the score that the change
 * got without it. Plain state; nothing here changes a finding.
 */
import { learnPool, makePool, type Pool, tailOfPool } from '../tails/calibrate.ts';

/** From here a change stands out: once in a thousand. */
export const STANDS_OUT_BITS = 3;
/** Share of the false-alarm budget that the network would get. */
export const NEURAL_WEIGHT = 0.25;
const KEPT_BITS = 2;
const KEPT_MAX = 2_000;

export interface Seen {
  seq: number;
  atMs: number;
  /** Whose surprises are compared: an object's own of the last hour do not count twice. */
  object: string;
  machine: boolean;
  born: boolean;
  surprise: number;
  /** The score of the change without the network; 0 where it was not worth keeping. */
  score: number;
}

export interface Comparison {
  judged: number;
  /** Changes that stand out to both, to the closed forms alone, and to the network alone. */
  both: number;
  formsOnly: number;
  networkOnly: number;
}

export interface ShadowState {
  pools: Map<string, Pool>;
  visits: Map<string, number>;
  comparison: Comparison;
  /** The newest that stood out to either, for when somebody says what they were. */
  notable: { seq: number; bits: number; score: number }[];
}

export function newShadow(): ShadowState {
  return {
    pools: new Map(),
    visits: new Map(),
    comparison: { judged: 0, both: 0, formsOnly: 0, networkOnly: 0 },
    notable: [],
  };
}

/** Scores, then learns: returns the bits of this change against those before it. */
export function weigh(state: ShadowState, seen: Seen): number {
  const key = `${seen.machine ? 'm' : 'h'}${seen.born ? '+' : ''}`;
  let pool = state.pools.get(key);
  if (pool === undefined) {
    pool = makePool();
    state.pools.set(key, pool);
  }
  const visits = (state.visits.get(key) ?? 0) + 1;
  state.visits.set(key, visits);
  const asker = { key: seen.object, atMs: seen.atMs, visits };
  const p = seen.surprise > 0 ? tailOfPool(pool, seen.surprise, asker) : 1;
  if (seen.surprise > 0) learnPool(pool, seen.surprise, asker);
  const bits = p < 1 ? -Math.log10(Math.max(1e-12, p)) : 0;
  compare(state, { seq: seen.seq, bits, score: seen.score });
  return bits;
}

/** The score of a change with the network's say, as the combination of all detectors would have it. */
export function withNetwork(score: number, bits: number): number {
  return Math.log10(Math.max(1, (score > 0 ? 10 ** score : 0) + NEURAL_WEIGHT * 10 ** bits));
}

function compare(state: ShadowState, one: ShadowState['notable'][number]): void {
  const { comparison, notable } = state;
  const byNetwork = one.bits >= STANDS_OUT_BITS;
  const byForms = one.score >= STANDS_OUT_BITS;
  comparison.judged++;
  if (byNetwork && byForms) comparison.both++;
  else if (byForms) comparison.formsOnly++;
  else if (byNetwork) comparison.networkOnly++;
  if (one.bits < KEPT_BITS && one.score < KEPT_BITS) return;
  notable.push(one);
  if (notable.length > KEPT_MAX) notable.splice(0, notable.length - KEPT_MAX);
}
