/** Findings: the whole as one JSON text, compressed where that pays, with columns for what lists are filtered by. */
import type Database from 'better-sqlite3';
import type { Finding } from '../domain/finding.ts';
import { compress, decompress } from './block-codec.ts';
import { decodeCursor, encodeCursor, pageOf } from './page-cursor.ts';
import type { FindingQuery, Page } from './store.ts';
import type { ValueSeal } from './value-seal.ts';

const COMPRESSED_FROM = 256;
export const COMPRESSION_LEVEL = 3;
/** Alerts within one span of changes that are looked at for evidence. */
const EVIDENCE_MAX = 1_000;

interface FindingRow {
  ts_ms: number;
  id: string;
  data: Buffer | string;
}

export class Findings {
  readonly #db: Database.Database;
  readonly #seal: ValueSeal;
  readonly #sql;

  constructor(db: Database.Database, seal: ValueSeal) {
    this.#db = db;
    this.#seal = seal;
    this.#sql = {
      verdict: db.prepare<[string], string>('SELECT verdict FROM finding WHERE id = ?').pluck(),
      put: db.prepare(
        `INSERT INTO finding (id, ts_ms, cluster, kind, namespace, name, detector, severity, verdict, score, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET ts_ms = excluded.ts_ms, cluster = excluded.cluster, kind = excluded.kind,
           namespace = excluded.namespace, name = excluded.name, detector = excluded.detector, severity = excluded.severity,
           verdict = excluded.verdict, score = excluded.score, data = excluded.data`,
      ),
      paged: db
        .prepare<[number, number], Buffer | string>(
          `SELECT data FROM finding WHERE verdict = 'page' AND ts_ms BETWEEN ? AND ? ORDER BY score DESC LIMIT ${EVIDENCE_MAX}`,
        )
        .pluck(),
      get: db.prepare<[string], Buffer | string>('SELECT data FROM finding WHERE id = ?').pluck(),
    };
  }

  /** Stores a finding, in place of one of the same id. Returns what that changes in the totals. */
  put(finding: Finding): { findings: number; pages: number } {
    const before = this.#sql.verdict.get(finding.id);
    const { id, tsMs, cluster, detector, severity, decision, score } = finding;
    const { kind, namespace = '', name = '' } = finding.subject.ref;
    this.#sql.put.run(
      ...[id, tsMs, cluster, kind, namespace, name, detector, severity, decision.verdict, score, pack(finding, this.#seal)],
    );
    return {
      findings: before === undefined ? 1 : 0,
      pages: (decision.verdict === 'page' ? 1 : 0) - (before === 'page' ? 1 : 0),
    };
  }

  get(id: string): Finding | undefined {
    const data = this.#sql.get.get(id);
    return data === undefined ? undefined : unpackFinding(data, this.#seal);
  }

  /** Changes that alerts within a time were about, the strangest first. */
  pagedChanges(fromMs: number, toMs: number): number[] {
    const found = this.#sql.paged.all(fromMs, toMs).map((data) => unpackFinding(data, this.#seal).subject);
    return found.flatMap((subject) => ('seq' in subject && typeof subject.seq === 'number' ? [subject.seq] : []));
  }

  /** Newest first, by time and then id. Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: FindingQuery): Page<Finding> {
    const where: string[] = [];
    const values: (string | number)[] = [];
    const compare = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    compare('cluster = ?', query.cluster);
    compare('kind = ?', query.kind);
    compare('namespace = ?', query.namespace);
    compare('name = ?', query.name);
    compare('detector = ?', query.detector);
    compare('severity = ?', query.severity);
    // As text and not as a parameter, so that SQLite sees that the index of paged findings fits.
    if (query.verdict !== undefined) where.push(query.verdict === 'page' ? "verdict = 'page'" : "verdict = 'record'");
    compare('score >= ?', query.scoreMin);
    compare('ts_ms >= ?', query.fromMs);
    compare('ts_ms <= ?', query.toMs);
    if (query.continue !== undefined) {
      where.push('(ts_ms, id) < (?, ?)');
      values.push(...decodeCursor('findings', ['number', 'string'], query.continue));
    }
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const sql = `SELECT ts_ms, id, data FROM finding ${filter} ORDER BY ts_ms DESC, id DESC LIMIT ?`;
    const rows = this.#db.prepare<(string | number)[], FindingRow>(sql).all(...values, query.limit + 1);
    const page = pageOf(rows, query.limit, (last) => encodeCursor('findings', [last.ts_ms, last.id]));
    return { ...page, items: page.items.map((row) => unpackFinding(row.data, this.#seal)) };
  }
}

function pack(finding: Finding, seal: ValueSeal): Buffer | string {
  const text = JSON.stringify(finding);
  if (text.length < COMPRESSED_FROM && seal.keyId === undefined) return text;
  return seal.seal(compress(Buffer.from(text, 'utf8'), COMPRESSION_LEVEL));
}

export function unpackFinding(data: Buffer | string, seal: ValueSeal): Finding {
  return JSON.parse(typeof data === 'string' ? data : decompress(seal.open(data)).toString('utf8')) as Finding;
}
