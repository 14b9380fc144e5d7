/** Kubernetes Events of recorded objects. A burst of Events costs no more than its bounds: the oldest rows make way. */
import type Database from 'better-sqlite3';
import type { KubeEvent } from '../domain/kube-event.ts';
import type { KubeEventQuery } from './store.ts';

export interface KubeEventOptions {
  /** Events kept of one object, the newest. */
  eventsPerObject: number;
  /** Events kept in all. */
  eventsMax: number;
  /** Kept for so long after the newest one's time. */
  eventsAgeMs: number;
}
export const KUBE_EVENT_DEFAULTS: KubeEventOptions = { eventsPerObject: 100, eventsMax: 50_000, eventsAgeMs: 30 * 86_400_000 };

/** Rows that go at once when there are too many, so that not every insert looks for the oldest. */
const TRIM_SHARE = 0.05;

interface Row {
  cluster: string;
  uid: string;
  grp: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  objectUid: string;
  type: string;
  reason: string;
  action: string;
  note: string;
  reportedBy: string;
  firstMs: number;
  lastMs: number;
  count: number;
}

export class KubeEvents {
  readonly #sql;
  readonly #options: KubeEventOptions;
  #rows: number | undefined;

  constructor(db: Database.Database, options: KubeEventOptions) {
    this.#options = options;
    const object = 'cluster = @cluster AND grp = @grp AND kind = @kind AND namespace = @namespace AND name = @name';
    this.#sql = {
      rows: db.prepare<[], number>('SELECT count(*) FROM kube_event').pluck(),
      oldestMs: db.prepare<[], number | null>('SELECT min(last_ms) FROM kube_event').pluck(),
      newestMs: db.prepare<[], number | null>('SELECT max(last_ms) FROM kube_event').pluck(),
      put: db.prepare<[Row]>(
        `INSERT INTO kube_event (cluster, uid, grp, version, kind, namespace, name, object_uid, type, reason, action, note,
           reported_by, first_ms, last_ms, count)
         VALUES (@cluster, @uid, @grp, @version, @kind, @namespace, @name, @objectUid, @type, @reason, @action, @note,
           @reportedBy, @firstMs, @lastMs, @count)
         ON CONFLICT (cluster, uid) DO UPDATE SET type = excluded.type, reason = excluded.reason, action = excluded.action,
           note = excluded.note, last_ms = excluded.last_ms, count = excluded.count
         WHERE excluded.count >= count AND excluded.last_ms >= last_ms`,
      ),
      known: db.prepare<[string, string], number>('SELECT 1 FROM kube_event WHERE cluster = ? AND uid = ?').pluck(),
      trimObject: db.prepare(
        `DELETE FROM kube_event WHERE id IN
           (SELECT id FROM kube_event WHERE ${object} ORDER BY last_ms DESC, id DESC LIMIT -1 OFFSET @keep)`,
      ),
      trimOldest: db.prepare<[number]>('DELETE FROM kube_event WHERE id IN (SELECT id FROM kube_event ORDER BY last_ms LIMIT ?)'),
      trimBefore: db.prepare<[number]>('DELETE FROM kube_event WHERE last_ms < ?'),
      list: db.prepare<[Record<string, unknown>], Row>(
        `SELECT cluster, uid, grp, version, kind, namespace, name, object_uid AS objectUid, type, reason, action, note,
           reported_by AS reportedBy, first_ms AS firstMs, last_ms AS lastMs, count
         FROM kube_event WHERE ${object} AND last_ms >= @fromMs AND last_ms <= @toMs ORDER BY last_ms DESC, id DESC LIMIT @limit`,
      ),
    };
  }

  /** What was counted in a rolled-back transaction is not there. */
  forget(): void {
    this.#rows = undefined;
  }

  /** Returns by how many rows there are more, which may be less than none. */
  put(events: readonly KubeEvent[]): number {
    if (events.length === 0) return 0;
    const before = this.#count();
    const grown = new Map<string, Row>();
    for (const event of events) {
      const row = rowOf(event);
      const known = this.#sql.known.get(row.cluster, row.uid) !== undefined;
      this.#sql.put.run(row);
      if (known) continue;
      this.#changed(1);
      grown.set(JSON.stringify([row.cluster, row.grp, row.kind, row.namespace, row.name]), row);
    }
    for (const { cluster, grp, kind, namespace, name } of grown.values()) {
      const keep = this.#options.eventsPerObject;
      this.#changed(-this.#sql.trimObject.run({ cluster, grp, kind, namespace, name, keep }).changes);
    }
    const { eventsMax } = this.#options;
    if (grown.size > 0 && this.#count() > eventsMax) {
      this.#changed(-this.#sql.trimOldest.run(this.#count() - Math.floor(eventsMax * (1 - TRIM_SHARE))).changes);
    }
    return this.#count() - before;
  }

  /** Whether there are Events too old to be kept, by the Events' own time. */
  hasOld(): boolean {
    const { oldestMs, newestMs } = this.#span();
    return oldestMs < newestMs - this.#options.eventsAgeMs;
  }

  /** Returns by how many rows there are more. */
  forgetOld(): number {
    const { changes } = this.#sql.trimBefore.run(this.#span().newestMs - this.#options.eventsAgeMs);
    this.#changed(-changes);
    return -changes;
  }

  /** Newest first. */
  list({ ref, fromMs, toMs, limit }: KubeEventQuery): KubeEvent[] {
    const { cluster, group: grp, kind, namespace, name } = ref;
    const times = { fromMs: fromMs ?? 0, toMs: toMs ?? Number.MAX_SAFE_INTEGER };
    return this.#sql.list.all({ cluster, grp, kind, namespace, name, ...times, limit }).map(eventOf);
  }

  #span(): { oldestMs: number; newestMs: number } {
    return { oldestMs: this.#sql.oldestMs.get() ?? 0, newestMs: this.#sql.newestMs.get() ?? 0 };
  }

  #count(): number {
    this.#rows ??= this.#sql.rows.get() ?? 0;
    return this.#rows;
  }

  #changed(rows: number): void {
    this.#rows = this.#count() + rows;
  }
}

function rowOf({ ref, ...event }: KubeEvent): Row {
  const { cluster, group, version, kind, namespace, name } = ref;
  return { ...event, cluster, grp: group, version, kind, namespace, name };
}

function eventOf({ cluster, grp, version, kind, namespace, name, ...event }: Row): KubeEvent {
  return { ...event, ref: { cluster, group: grp, version, kind, namespace, name } };
}
