/** What a visit keeps for the pools to learn when it closes: the largest surprise in each. */
import type { Pool } from './calibrate.ts';
import type { CallRecord } from './call-record.ts';

/** Whose visits a pool is about: those of machines, those of people, or anybody's. */
export type Sort = 'm' | 'h' | '*';

/** A pool with what its key says: `detector:sort`, with a `+` for new objects where these are a population of their own. */
export interface Channel {
  key: string;
  /** The key without the `+`: new and changed objects have two pools, yet the detector is heard as one. */
  name: string;
  /** The key of the other of the two, and whether there is a pool of it. */
  twin: string;
  hasTwin: boolean;
  sort: Sort;
  episodeMs: number | undefined;
  pool: Pool;
  /** What calibration.ts has about the detector under these names. */
  spread: number | undefined;
  speaksFrom: number | undefined;
  deviations: number | undefined;
  isShare: boolean;
  isOfMoves: boolean;
  /** Of the name; looked up until there is one. */
  record: CallRecord | undefined;
  /** Of those called so far by asker, while none of them can have given way. */
  heard: Map<string, number[]>;
}

/** The largest surprise of a visit in one pool, and what was said of it; nothing of a combined score. */
export interface Top {
  surprise: number;
  asker: string;
  ranked: number | undefined;
  said: number | undefined;
  key: string;
  /** Of that key. Derived, so no part of a snapshot. */
  channel: Channel | undefined;
}

/** As a snapshot has it, by key. */
export interface SavedTop {
  surprise: number;
  asker: string;
  ranked?: number;
  said?: number;
}

/** In the order of their first. */
export function savedTops(tops: readonly Top[]): Map<string, SavedTop> {
  const saved = new Map<string, SavedTop>();
  for (const { key, surprise, asker, ranked, said } of tops) {
    saved.set(key, ranked === undefined || said === undefined ? { surprise, asker } : { surprise, asker, ranked, said });
  }
  return saved;
}

export function topsIn(saved: ReadonlyMap<string, SavedTop>): Top[] {
  return Array.from(saved, ([key, { surprise, asker, ranked, said }]) => {
    return { surprise, asker, ranked, said, key, channel: undefined };
  });
}
