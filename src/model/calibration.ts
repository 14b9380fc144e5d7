/** The calibration pools of one cluster, by detector and sort of event, and what a visit leaves in them. */
import { learnPool, makePool, type Pool, tailOfPool } from './calibrate.ts';
import type { Group } from './detector.ts';

export class Calibration {
  #pools = new Map<string, Pool>();

  /** Tail probability in a pool. The largest surprise of the visit is remembered, for the pool to learn when the visit closes. */
  tail(key: string, surprise: number, asker: string, { group, visits }: { group: Group; visits: number }): number {
    const top = group.tops.get(key);
    if (top === undefined || surprise > top.surprise) group.tops.set(key, { surprise, asker });
    return tailOfPool(this.pool(key), surprise, { key: asker, atMs: group.lastMs, visits });
  }

  /** A visit is one sighting per pool: its largest. */
  learn(group: Group, visits: number): void {
    for (const [key, { surprise, asker }] of group.tops) {
      learnPool(this.pool(key), surprise, { key: asker, atMs: group.lastMs, visits });
    }
  }

  pool(key: string): Pool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = makePool();
      this.#pools.set(key, pool);
    }
    return pool;
  }

  save(): Map<string, Pool> {
    return this.#pools;
  }

  load(pools: Map<string, Pool>): void {
    this.#pools = pools;
  }
}
