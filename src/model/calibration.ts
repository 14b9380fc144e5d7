/** The calibration pools of one cluster, by detector and sort of event, and what a visit leaves in them. */
import { learnPool, makePool, type Pool, tailOfPool } from './calibrate.ts';
import { DAY_MS, type Group } from './detector.ts';
import type { Visit } from './visits.ts';

/** From this score a visit's surprises wait before the pools learn them: the incidents of one week must not make each other look usual. */
const WITHHELD_SCORE = 2.5;
const WITHHELD_MS = 7 * DAY_MS;
const WITHHELD_MAX = 2_000;

/** A surprise on its way to a pool. */
interface Withheld {
  atMs: number;
  key: string;
  surprise: number;
  asker: string;
}

export interface SavedCalibration {
  pools: Map<string, Pool>;
  withheld: Withheld[];
}

export class Calibration {
  #pools = new Map<string, Pool>();
  /** In the order of their times, nearly: visits close in that order. */
  #withheld: Withheld[] = [];

  /** Tail probability in a pool. The largest surprise of the visit is remembered, for the pool to learn when the visit closes. */
  tail(key: string, surprise: number, asker: string, { group, visits }: { group: Group; visits: number }): number {
    const top = group.tops.get(key);
    if (top === undefined || surprise > top.surprise) group.tops.set(key, { surprise, asker });
    return tailOfPool(this.pool(key), surprise, { key: asker, atMs: group.lastMs, visits });
  }

  /** A visit is one sighting per pool: its largest. */
  learn(visit: Visit, visits: number): void {
    const isWithheld = visit.scoreMax >= WITHHELD_SCORE;
    for (const [key, { surprise, asker }] of visit.tops) {
      if (isWithheld) this.#withheld.push({ atMs: visit.lastMs + WITHHELD_MS, key, surprise, asker });
      else learnPool(this.pool(key), surprise, { key: asker, atMs: visit.lastMs, visits });
    }
    while (this.#withheld.length > WITHHELD_MAX) this.release(visits);
  }

  /** When the next withheld surprise is to be learnt; infinity when none waits. */
  nextMs(): number {
    return this.#withheld[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Learns the withheld surprise that has waited longest. */
  release(visits: number): void {
    const entry = this.#withheld.shift();
    if (entry !== undefined) learnPool(this.pool(entry.key), entry.surprise, { key: entry.asker, atMs: entry.atMs, visits });
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
    return { pools: this.#pools, withheld: this.#withheld };
  }

  load(saved: SavedCalibration): void {
    this.#pools = saved.pools;
    this.#withheld = saved.withheld;
  }
}
