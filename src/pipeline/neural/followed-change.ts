/** Changes as the network follows them: who, what and when, and the vector. Read where they are needed, in the thread or beside a store in memory. */
import type { Change } from '../../domain/change.ts';
import type { TrainingVector } from '../../model/neural/autoencoder.ts';
import { type ChangeVector, vectorOf } from '../../model/neural/change-vector.ts';
import type { OddCompany } from '../../model/neural/odd-company.ts';
import { makeWeekClock } from '../../model/week-clock.ts';
import type { Store } from '../../store/store.ts';

export type ChangeMade = Pick<Change, 'seq' | 'ref' | 'uid' | 'type' | 'observedMs' | 'resourceVersion' | 'actor'>;

export interface FollowedChange extends ChangeMade {
  /** Undefined for what is nobody's act. */
  vector: ChangeVector | undefined;
}

/** What the main thread hears of one. */
export interface SeenChange extends ChangeMade {
  /** Where a network was asked and there was something to ask. */
  found: (OddCompany & { name: string | undefined }) | undefined;
}

/** Changes after one, in order. */
export type Feed = (after: number, limit: number) => FollowedChange[];

export function feedOf(store: Pick<Store, 'changesAfter'>, timeZone: string): Feed {
  const hourOfWeek = makeWeekClock(timeZone);
  return (after, limit) =>
    store.changesAfter(after, limit).map((change) => {
      const { seq, ref, uid, type, observedMs, resourceVersion, actor } = change;
      return { seq, ref, uid, type, observedMs, resourceVersion, actor, vector: vectorOf(change, hourOfWeek) };
    });
}

/** `found`: what the network made of those with a vector, in their order. */
export function seenOf(changes: readonly FollowedChange[], found: readonly OddCompany[]): SeenChange[] {
  let next = 0;
  return changes.map(({ vector, ...made }) => {
    const one = vector === undefined ? undefined : found[next++];
    return { ...made, found: one === undefined ? undefined : { ...one, name: vector?.names.get(one.feature) } };
  });
}

export interface Range {
  after: number;
  through: number;
  /** Changes that are not learnt from. */
  without: readonly number[];
}

/** All that is to be learnt from in a range, a page at a time. */
export function* vectorsIn(feed: Feed, { after, through, without }: Range, page: number): Generator<TrainingVector[]> {
  const left = new Set(without);
  for (let from = after; from < through; ) {
    const changes = feed(from, page);
    const newest = changes.at(-1);
    if (newest === undefined) return;
    from = newest.seq;
    yield changes.flatMap(({ seq, vector }) => {
      if (vector === undefined || seq > through || left.has(seq)) return [];
      return [{ indices: vector.indices, values: vector.values }];
    });
  }
}
