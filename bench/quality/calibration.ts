/**
 * Observed over nominal: how often a detector called a visit as rare as once in 100, or in 1,000, over how often it may. Of one asker only
 * the first in an episode of a day counts, as a reader would count it. The first fifth of a stream is for learning.
 * Silences of a detector that seldom speaks count as `observedOverNominal` says.
 */
import type { Change } from '../../src/domain/change.ts';
import { observedOverNominal } from '../../src/model/call-record.ts';
import { createModel } from '../../src/model/ensemble.ts';

export const LEVELS = [1e-2, 1e-3] as const;
const LEARNING_SHARE = 0.2;
const EPISODE_MS = 86_400_000;
/** They have no opinion of machines. */
const OF_PEOPLE = new Set(['hour-of-week']);

export interface Counted {
  visits: number;
  /** Of them those of people. */
  people: number;
  detectors: Map<string, Calls>;
}

interface Calls {
  /** Visits in which it spoke at all. */
  spoke: number;
  /** Episodes at or below each level. */
  told: number[];
}

export function newCount(): Counted {
  return { visits: 0, people: 0, detectors: new Map() };
}

export function countCalls(changes: readonly Change[], into: Counted): void {
  const firstMs = changes[0]?.observedMs ?? 0;
  const fromMs = firstMs + LEARNING_SHARE * ((changes.at(-1)?.observedMs ?? 0) - firstMs);
  const lastTold = new Map<string, number>();
  const visits = new Set<string>();
  const model = createModel({
    witness: ({ event, parts }) => {
      if (event.atMs < fromMs) return;
      const visit = `${event.actor.name} ${event.atMs}`;
      if (!visits.has(visit)) {
        visits.add(visit);
        into.visits++;
        if (!event.machine) into.people++;
      }
      for (const { detector, p } of parts) {
        const calls = into.detectors.get(detector) ?? { spoke: 0, told: LEVELS.map(() => 0) };
        into.detectors.set(detector, calls);
        const spoken = `${detector} ${visit}`;
        if (!visits.has(spoken)) calls.spoke++;
        visits.add(spoken);
        LEVELS.forEach((level, i) => {
          if (p > level) return;
          const who = `${detector} ${level} ${event.object}`;
          const by = `${detector} ${level} ${event.actor.name}`;
          const again = [who, by].some((name) => event.atMs - (lastTold.get(name) ?? Number.NEGATIVE_INFINITY) < EPISODE_MS);
          lastTold.set(who, event.atMs).set(by, event.atMs);
          if (!again) calls.told[i] = (calls.told[i] as number) + 1;
        });
      }
    },
  });
  for (const change of changes) model.observe(change);
}

export interface Ratio {
  level: number;
  told: number;
  ratio: number;
  /** 95 % interval of the ratio, the count taken as Poisson. */
  low: number;
  high: number;
}

export function ratiosOf({ visits: all, people, detectors }: Counted): { detector: string; spoke: number; ratios: Ratio[] }[] {
  return [...detectors]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([detector, { spoke, told }]) => {
      const visits = OF_PEOPLE.has(detector) ? people : all;
      const ratios = told.map((count, i) => {
        const level = LEVELS[i] as number;
        const ratioOf = (calls: number) => observedOverNominal({ level, visits, spoke, told: calls });
        const [low, high] = poissonInterval(count);
        return { level, told: count, ratio: ratioOf(count), low: ratioOf(low), high: ratioOf(high) };
      });
      return { detector, spoke: spoke / visits, ratios };
    });
}

/** Exact for small counts to a few per cent: Wilson and Hilferty's cube root of the chi-squared quantile. */
function poissonInterval(count: number): [number, number] {
  const cube = (n: number, z: number) => n * Math.max(0, 1 - 1 / (9 * n) + z / (3 * Math.sqrt(n))) ** 3;
  return [count === 0 ? 0 : cube(count, -1.96), cube(count + 1, 1.96)];
}
