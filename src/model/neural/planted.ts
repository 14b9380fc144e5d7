/**
 * Odd combinations made of a cluster's own changes: one with a field, or the actor, of another change of the same kind. Nobody has to label
 * anything to see how many of them are told from the real ones.
 */
import type { TrainingVector } from './autoencoder.ts';
import { VECTOR_WIDTH, YES_OR_NO } from './change-vector.ts';
import { type Chance, shuffled } from './seeded.ts';

const FIELDS_END = 256;
const KINDS_END = 276;
const ACTORS_END = 288;
const TRIES = 8;

type Swap = 'field' | 'actor';

/** For each of the given changes one that never happened, where one can be made. */
export function plantIn(real: readonly TrainingVector[], chance: Chance): TrainingVector[] {
  const seen = new Set(real.map(({ indices }) => essence(indices)));
  const byKind = Map.groupBy(real, ({ indices }) => kindOf(indices));
  const out: TrainingVector[] = [];
  for (const one of real) {
    const peers = byKind.get(kindOf(one.indices)) as TrainingVector[];
    for (let i = 0; i < TRIES; i++) {
      const other = peers[Math.floor(chance() * peers.length)] as TrainingVector;
      const made = mixed(one, other, chance() < 0.5 ? 'field' : 'actor', chance);
      if (made === undefined || seen.has(essence(made.indices))) continue;
      out.push(made);
      break;
    }
  }
  return out;
}

/** Share of `planted` that lie above all but `falseShare` of `real`; ties are not told. */
export function toldApart(planted: readonly number[], real: readonly number[], falseShare: number): number {
  if (planted.length === 0 || real.length === 0) return 0;
  const falling = [...real].sort((a, b) => b - a);
  const level = falling[Math.min(falling.length - 1, Math.floor(falseShare * falling.length))] as number;
  return planted.filter((value) => value > level).length / planted.length;
}

/** A spread of `count` of them, in their order. */
export function sampleOf<T>(all: readonly T[], count: number, chance: Chance): T[] {
  if (all.length <= count) return [...all];
  const picked = shuffled(all.length, chance).subarray(0, count).sort();
  return Array.from(picked, (i) => all[i] as T);
}

function mixed(one: TrainingVector, other: TrainingVector, swap: Swap, chance: Chance): TrainingVector | undefined {
  const dense = new Float32Array(VECTOR_WIDTH);
  one.indices.forEach((index, i) => {
    dense[index] = one.values[i] as number;
  });
  const [from, to] = swap === 'actor' ? [KINDS_END, ACTORS_END] : [0, FIELDS_END];
  const own = [...one.indices].filter((index) => index >= from && index < to);
  const theirs = [...other.indices].filter((index) => index >= from && index < to && !own.includes(index));
  if (own.length === 0 || theirs.length === 0) return undefined;
  dense[own[Math.floor(chance() * own.length)] as number] = 0;
  dense[theirs[Math.floor(chance() * theirs.length)] as number] = 1;
  const indices = Array.from({ length: VECTOR_WIDTH }, (_, i) => i).filter((index) => dense[index] !== 0);
  return { indices: Uint16Array.from(indices), values: Float32Array.from(indices, (index) => dense[index] as number) };
}

function kindOf(indices: Uint16Array): string {
  return [...indices].filter((index) => index >= FIELDS_END && index < KINDS_END).join();
}

function essence(indices: Uint16Array): string {
  return [...indices].filter((index) => index < YES_OR_NO).join();
}
