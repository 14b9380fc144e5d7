/** Gaps in the history: the newest of whole kinds and the newest of objects, apart, so that one busy kind cannot push out the others. */
import type Database from 'better-sqlite3';
import type { Gap, GapReason } from '../domain/gap.ts';
import { encodePosition } from '../domain/list-position.ts';
import { decodeCursor, pageOf } from './page-cursor.ts';
import type { GapQuery, Page } from './store.ts';

export const KIND_GAPS_MAX = 10_000;
export const OBJECT_GAPS_MAX = 20_000;

interface GapRow {
  id: number;
  cluster: string;
  grp: string;
  kind: string;
  namespace: string;
  name: string;
  reason: GapReason;
  from_rv: string | null;
  to_rv: string | null;
  from_ms: number | null;
  to_ms: number;
  objects: number;
  generations_skipped: number;
}

export class Gaps {
  readonly #db: Database.Database;
  readonly #sql;

  constructor(db: Database.Database) {
    this.#db = db;
    const trim = (condition: string) =>
      db.prepare<[number]>(
        `DELETE FROM gap WHERE ${condition}
           AND id <= (SELECT id FROM gap WHERE ${condition} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      );
    this.#sql = {
      add: db.prepare(
        `INSERT INTO gap (cluster, grp, kind, namespace, name, reason, from_rv, to_rv, from_ms, to_ms, objects, generations_skipped)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      trimKinds: trim("name = ''"),
      trimObjects: trim("name <> ''"),
    };
  }

  add(gaps: readonly Gap[]): void {
    if (gaps.length === 0) return;
    for (const gap of gaps) {
      const { cluster, group, kind, namespace, name, reason, fromVersion = null, toVersion = null, fromMs = null } = gap;
      this.#sql.add.run(
        ...[cluster, group, kind, namespace, name, reason, fromVersion, toVersion, fromMs],
        ...[gap.toMs, gap.objects, gap.generationsSkipped],
      );
    }
    this.#sql.trimKinds.run(KIND_GAPS_MAX);
    this.#sql.trimObjects.run(OBJECT_GAPS_MAX);
  }

  /** Newest first. Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: GapQuery): Page<Gap> {
    const where: string[] = [];
    const values: (string | number)[] = [];
    const compare = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    compare('cluster = ?', query.cluster);
    compare('grp = ?', query.group);
    compare('kind = ?', query.kind);
    compare('namespace = ?', query.namespace);
    compare('name = ?', query.name);
    compare('reason = ?', query.reason);
    compare('to_ms >= ?', query.fromMs);
    compare('coalesce(from_ms, to_ms) <= ?', query.toMs);
    // As text and not as a parameter, so that SQLite sees which index fits.
    if (query.of !== undefined) where.push(query.of === 'kinds' ? "name = ''" : "name <> ''");
    if (query.continue !== undefined) compare('id < ?', decodeCursor('gaps', ['number'], query.continue)[0]);
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const sql = `SELECT * FROM gap ${filter} ORDER BY id DESC LIMIT ?`;
    const rows = this.#db.prepare<(string | number)[], GapRow>(sql).all(...values, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => encodePosition('gaps', [last.id]));
    return { ...page, items: page.items.map(gapOf) };
  }
}

function gapOf(row: GapRow): Gap {
  const { cluster, grp: group, kind, namespace, name, reason, from_rv, to_rv, from_ms, to_ms, objects } = row;
  return {
    ...{ cluster, group, kind, namespace, name, reason },
    ...(from_rv === null ? {} : { fromVersion: from_rv }),
    ...(to_rv === null ? {} : { toVersion: to_rv }),
    ...(from_ms === null ? {} : { fromMs: from_ms }),
    ...{ toMs: to_ms, objects, generationsSkipped: row.generations_skipped },
  };
}
