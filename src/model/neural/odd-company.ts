/**
 * What a trained denoiser makes of a change: each feature is hidden in turn and guessed from the others. How surprising the change is, in
 * nats, and which feature was expected least. Pure: guesses come from whoever runs the network.
 */
import { type ChangeVector, VECTOR_WIDTH, YES_OR_NO } from './change-vector.ts';

/** Features hidden in turn; of a change with more only so many, evenly chosen. */
export const HIDDEN_MAX = 16;
const CHANCE_MIN = 1e-4;
/** A field that usually comes along is missed only where it nearly always does. */
const MISSED_FROM = 0.9;

type Point = Pick<ChangeVector, 'indices' | 'values'>;

export interface OddCompany {
  /** Nats. */
  surprise: number;
  /** What was expected least given the rest, with its chance. */
  feature: number;
  chance: number;
  missing: boolean;
}

/** The features of a change that are hidden in turn. */
export function hiddenOf({ indices }: Pick<Point, 'indices'>): number[] {
  const asked: number[] = [];
  for (const index of indices) if (index < YES_OR_NO) asked.push(index);
  if (asked.length <= HIDDEN_MAX) return asked;
  return Array.from({ length: HIDDEN_MAX }, (_, i) => asked[Math.floor((i * asked.length) / HIDDEN_MAX)] as number);
}

/** Rows for the network: the change as it is, then with each of `hidden` left out. */
export function rowsOf(vector: Point, hidden: readonly number[]): Float32Array {
  const rows = new Float32Array((hidden.length + 1) * VECTOR_WIDTH);
  for (let row = 0; row <= hidden.length; row++) {
    vector.indices.forEach((index, i) => {
      rows[row * VECTOR_WIDTH + index] = vector.values[i] as number;
    });
    if (row > 0) rows[row * VECTOR_WIDTH + (hidden[row - 1] as number)] = 0;
  }
  return rows;
}

/** `guessed`: what the network said to `rowsOf(vector, hidden)`. */
export function oddCompanyOf(vector: Point, hidden: readonly number[], guessed: Float32Array): OddCompany {
  let worst: OddCompany = { surprise: 0, feature: -1, chance: 1, missing: false };
  hidden.forEach((feature, i) => {
    const chance = Math.max(CHANCE_MIN, guessed[(i + 1) * VECTOR_WIDTH + feature] as number);
    const surprise = -Math.log(chance);
    if (surprise > worst.surprise) worst = { surprise, feature, chance, missing: false };
  });
  const there = new Set(vector.indices);
  for (let feature = 0; feature < YES_OR_NO; feature++) {
    const chance = guessed[feature] as number;
    if (there.has(feature) || chance < MISSED_FROM) continue;
    const surprise = -Math.log(Math.max(CHANCE_MIN, 1 - chance));
    if (surprise > worst.surprise) worst = { surprise, feature, chance, missing: true };
  }
  return worst;
}
