/** Identities of what was told from outside, remembered for a while: a bound in number and one in age. */
import type Database from 'better-sqlite3';
import type { Delivery } from '../domain/delivery.ts';

export interface DeliveryOptions {
  /** Deliveries remembered at most; about 60 bytes each. */
  deliveriesMax: number;
  /** Older ones are forgotten: no sender that is still there repeats itself after so long. */
  deliveryAgeMsMax: number;
}
export const DELIVERY_DEFAULTS: DeliveryOptions = { deliveriesMax: 500_000, deliveryAgeMsMax: 7 * 86_400_000 };

/** Dropped at once at most, so that no batch pays for a long quiet time. */
const DROPPED_MAX = 2_000;

export class Deliveries {
  readonly #options: DeliveryOptions;
  readonly #sql;

  constructor(db: Database.Database, options: DeliveryOptions) {
    this.#options = options;
    this.#sql = {
      // The first telling stays: a later one must not make it younger.
      add: db.prepare<[Buffer, number]>('INSERT INTO delivery (key, at_ms) VALUES (?, ?) ON CONFLICT (key) DO NOTHING'),
      has: db.prepare<[Buffer], number>('SELECT 1 FROM delivery WHERE key = ?').pluck(),
      trim: db.prepare<[number, number, number]>(
        `DELETE FROM delivery WHERE seq < (SELECT min(seq) FROM delivery) + ?
         AND (seq <= (SELECT max(seq) FROM delivery) - ? OR at_ms < ?)`,
      ),
    };
  }

  add(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    let newestMs = 0;
    for (const { key, atMs } of deliveries) {
      this.#sql.add.run(Buffer.from(key, 'hex'), atMs);
      newestMs = Math.max(newestMs, atMs);
    }
    const { deliveriesMax, deliveryAgeMsMax } = this.#options;
    this.#sql.trim.run(Math.max(DROPPED_MAX, deliveries.length * 2), deliveriesMax, newestMs - deliveryAgeMsMax);
  }

  /** Those of the keys that were told before. */
  known(keys: readonly string[]): Set<string> {
    return new Set(keys.filter((key) => this.#sql.has.get(Buffer.from(key, 'hex')) !== undefined));
  }
}
