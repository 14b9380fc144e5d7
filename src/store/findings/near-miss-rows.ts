/** What was drawn for review: names of findings and what each stands for, so there is nothing in it to be sealed. */
import type Database from 'better-sqlite3';
import { type NearMiss, REVIEW_DAYS } from '../../domain/review.ts';

export class NearMissRows {
  readonly #sql;

  constructor(db: Database.Database) {
    this.#sql = {
      put: db.prepare<[NearMiss]>(
        `INSERT OR REPLACE INTO near_miss (cluster, day, slot, finding_id, ts_ms, score, level, detector, population, weight)
         VALUES (@cluster, @day, @slot, @findingId, @tsMs, @score, @level, @detector, @population, @weight)`,
      ),
      forget: db.prepare<[string, string, number]>(
        "DELETE FROM near_miss WHERE cluster = ? AND day <= date(?, '-' || ? || ' days')",
      ),
      all: db.prepare<[], NearMiss>(
        `SELECT cluster, day, slot, finding_id AS findingId, ts_ms AS tsMs, score, level, detector, population, weight
         FROM near_miss ORDER BY day DESC, cluster, slot`,
      ),
    };
  }

  put(nearMiss: NearMiss): void {
    this.#sql.put.run(nearMiss);
    this.#sql.forget.run(nearMiss.cluster, nearMiss.day, REVIEW_DAYS);
  }

  all(): NearMiss[] {
    return this.#sql.all.all();
  }
}
