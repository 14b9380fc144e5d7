/** Changes as the network follows them: who, what and when, and the vector. Read where they are needed, in the thread or beside a store in memory. */
import type { Change } from '../../domain/change.ts';
import type { TrainingVector } from '../../model/neural/autoencoder.ts';
import { type ChangeVector, vectorOf } from '../../model/neural/change-vector.ts';
import { NETWORK } from '../../model/neural/network-judgement.ts';
import type { OddCompany } from '../../model/neural/odd-company.ts';
import { makeWeekClock } from '../../model/week-clock.ts';
import type { Store } from '../../store/store.ts';

const STORED_SCORE_MIN = 2;
const FINDINGS_PAGE = 500;

export type ChangeMade = Pick<Change, 'seq' | 'ref' | 'uid' | 'type' | 'observedMs' | 'resourceVersion' | 'actor'>;

export interface FollowedChange extends ChangeMade {
  /** Undefined for what is nobody's act. */
  vector: ChangeVector | undefined;
}

/** What the main thread hears of one. */
export interface SeenChange extends ChangeMade {
  /** Where a network was asked and there was something to ask. */
  found: (OddCompany & { name: string | undefined }) | undefined;
  /** What was said of it without the network; 0 where that was not worth keeping. */
  score: number;
}

export interface Feed {
  /** Changes after one, in order. */
  changes(after: number, limit: number): FollowedChange[];
  /** By change, what was said of those of some time without the network, where that was at least `scoreMin`. */
  scores(time: TimeSpan, scoreMin: number): Map<number, number>;
}

interface TimeSpan {
  fromMs: number;
  /** Inclusive. */
  toMs: number;
}

export function feedOf(store: Pick<Store, 'changesAfter' | 'findings'>, timeZone: string): Feed {
  const hourOfWeek = makeWeekClock(timeZone);
  return {
    changes: (after, limit) =>
      store.changesAfter(after, limit).map((change) => {
        const { seq, ref, uid, type, observedMs, resourceVersion, actor } = change;
        return { seq, ref, uid, type, observedMs, resourceVersion, actor, vector: vectorOf(change, hourOfWeek) };
      }),
    scores({ fromMs, toMs }, scoreMin) {
      const scores = new Map<number, number>();
      const query = { fromMs, toMs: toMs + 1, scoreMin, limit: FINDINGS_PAGE };
      let next: string | undefined;
      do {
        const page = store.findings(next === undefined ? query : { ...query, continue: next });
        for (const { subject, score, detector } of page.items) {
          if (subject.type === 'change' && detector !== NETWORK)
            scores.set(subject.seq, Math.max(score, scores.get(subject.seq) ?? 0));
        }
        next = page.continue;
      } while (next !== undefined);
      return scores;
    },
  };
}

/** `found`: what the network made of those with a vector, in their order. */
export function seenOf(feed: Feed, changes: readonly FollowedChange[], found: readonly OddCompany[]): SeenChange[] {
  let next = 0;
  const scores = found.length === 0 ? undefined : feed.scores(timeOf(changes), STORED_SCORE_MIN);
  return changes.map(({ vector, ...made }) => {
    const one = vector === undefined ? undefined : found[next++];
    const score = scores?.get(made.seq) ?? 0;
    return { ...made, score, found: one === undefined ? undefined : { ...one, name: vector?.names.get(one.feature) } };
  });
}

export interface Range {
  after: number;
  through: number;
  /** Changes that are not learnt from, beside those of which something this rare was said. */
  without: readonly number[];
  scoreMax: number;
}

/** All that is to be learnt from in a range, read a page at a time. */
export function vectorsIn(feed: Feed, { after, through, without, scoreMax }: Range, page: number): TrainingVector[] {
  const left = new Set(without);
  const read: { seq: number; vector: TrainingVector }[] = [];
  const time = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY };
  for (let from = after; from < through; ) {
    const changes = feed.changes(from, page);
    const newest = changes.at(-1);
    if (newest === undefined) break;
    from = newest.seq;
    const { fromMs, toMs } = timeOf(changes);
    time.fromMs = Math.min(time.fromMs, fromMs);
    time.toMs = Math.max(time.toMs, toMs);
    for (const { seq, vector } of changes)
      if (vector !== undefined && seq <= through && !left.has(seq))
        read.push({ seq, vector: { indices: vector.indices, values: vector.values } });
  }
  if (read.length === 0) return [];
  // Asked for once: each question looks for all findings of its time.
  const odd = feed.scores(time, scoreMax);
  return read.flatMap(({ seq, vector }) => (odd.has(seq) ? [] : vector));
}

function timeOf(changes: readonly ChangeMade[]): TimeSpan {
  const times = changes.map(({ observedMs }) => observedMs);
  return { fromMs: Math.min(...times), toMs: Math.max(...times) };
}
