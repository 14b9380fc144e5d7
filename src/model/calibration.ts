/** The calibration pools of one cluster, by detector and sort of visit, and what a visit leaves in them. */
import { learnPool, makePool, type Pool, tailOfPool, tailOfScores } from './calibrate.ts';
import { DAY_MS, type Group } from './detector.ts';
import type { Visit } from './visits.ts';

/** From this score a visit's surprises wait before the pools learn them: the incidents of one week must not make each other look usual. */
const WITHHELD_SCORE = 2.5;
const WITHHELD_MS = 7 * DAY_MS;
const WITHHELD_MAX = 2_000;

/** The pool of combined scores. */
const SCORES = 'all:*';
/** Whose visits a pool is about: those of machines, those of people, or anybody's. */
export type Sort = 'm' | 'h' | '*';

/** How long what an asker does is one episode, of which only the largest surprise counts; an hour for detectors not named. */
const EPISODE_MS: { [detector: string]: number } = {
  drift: 14 * DAY_MS,
  pace: DAY_MS,
  burst: DAY_MS,
  'hour-of-week': DAY_MS / 2,
  'mass-delete': DAY_MS / 2,
};

/**
 * Detectors whose surprise is the exponent of a probability, with what to divide it by: changes come in spells, so that a count has
 * several times the spread of chance.
 */
const SPREAD: { [detector: string]: number } = { drift: 1.4, 'mass-delete': 1, burst: 4, pace: 4, 'actor-affinity': 2 };
/** Entries at which a pool's past and the exponent have an equal say. */
const CHANCE_SHARE = 0.1;
/** Standard deviations, of which two or three are common however narrow the past was. */
const DEVIATIONS: { [detector: string]: number } = { leap: 2 };
const TRUSTED = 40;

/** A surprise on its way to a pool. */
interface Withheld {
  atMs: number;
  key: string;
  surprise: number;
  asker: string;
}

/** How often a pool said something this rare, beside how often it may. Both fade, so that the present counts. */
interface Record {
  /** Visits of its sort, faded, and the count at which that was. */
  asked: number;
  visits: number;
  told: number;
}

const TOLD_MS = 7 * DAY_MS;
const TOLD_MAX = 5_000;
const RARE = 3e-3;
const RECORD_HALF_LIFE_VISITS = 3_000;
/** Expected tellings that the benefit of the doubt is worth. */
const RECORD_TRUST = 3;

export interface SavedCalibration {
  pools: Map<string, Pool>;
  records: Map<string, Record>;
  /** Older snapshots have none. */
  told?: Map<string, number>;
  withheld: Withheld[];
  visits: { [sort in Sort]: number };
}

export class Calibration {
  #pools = new Map<string, Pool>();
  #told = new Map<string, number>();
  #records = new Map<string, Record>();
  /** In the order of their times, nearly: visits close in that order. */
  #withheld: Withheld[] = [];
  /** Visits so far, whatever detectors had to say. */
  #visits: { [sort in Sort]: number } = { m: 0, h: 0, '*': 0 };

  /** Visits so far, by anybody. */
  get visits(): number {
    return this.#visits['*'];
  }

  /**
   * Tail probability among visits of this sort. The largest surprise of the visit is remembered, for the pool to learn when the visit
   * closes.
   */
  tail(
    detector: string,
    sort: Sort,
    surprise: number,
    { asker, group, born = false }: { asker: string; group: Group; born?: boolean },
  ): number {
    const key = `${detector}:${sort}${born ? '+' : ''}`;
    const p = this.#tailIn(key, surprise, { asker, atMs: group.lastMs });
    remember(group, key, { surprise, asker, p });
    const ranked = Math.min(1, p * this.#excess(key));
    return withNominal(ranked, { detector, surprise, known: this.pool(key).n });
  }

  /** How many times too often the pool called something rare: what it says now is taken down by as much. */
  #excess(key: string): number {
    const record = this.#records.get(key);
    if (record === undefined) return 1;
    return Math.max(1, (record.told + RECORD_TRUST) / (record.asked * RARE + RECORD_TRUST));
  }

  #keepRecord(key: string, { p, asker, atMs }: { p: number; asker: string; atMs: number }): void {
    const name = `${key}\u0000${asker}`;
    const rare = p <= RARE;
    const again = rare && atMs - (this.#told.get(name) ?? Number.NEGATIVE_INFINITY) < TOLD_MS;
    if (rare) {
      this.#told.delete(name);
      this.#told.set(name, atMs);
      if (this.#told.size > TOLD_MAX) this.#told.delete(this.#told.keys().next().value as string);
    }
    const visits = this.#visitsOf(key);
    const record = this.#records.get(key) ?? { asked: 0, visits, told: 0 };
    const fade = 0.5 ** ((visits - record.visits) / RECORD_HALF_LIFE_VISITS);
    record.asked = record.asked * fade + (visits - record.visits);
    record.told = record.told * fade + (rare && !again ? 1 : 0);
    record.visits = visits;
    this.#records.set(key, record);
  }

  /** The same for what no visit brought; learnt at once. */
  tailNow(detector: string, surprise: number, { asker, atMs }: { asker: string; atMs: number }): { p: number; known: number } {
    const key = `${detector}:*`;
    const known = this.pool(key).n;
    const ranked = this.#tailIn(key, surprise, { asker, atMs });
    this.#learn(key, surprise, { asker, atMs });
    return { p: ranked, known };
  }

  #tailIn(key: string, surprise: number, { asker, atMs }: { asker: string; atMs: number }): number {
    return tailOfPool(this.pool(key), surprise, { key: asker, atMs, visits: this.#visitsOf(key), episodeMs: episodeOf(key) });
  }

  /** Tail probability of a combined score; remembered like any other surprise. */
  tailOfScores(raw: number, remembered?: { asker: string; group: Group }): number {
    if (remembered !== undefined) remember(remembered.group, SCORES, { surprise: raw, asker: remembered.asker });
    return tailOfScores(this.pool(SCORES), raw, this.visits);
  }

  /** A visit is one sighting per pool: its largest. */
  learn(visit: Visit): void {
    this.#visits['*']++;
    this.#visits[visit.events[0]?.machine ? 'm' : 'h']++;
    const isWithheld = visit.scoreMax >= WITHHELD_SCORE;
    for (const [key, { surprise, asker, p }] of visit.tops) {
      if (p !== undefined) this.#keepRecord(key, { p, asker, atMs: visit.lastMs });
      if (isWithheld) this.#withheld.push({ atMs: visit.lastMs + WITHHELD_MS, key, surprise, asker });
      else this.#learn(key, surprise, { asker, atMs: visit.lastMs });
    }
    while (this.#withheld.length > WITHHELD_MAX) this.release();
  }

  #learn(key: string, surprise: number, { asker, atMs }: { asker: string; atMs: number }): void {
    learnPool(this.pool(key), surprise, { key: asker, atMs, visits: this.#visitsOf(key), episodeMs: episodeOf(key) });
  }

  #visitsOf(key: string): number {
    return this.#visits[key[key.indexOf(':') + 1] as Sort];
  }

  /** When the next withheld surprise is to be learnt; infinity when none waits. */
  nextMs(): number {
    return this.#withheld[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Learns the withheld surprise that has waited longest. */
  release(): void {
    const entry = this.#withheld.shift();
    if (entry !== undefined) this.#learn(entry.key, entry.surprise, entry);
  }

  pool(key: string): Pool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = makePool();
      this.#pools.set(key, pool);
    }
    return pool;
  }

  save(): SavedCalibration {
    return { pools: this.#pools, records: this.#records, told: this.#told, withheld: this.#withheld, visits: this.#visits };
  }

  load(saved: SavedCalibration): void {
    this.#pools = saved.pools;
    this.#records = saved.records;
    this.#told = saved.told ?? new Map();
    this.#withheld = saved.withheld;
    this.#visits = saved.visits;
  }
}

/**
 * A short past is trusted little: until it is long, the probability that the surprise itself stands for has a say. And what chance brings
 * often is not odd, however rare here.
 */
function withNominal(
  ranked: number,
  { detector, surprise, known }: { detector: string; surprise: number; known: number },
): number {
  const each = DEVIATIONS[detector];
  if (each !== undefined) return Math.max(ranked, CHANCE_SHARE * Math.exp(-each * surprise));
  const spread = SPREAD[detector];
  if (spread === undefined) return ranked;
  const nominal = Math.exp(-surprise / spread);
  const trust = known / (known + TRUSTED);
  return Math.max(Math.min(ranked, ranked ** trust * nominal ** (1 - trust)), CHANCE_SHARE * Math.exp(-surprise));
}

function remember(group: Group, key: string, entry: { surprise: number; asker: string; p?: number }): void {
  const top = group.tops.get(key);
  if (top === undefined || entry.surprise > top.surprise) group.tops.set(key, entry);
}

function episodeOf(key: string): number | undefined {
  return EPISODE_MS[key.slice(0, key.indexOf(':'))];
}
