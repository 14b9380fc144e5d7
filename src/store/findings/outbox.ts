/** What is on its way out: alerts for Alertmanager and writes to the cluster. One that cannot be read for damage keeps none of the others. */
import type Database from 'better-sqlite3';
import type { Containment } from '../containment.ts';
import type { AlertRecord, EffectRecord } from '../store.ts';
import { storedJson } from '../store-errors.ts';

type StoredRow = [id: string, data: string];

export class Outbox {
  readonly #containment: Containment;
  readonly #sql;

  constructor(db: Database.Database, containment: Containment) {
    this.#containment = containment;
    this.#sql = {
      alert: db.prepare<[string], string>('SELECT data FROM alert WHERE id = ?').pluck(),
      alertsActive: db.prepare<[number], StoredRow>('SELECT id, data FROM alert WHERE ends_ms > ? ORDER BY starts_ms, id').raw(),
      alertPut: db.prepare<[string, number, number, string]>(
        `INSERT INTO alert (id, starts_ms, ends_ms, data) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET starts_ms = excluded.starts_ms, ends_ms = excluded.ends_ms, data = excluded.data`,
      ),
      effectsDue: db
        .prepare<[number, number], StoredRow>(
          `SELECT id, data FROM effect WHERE state = 'pending' AND next_ms <= ? ORDER BY next_ms, id LIMIT ?`,
        )
        .raw(),
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
    return data === undefined ? undefined : this.#readable<AlertRecord>('alert', [[id, data]])[0];
  }

  /** Firing at `nowMs`, or ended less than `keepMs` before it. */
  alertsActive(nowMs: number, keepMs: number): AlertRecord[] {
    return this.#readable<AlertRecord>('alert', this.#sql.alertsActive.all(nowMs - keepMs));
  }

  putAlert(alert: AlertRecord): void {
    this.#sql.alertPut.run(alert.id, alert.startsMs, alert.endsMs, JSON.stringify(alert));
  }

  effectsDue(nowMs: number, limit: number): EffectRecord[] {
    return this.#readable<EffectRecord>('effect', this.#sql.effectsDue.all(nowMs, limit));
  }

  /** Adds an effect unless its id is there: analysis that is done again after a crash must not write to the cluster again. */
  addEffect(effect: EffectRecord): void {
    this.#sql.effectAdd.run(effect.id, effect.state, effect.nextMs, JSON.stringify(effect));
  }

  putEffect(effect: EffectRecord): void {
    this.#sql.effectPut.run(effect.id, effect.state, effect.nextMs, JSON.stringify(effect));
  }

  #readable<T>(what: 'alert' | 'effect', rows: readonly StoredRow[]): T[] {
    return rows.flatMap(([id, data]) => {
      const where = `${what} ${id}`;
      return this.#containment.read<T[]>(where, () => [storedJson(data, `what was stored of an ${what}`, where) as T], []);
    });
  }
}
