/**
 * Observed over nominal: how often a detector called a visit as rare as once in 100, or in 1,000, over how often it may. Of one asker only
 * the first in an episode of a day counts, as a reader would count it. The first fifth of a stream is for learning.
 */
import type { Change } from '../../src/domain/change.ts';
import { createModel } from '../../src/model/ensemble.ts';

export const LEVELS = [1e-2, 1e-3] as const;
const LEARNING_SHARE = 0.2;
const EPISODE_MS = 86_400_000;

export interface Counted {
  visits: number;
  /** Per detector, episodes at or below each level. */
  told: Map<string, number[]>;
}

export function countCalls(changes: readonly Change[], into: Counted): void {
  const firstMs = changes[0]?.observedMs ?? 0;
  const fromMs = firstMs + LEARNING_SHARE * ((changes.at(-1)?.observedMs ?? 0) - firstMs);
  const lastTold = new Map<string, number>();
  const visits = new Set<string>();
  const model = createModel({
    witness: ({ event, parts }) => {
      if (event.atMs < fromMs) return;
      visits.add(`${event.actor.name} ${event.atMs}`);
      for (const { detector, p } of parts) {
        LEVELS.forEach((level, i) => {
          if (p > level) return;
          const who = `${detector} ${level} ${event.object}`;
          const by = `${detector} ${level} ${event.actor.name}`;
          const again = [who, by].some((name) => event.atMs - (lastTold.get(name) ?? Number.NEGATIVE_INFINITY) < EPISODE_MS);
          lastTold.set(who, event.atMs).set(by, event.atMs);
          if (again) return;
          let told = into.told.get(detector);
          if (told === undefined) {
            told = LEVELS.map(() => 0);
            into.told.set(detector, told);
          }
          told[i] = (told[i] as number) + 1;
        });
      }
    },
  });
  for (const change of changes) model.observe(change);
  into.visits += visits.size;
}

export interface Ratio {
  level: number;
  told: number;
  ratio: number;
  /** 95 % interval of the ratio, the count taken as Poisson. */
  low: number;
  high: number;
}

export function ratiosOf({ visits, told }: Counted): { detector: string; ratios: Ratio[] }[] {
  return [...told]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([detector, counts]) => ({
      detector,
      ratios: counts.map((count, i) => {
        const level = LEVELS[i] as number;
        const nominal = visits * level;
        const [low, high] = poissonInterval(count);
        return { level, told: count, ratio: count / nominal, low: low / nominal, high: high / nominal };
      }),
    }));
}

/** Exact for small counts to a few per cent: Wilson and Hilferty's cube root of the chi-squared quantile. */
function poissonInterval(count: number): [number, number] {
  const cube = (n: number, z: number) => n * Math.max(0, 1 - 1 / (9 * n) + z / (3 * Math.sqrt(n))) ** 3;
  return [count === 0 ? 0 : cube(count, -1.96), cube(count + 1, 1.96)];
}
