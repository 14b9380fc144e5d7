/** What is on its way out: alerts for Alertmanager and writes to the cluster. */
import type Database from 'better-sqlite3';
import type { AlertRecord, EffectRecord } from '../store.ts';

export class Outbox {
  readonly #sql;

  constructor(db: Database.Database) {
    this.#sql = {
      alert: db.prepare<[string], string>('SELECT data FROM alert WHERE id = ?').pluck(),
      alertsActive: db.prepare<[number], string>('SELECT data FROM alert WHERE ends_ms > ? ORDER BY starts_ms, id').pluck(),
      alertPut: db.prepare<[string, number, number, string]>(
        `INSERT INTO alert (id, starts_ms, ends_ms, data) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET starts_ms = excluded.starts_ms, ends_ms = excluded.ends_ms, data = excluded.data`,
      ),
      effectsDue: db
        .prepare<[number, number], string>(
          `SELECT data FROM effect WHERE state = 'pending' AND next_ms <= ? ORDER BY next_ms, id LIMIT ?`,
        )
        .pluck(),
      effectAdd: db.prepare<[string, string, number, string]>(
        'INSERT INTO effect (id, state, next_ms, data) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
      ),
      effectPut: db.prepare<[string, string, number, string]>(
        `INSERT INTO effect (id, state, next_ms, data) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, next_ms = excluded.next_ms, data = excluded.data`,
      ),
    };
  }

  alert(id: string): AlertRecord | undefined {
    const data = this.#sql.alert.get(id);
    return data === undefined ? undefined : (JSON.parse(data) as AlertRecord);
  }

  /** Firing at `nowMs`, or ended less than `keepMs` before it. */
  alertsActive(nowMs: number, keepMs: number): AlertRecord[] {
    return this.#sql.alertsActive.all(nowMs - keepMs).map((data) => JSON.parse(data) as AlertRecord);
  }

  putAlert(alert: AlertRecord): void {
    this.#sql.alertPut.run(alert.id, alert.startsMs, alert.endsMs, JSON.stringify(alert));
  }

  effectsDue(nowMs: number, limit: number): EffectRecord[] {
    return this.#sql.effectsDue.all(nowMs, limit).map((data) => JSON.parse(data) as EffectRecord);
  }

  /** Adds an effect unless its id is there: analysis that is done again after a crash must not write to the cluster again. */
  addEffect(effect: EffectRecord): void {
    this.#sql.effectAdd.run(effect.id, effect.state, effect.nextMs, JSON.stringify(effect));
  }

  putEffect(effect: EffectRecord): void {
    this.#sql.effectPut.run(effect.id, effect.state, effect.nextMs, JSON.stringify(effect));
  }
}
