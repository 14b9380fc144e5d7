/**
 * From raw surprise to a tail probability, against the detector's own past: "of all visits, how many brought a surprise this large?".
 * Rank within the sample, an exponential tail with a shrunk mean excess beyond its top, times how often the detector has anything to
 * say at all. So every detector spends the same share of false alarms, whatever its scale.
 */

import { dropOldest as dropOldestKey } from '../habits/counts.ts';

export const WINDOW = 6_000;
const FEW = 20;
/** Pseudo-count of larger surprises while few were seen: saying something for the first time is not by itself rare. */
const FEW_PRIOR = 1.5;
const BEYOND_MIN = 0.01;
const TOP_SHARE = 0.03;
const TOP_MIN = 10;
const TRIMMED = 0.2;
const REPEAT_MS = 3_600_000;
const OPEN_MAX = 2_000;
const FORGOTTEN_SHARE = 0.5;
const KEPT_MIN = 50;

/** Plain data: one pool per detector and sort of event. */
export interface Pool {
  /** Surprises of the window, rising; the first `n` count. */
  sorted: Float64Array;
  n: number;
  /** The same in order of arrival, as a ring from `head`; and at which visit each came. */
  values: Float64Array;
  visits: Float64Array;
  head: number;
  /** Entries made so far; the newest has this number. */
  serial: number;
  /** Who was seen within the last hour: which entry, since when. What flaps does not become usual by flapping. */
  open: Map<string, Open>;
}

export function makePool(): Pool {
  return {
    sorted: new Float64Array(64),
    n: 0,
    values: new Float64Array(64),
    visits: new Float64Array(64),
    head: 0,
    serial: 0,
    open: new Map(),
  };
}

/** Who asks, so that nobody is compared with its own entry of the last hour. */
export interface Asker {
  key: string;
  atMs: number;
  /** Number of visits so far, whatever detectors had to say. */
  visits: number;
  /** How long after its last entry an asker's next is still the same episode; an hour where not given. */
  episodeMs?: number | undefined;
}

/** Probability that a visit brings a surprise of at least `surprise`. */
export function tailOfPool(pool: Pool, surprise: number, asker: Asker): number {
  const { sorted, n } = pool;
  const { visits } = asker;
  const slot = slotOf(pool, pool.open.get(asker.key), asker);
  const own = slot < 0 ? undefined : (pool.values[slot] as number);
  const mine = own !== undefined && own >= surprise ? 1 : 0;
  const above = n - lowerBound(sorted, n, surprise) - mine;
  if (n < FEW) return tailOfFew(pool, { surprise, above, visits, own });
  const since = visits - (pool.visits[pool.head] as number);
  const applies = n / Math.max(n, since);
  const k = Math.max(TOP_MIN, Math.floor(n * TOP_SHARE));
  if (above > k / 2) return Math.min(1, (applies * (above + 0.5)) / n);
  const threshold = sorted[n - k] as number;
  // Mean excess without the largest few, which may be incidents and would make the next one look usual.
  const upTo = n - Math.floor(k * TRIMMED);
  let excess = 0;
  for (let i = n - k; i < upTo; i++) excess += (sorted[i] as number) - threshold;
  const mean = Math.max(excess / (upTo - n + k) / trimmedMean((n - upTo) / k), 0.15, 0.03 * Math.abs(threshold));
  const tail = (k / n) * Math.exp(-(surprise - threshold) / mean) + 0.02 / n;
  return applies * Math.min(above > 0 ? (above + 0.5) / n : 1, tail);
}

/** Too few to speak of a distribution: the rate of such surprises so far, shrunk by how far this one lies beyond their largest. */
function tailOfFew(pool: Pool, asked: { surprise: number; above: number; visits: number; own: number | undefined }): number {
  let top = 1;
  let sum = 0;
  let others = 0;
  let skipped = asked.own === undefined;
  for (let i = 0; i < pool.n; i++) {
    const value = pool.sorted[i] as number;
    if (!skipped && value === asked.own) {
      skipped = true;
      continue;
    }
    top = value;
    sum += value;
    others++;
  }
  const mean = others > 0 ? Math.max(1, sum / others) : 1;
  const beyond = Math.max(BEYOND_MIN, Math.exp(Math.min(0, (top - asked.surprise) / mean)));
  return Math.min(1, ((asked.above + FEW_PRIOR) / Math.max(50, asked.visits)) * beyond);
}

/** Where the tail of combined scores is taken to begin, in powers of ten, and what is believed of its mass before anything was seen. */
const TAIL_FROM = 1;
const TAIL_PRIOR = { above: 1, visits: 20 };

/**
 * Probability that a visit's combined score is at least `raw`. What it combines is calibrated already, so its tail falls tenfold with each
 * unit; only how much mass the tail holds is learnt. A rank would be noisier, and make the order of two findings depend on what lay
 * between them. Short of the tail it is the share of visits that came as far: half of them may, where next to none goes beyond.
 */
export function tailOfScores(pool: Pool, raw: number, visits: number): number {
  const above = pool.n - lowerBound(pool.sorted, pool.n, Math.min(raw, TAIL_FROM));
  const since = pool.n === 0 ? 0 : Math.max(pool.n, visits - (pool.visits[pool.head] as number));
  const mass = Math.min(0.5, (above + TAIL_PRIOR.above) / (since + TAIL_PRIOR.visits));
  return raw >= TAIL_FROM ? mass * 10 ** (TAIL_FROM - raw) : mass;
}

/** Mean of a standard exponential without its largest `share`. */
function trimmedMean(share: number): number {
  return share <= 0 ? 1 : (1 - share * (1 - Math.log(share))) / (1 - share);
}

type Open = { serial: number; sinceMs: number };

/** Where the entry of an asker's episode lies that is still under way; -1 where there is none. */
function slotOf(pool: Pool, open: Open | undefined, { atMs, episodeMs }: Asker): number {
  if (open === undefined || Math.abs(atMs - open.sinceMs) >= (episodeMs ?? REPEAT_MS)) return -1;
  const since = pool.serial - open.serial;
  return since >= pool.n ? -1 : (pool.head + pool.n - 1 - since) % pool.values.length;
}

/** Adds one surprise; of one asker only the largest within an hour counts. */
export function learnPool(pool: Pool, surprise: number, entry: Asker): void {
  const own = pool.open.get(entry.key);
  const under = slotOf(pool, own, entry);
  if (under >= 0) {
    const before = pool.values[under] as number;
    if (surprise <= before) return;
    replaceSorted(pool, before, surprise);
    pool.values[under] = surprise;
    return;
  }
  // The recent half of all visits: what was odd only because all was new is forgotten first.
  while (isOutgrown(pool, entry.visits, 1)) dropOldest(pool);
  if (pool.n === pool.values.length && !isOutgrown(pool, entry.visits, 0)) grow(pool);
  const slot = (pool.head + pool.n) % pool.values.length;
  if (isOutgrown(pool, entry.visits, 0)) {
    replaceSorted(pool, pool.values[pool.head] as number, surprise);
    pool.head = (pool.head + 1) % pool.values.length;
  } else insertSorted(pool, surprise);
  pool.values[slot] = surprise;
  pool.visits[slot] = entry.visits;
  pool.serial++;
  noteOpen(pool, own, entry);
}

/** Least recently seen first, as soon as there are so many that one may have to give way; until then moving one to the end would be for nothing. */
function noteOpen(pool: Pool, own: Open | undefined, { key, atMs }: Asker): void {
  const { open, serial } = pool;
  if (own !== undefined) {
    own.serial = serial;
    own.sinceMs = atMs;
    if (open.size <= OPEN_MAX / 2) return;
    open.delete(key);
    open.set(key, own);
    return;
  }
  if (open.size >= OPEN_MAX) dropOldestKey(open);
  open.set(key, { serial, sinceMs: atMs });
  if (open.size === OPEN_MAX / 2 + 1) pool.open = new Map([...open].sort(([, a], [, b]) => a.serial - b.serial));
}

/** Whether the pool is too long or its oldest too old even after so many have gone. */
function isOutgrown({ n, head, visits }: Pool, now: number, gone: number): boolean {
  const left = n - gone;
  return left >= WINDOW || (left > KEPT_MIN && (visits[(head + gone) % visits.length] as number) < now * FORGOTTEN_SHARE);
}

function dropOldest(pool: Pool): void {
  removeSorted(pool, pool.values[pool.head] as number);
  pool.head = (pool.head + 1) % pool.values.length;
}

/** Doubles the ring and straightens it. */
function grow(pool: Pool): void {
  const size = pool.values.length;
  const bigger = Math.min(WINDOW, size * 2);
  for (const name of ['values', 'visits'] as const) {
    const array = new Float64Array(bigger);
    for (let i = 0; i < pool.n; i++) array[i] = pool[name][(pool.head + i) % size] as number;
    pool[name] = array;
  }
  const sorted = new Float64Array(bigger);
  sorted.set(pool.sorted.subarray(0, pool.n));
  pool.sorted = sorted;
  pool.head = 0;
}

function insertSorted(pool: Pool, value: number): void {
  const at = lowerBound(pool.sorted, pool.n, value);
  pool.sorted.copyWithin(at + 1, at, pool.n);
  pool.sorted[at] = value;
  pool.n++;
}

function removeSorted(pool: Pool, value: number): void {
  const at = lowerBound(pool.sorted, pool.n, value);
  pool.sorted.copyWithin(at, at + 1, pool.n);
  pool.n--;
}

/** One value in place of another: only what lies between the two moves. */
function replaceSorted({ sorted, n }: Pool, before: number, value: number): void {
  const from = lowerBound(sorted, n, before);
  const to = lowerBound(sorted, n, value);
  if (from < to) sorted.copyWithin(from, from + 1, to);
  else sorted.copyWithin(to + 1, to, from);
  sorted[from < to ? to - 1 : to] = value;
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
