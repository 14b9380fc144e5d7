/**
 * From raw surprise to a tail probability, against the detector's own past: "of all visits, how many brought a surprise this large?".
 * Rank within the sample, an exponential tail with a shrunk mean excess beyond its top, times how often the detector has anything to
 * say at all. So every detector spends the same share of false alarms, whatever its scale.
 */

export const WINDOW = 6_000;
const FEW = 20;
const TOP_SHARE = 0.02;
const TOP_MIN = 10;
const REPEAT_MS = 3_600_000;
const OPEN_MAX = 2_000;

/** Plain data: one pool per detector and sort of event. */
export interface Pool {
  /** Surprises of the window, rising; the first `n` count. */
  sorted: Float64Array;
  n: number;
  /** The same in order of arrival, as a ring from `head`; and at which visit each came. */
  values: Float64Array;
  visits: Float64Array;
  head: number;
  /** Objects seen within the last hour: slot in the ring and since when. What flaps does not become usual by flapping. */
  open: Map<string, { slot: number; sinceMs: number; serial: number }>;
  serial: number;
}

export function makePool(): Pool {
  return {
    sorted: new Float64Array(64),
    n: 0,
    values: new Float64Array(64),
    visits: new Float64Array(64),
    head: 0,
    open: new Map(),
    serial: 0,
  };
}

/** Probability that a visit brings a surprise of at least `surprise`; `visits` is the number of visits so far, all detectors. */
export function tailOfPool(pool: Pool, surprise: number, visits: number): number {
  const { sorted, n } = pool;
  const above = n - lowerBound(sorted, n, surprise);
  if (n < FEW) {
    const top = n > 0 ? (sorted[n - 1] as number) : 1;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += sorted[i] as number;
    const mean = n > 0 ? Math.max(1, sum / n) : 1;
    return Math.min(1, ((above + 1) / Math.max(50, visits)) * Math.exp(Math.min(0, (top - surprise) / mean)));
  }
  const since = visits - (pool.visits[pool.head] as number);
  const applies = n / Math.max(n, since);
  const k = Math.max(TOP_MIN, Math.floor(n * TOP_SHARE));
  if (above > k / 2) return Math.min(1, (applies * (above + 0.5)) / n);
  const threshold = sorted[n - k] as number;
  let excess = 0;
  for (let i = n - k; i < n; i++) excess += (sorted[i] as number) - threshold;
  const mean = Math.max(excess / k, 0.15, 0.03 * Math.abs(threshold));
  const tail = (k / n) * Math.exp(-(surprise - threshold) / mean) + 0.02 / n;
  return applies * Math.min(above > 0 ? (above + 0.5) / n : 1, tail);
}

/** Adds one surprise; of an object only the largest within an hour counts. */
export function learnPool(pool: Pool, surprise: number, entry: { object: string; atMs: number; visits: number }): void {
  const open = pool.open.get(entry.object);
  if (open !== undefined && Math.abs(entry.atMs - open.sinceMs) < REPEAT_MS && pool.serial - open.serial < WINDOW) {
    const before = pool.values[open.slot] as number;
    if (surprise <= before) return;
    removeSorted(pool, before);
    pool.n--;
    insertSorted(pool, surprise);
    pool.n++;
    pool.values[open.slot] = surprise;
    return;
  }
  if (pool.n === pool.values.length && pool.n < WINDOW) grow(pool);
  let slot: number;
  if (pool.n === WINDOW) {
    slot = pool.head;
    removeSorted(pool, pool.values[slot] as number);
    pool.n--;
    pool.head = (pool.head + 1) % WINDOW;
  } else {
    slot = pool.n;
  }
  insertSorted(pool, surprise);
  pool.n++;
  pool.values[slot] = surprise;
  pool.visits[slot] = entry.visits;
  pool.serial++;
  if (pool.open.size >= OPEN_MAX) {
    const oldest = pool.open.keys().next();
    if (!oldest.done) pool.open.delete(oldest.value);
  }
  pool.open.delete(entry.object);
  pool.open.set(entry.object, { slot, sinceMs: entry.atMs, serial: pool.serial });
}

function grow(pool: Pool): void {
  const size = Math.min(WINDOW, pool.n * 2);
  for (const name of ['sorted', 'values', 'visits'] as const) {
    const bigger = new Float64Array(size);
    bigger.set(pool[name].subarray(0, pool.n));
    pool[name] = bigger;
  }
}

function insertSorted(pool: Pool, value: number): void {
  const at = lowerBound(pool.sorted, pool.n, value);
  pool.sorted.copyWithin(at + 1, at, pool.n);
  pool.sorted[at] = value;
}

function removeSorted(pool: Pool, value: number): void {
  const at = lowerBound(pool.sorted, pool.n, value);
  pool.sorted.copyWithin(at, at + 1, pool.n);
}

/** Index of the first of the `n` sorted values that is not below `value`. */
export function lowerBound(sorted: Float64Array, n: number, value: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
