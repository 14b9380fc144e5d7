/**
 * Observed over nominal: how often a detector called a visit as rare as once in 100, or in 1,000, over how often it may. Of one asker only
 * the first in an episode of a day counts, as a reader would count it. The first fifth of a stream is for learning.
 * Silences of a detector that seldom speaks count as `observedOverNominal` says, those of people and of machines in each stream apart, as they are ranked.
 */
import type { Change } from '../../src/domain/change.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { observedOverNominal, type Population } from '../../src/model/tails/call-record.ts';
import { BY_OBJECT } from '../../src/model/voice.ts';

export const LEVELS = [1e-2, 1e-3] as const;
const LEARNING_SHARE = 0.2;
const EPISODE_MS = 86_400_000;
/** They have no opinion of machines. */
const OF_PEOPLE = new Set(['hour-of-week']);

type Sort = 'people' | 'machines';

interface Calls {
  /** Visits in which it spoke at all. */
  spoke: number;
  /** Episodes at or below each level. */
  told: number[];
}

interface StreamCount {
  visits: { [sort in Sort]: number };
  detectors: Map<string, { [sort in Sort]: Calls }>;
}

/** Stream by stream. */
export type Counted = StreamCount[];

export function countCalls(changes: readonly Change[], into: Counted): void {
  const firstMs = changes[0]?.observedMs ?? 0;
  const fromMs = firstMs + LEARNING_SHARE * ((changes.at(-1)?.observedMs ?? 0) - firstMs);
  const count: StreamCount = { visits: { people: 0, machines: 0 }, detectors: new Map() };
  into.push(count);
  const lastTold = new Map<string, number>();
  const visits = new Set<string>();
  const model = createModel({
    witness: ({ event, parts }) => {
      if (event.atMs < fromMs) return;
      const sort = event.machine ? 'machines' : 'people';
      const visit = `${event.actor.name} ${event.atMs}`;
      if (!visits.has(visit)) count.visits[sort]++;
      visits.add(visit);
      for (const { detector, p } of parts) {
        const calls = count.detectors.get(detector) ?? { people: newCalls(), machines: newCalls() };
        count.detectors.set(detector, calls);
        const spoken = `${detector} ${visit}`;
        if (!visits.has(spoken)) calls[sort].spoke++;
        visits.add(spoken);
        LEVELS.forEach((level, i) => {
          if (p > level) return;
          const who = `${detector} ${level} ${event.object}`;
          const by = `${detector} ${level} ${event.actor.name}`;
          const again = [who, by].some((name) => event.atMs - (lastTold.get(name) ?? Number.NEGATIVE_INFINITY) < EPISODE_MS);
          lastTold.set(who, event.atMs).set(by, event.atMs);
          if (!again) calls[sort].told[i] = (calls[sort].told[i] as number) + 1;
        });
      }
    },
  });
  for (const change of changes) model.observe(change);
}

function newCalls(): Calls {
  return { spoke: 0, told: LEVELS.map(() => 0) };
}

export interface Ratio {
  level: number;
  told: number;
  ratio: number;
  /** 95 % interval of the ratio, the count taken as Poisson. */
  low: number;
  high: number;
}

export function ratiosOf(counted: Counted): { detector: string; spoke: number; ratios: Ratio[] }[] {
  const detectors = new Set(counted.flatMap((stream) => [...stream.detectors.keys()]));
  return [...detectors].sort().map((detector) => {
    const ratios = LEVELS.map((level, i) => {
      const populations = counted.flatMap((stream) => populationsOf(stream, detector, i));
      const ratio = observedOverNominal(level, populations);
      const told = sumOf(populations, 'told');
      const nominal = level * sumOf(populations, 'visits');
      const [low, high] = poissonInterval(told).map((bound) => ratio + (bound - told) / nominal) as [number, number];
      return { level, told, ratio, low, high };
    });
    const populations = counted.flatMap((stream) => populationsOf(stream, detector, 0));
    return { detector, spoke: sumOf(populations, 'spoke') / sumOf(populations, 'visits'), ratios };
  });
}

/** Those against whom a detector is ranked in one stream: people, machines, or both as one. */
function populationsOf({ visits, detectors }: StreamCount, detector: string, level: number): Population[] {
  const calls = detectors.get(detector) ?? { people: newCalls(), machines: newCalls() };
  const [people, machines] = (['people', 'machines'] as const).map((sort) => ({
    visits: visits[sort],
    spoke: calls[sort].spoke,
    told: calls[sort].told[level] as number,
  })) as [Population, Population];
  if (OF_PEOPLE.has(detector)) return [people];
  if (!BY_OBJECT.has(detector)) return [people, machines];
  const both = [people, machines];
  return [{ visits: sumOf(both, 'visits'), spoke: sumOf(both, 'spoke'), told: sumOf(both, 'told') }];
}

function sumOf(populations: readonly Population[], what: keyof Population): number {
  return populations.reduce((sum, one) => sum + one[what], 0);
}

/** Exact for small counts to a few per cent: Wilson and Hilferty's cube root of the chi-squared quantile. */
function poissonInterval(count: number): [number, number] {
  const cube = (n: number, z: number) => n * Math.max(0, 1 - 1 / (9 * n) + z / (3 * Math.sqrt(n))) ** 3;
  return [count === 0 ? 0 : cube(count, -1.96), cube(count + 1, 1.96)];
}
