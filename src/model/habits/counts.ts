/**
 * Bounded counting, in plain Maps and objects so that a snapshot is a straight copy of the state.
 */

/** How often each token was seen. `n` sightings in all, `fresh` of which brought a token not known at the time. */
export interface TokenCounts {
  n: number;
  fresh: number;
  seen: Map<string, number>;
}

export function makeTokenCounts(): TokenCounts {
  return { n: 0, fresh: 0, seen: new Map() };
}

/** Counts one sighting; at `cap` tokens the rarest of them gives way, oldest first, so that memory is bounded. */
export function countToken(counts: TokenCounts, token: string, cap: number): void {
  counts.n++;
  const before = counts.seen.get(token);
  if (before !== undefined) {
    counts.seen.set(token, before + 1);
    return;
  }
  counts.fresh++;
  if (counts.seen.size >= cap) {
    let rarest: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [key, count] of counts.seen) {
      if (count < least) {
        least = count;
        rarest = key;
        if (count <= 1) break;
      }
    }
    if (rarest !== undefined) counts.seen.delete(rarest);
  }
  counts.seen.set(token, 1);
}

/** The commonest token with its count; undefined when nothing was seen. */
export function commonest(counts: TokenCounts): [string, number] | undefined {
  let best: [string, number] | undefined;
  for (const entry of counts.seen) if (best === undefined || entry[1] > best[1]) best = entry;
  return best;
}

/** Probability that the next sighting brings a token never seen (Krichevsky-Trofimov estimate of the rate of news so far). */
export function noveltyRate(counts: Pick<TokenCounts, 'n' | 'fresh'>): number {
  return (counts.fresh + 0.5) / (counts.n + 1);
}

/** Gets or makes the value of a key and marks it as the most recently used; beyond `cap` the least recently used goes. */
export function touch<V>(map: Map<string, V>, key: string, cap: number, make: () => V): V {
  let value = map.get(key);
  if (value !== undefined) {
    // Moving to the end costs two hash operations: only worth it where something could be evicted soon.
    if (map.size > cap / 2) {
      map.delete(key);
      map.set(key, value);
    }
    return value;
  }
  if (map.size >= cap) dropOldest(map);
  value = make();
  map.set(key, value);
  return value;
}

const FROM_OLDEST = new WeakMap<ReadonlyMap<unknown, unknown>, MapIterator<unknown>>();

/**
 * Takes out what was put first, and gives its key and value; undefined where there is none. Whoever does so keeps to it: nothing else may ask for the first keys and leave them.
 * A Map goes on holding places of what was deleted until it is put together again, and a new iterator passes all of them: where thousands of keys give way, one
 * kept from time to time stands where they end.
 */
export function dropOldest<K, V>(map: Map<K, V>): [K, V] | undefined {
  let next = (FROM_OLDEST.get(map) as MapIterator<[K, V]> | undefined)?.next();
  if (next === undefined || next.done) {
    const entries = map.entries();
    FROM_OLDEST.set(map, entries);
    next = entries.next();
  }
  if (next.done) return undefined;
  map.delete(next.value[0]);
  return next.value;
}

/** Adds to a counter in a map that holds at most `cap` keys; a new key beyond that is not counted. Returns the new count. */
export function increment(map: Map<string, number>, key: string, cap: number, by = 1): number {
  const before = map.get(key);
  if (before === undefined && map.size >= cap) return 0;
  const count = (before ?? 0) + by;
  map.set(key, count);
  return count;
}

/** Adds a member to a set of at most `cap` members. */
export function addBounded(set: Set<string>, member: string, cap: number): void {
  if (set.size < cap) set.add(member);
}
