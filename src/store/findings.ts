/**
 * Findings: the whole as one JSON text, with columns for what lists are filtered by. Filing each as it is decided would touch pages of three
 * indexes, so they are young at first (young-findings.ts) and filed by upkeep, texts of many in one block (finding-blocks.ts).
 */
import type Database from 'better-sqlite3';
import type { Finding } from '../domain/finding.ts';
import { compress, decompress } from './block-codec.ts';
import { FindingBlocks } from './finding-blocks.ts';
import { decodeCursor, encodeCursor, pageOf } from './page-cursor.ts';
import type { FindingQuery, Page } from './store.ts';
import type { ValueSeal } from './value-seal.ts';
import { YoungFindings } from './young-findings.ts';

const COMPRESSED_FROM = 256;
export const COMPRESSION_LEVEL = 3;
/** So many at least are worth a block. */
const BLOCK_MIN = 4;
/** Beyond this they are filed though upkeep has not come. */
const YOUNG_MAX = 1_024;
/** Alerts within one span of changes that are looked at for evidence. */
const EVIDENCE_MAX = 1_000;

interface FindingRow {
  ts_ms: number;
  id: string;
  data: Stored;
}

/** A number is a place in a block. */
type Stored = Buffer | string | number;

/** What can be asked of a finding, for those that are filed and those that are not: each member that is given must fit. */
const CONDITIONS = [
  ['cluster', 'cluster', '='],
  ['kind', 'kind', '='],
  ['namespace', 'namespace', '='],
  ['name', 'name', '='],
  ['detector', 'detector', '='],
  ['severity', 'severity', '='],
  ['scoreMin', 'score', '>='],
  ['fromMs', 'ts_ms', '>='],
  ['toMs', 'ts_ms', '<='],
] as const;

type Value = string | number;

const COMPARES: Record<(typeof CONDITIONS)[number][2], (a: Value, b: Value) => boolean> = {
  '=': (a, b) => a === b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

function columnsOf({ cluster, subject, detector, severity, score, tsMs }: Finding) {
  const { kind, namespace = '', name = '' } = subject.ref;
  return { cluster, kind, namespace, name, detector, severity, score, ts_ms: tsMs };
}

export class Findings {
  readonly #db: Database.Database;
  readonly #seal: ValueSeal;
  readonly #young: YoungFindings;
  readonly #blocks: FindingBlocks;
  readonly #sql;

  constructor(db: Database.Database, seal: ValueSeal) {
    this.#db = db;
    this.#seal = seal;
    this.#young = new YoungFindings(db, seal);
    this.#blocks = new FindingBlocks(db, seal);
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
        .prepare<[number, number], Stored>(
          `SELECT data FROM finding WHERE verdict = 'page' AND ts_ms BETWEEN ? AND ? ORDER BY score DESC LIMIT ${EVIDENCE_MAX}`,
        )
        .pluck(),
      get: db.prepare<[string], Stored>('SELECT data FROM finding WHERE id = ?').pluck(),
    };
  }

  /** After a rolled-back transaction. */
  forget(): void {
    this.#young.forget();
    this.#blocks.forget();
  }

  /** Stores findings, each in place of one of the same id. Returns what that changes in the totals. Within a transaction. */
  put(findings: readonly Finding[]): { findings: number; pages: number } {
    const more = { findings: 0, pages: 0 };
    for (const finding of findings) {
      if (this.#young.all().has(finding.id)) this.settle();
      const before = this.#sql.verdict.get(finding.id);
      if (before === undefined) this.#young.put(finding);
      else this.#file(finding, pack(JSON.stringify(finding), this.#seal));
      if (before === undefined) more.findings += 1;
      more.pages += (finding.decision.verdict === 'page' ? 1 : 0) - (before === 'page' ? 1 : 0);
    }
    this.#young.flush();
    if (this.#young.size > YOUNG_MAX) this.settle();
    return more;
  }

  /** True where there is something to file. */
  get hasYoung(): boolean {
    return this.#young.size > 0;
  }

  /** Files the young ones; within a transaction. */
  settle(): void {
    const young = this.#young.take();
    const places = young.length < BLOCK_MIN ? undefined : this.#blocks.add(young.map(({ text }) => text));
    for (const [i, { finding, text }] of young.entries()) this.#file(finding, places?.[i] ?? pack(text, this.#seal));
  }

  #file(finding: Finding, data: Stored): void {
    const { id, decision } = finding;
    const { cluster, kind, namespace, name, detector, severity, score, ts_ms: tsMs } = columnsOf(finding);
    // A number would be bound as a floating one, which a column of any type keeps as that.
    const stored = typeof data === 'number' ? BigInt(data) : data;
    this.#sql.put.run(id, tsMs, cluster, kind, namespace, name, detector, severity, decision.verdict, score, stored);
  }

  /** Looked for among the young first: with somebody writing beside a reader, it is moved one way only. */
  get(id: string): Finding | undefined {
    const young = this.#young.all().get(id);
    if (young !== undefined) return young.finding;
    const data = this.#sql.get.get(id);
    return data === undefined ? undefined : this.#unpack(data);
  }

  /** Changes that alerts within a time were about, the strangest first. */
  pagedChanges(fromMs: number, toMs: number): number[] {
    const young = this.#youngWhere({ verdict: 'page', fromMs, toMs });
    const filed = this.#sql.paged.all(fromMs, toMs).map((data) => this.#unpack(data));
    const found = new Map([...young, ...filed].map((finding) => [finding.id, finding]));
    return [...found.values()]
      .sort((a, b) => b.score - a.score)
      .slice(0, EVIDENCE_MAX)
      .flatMap(({ subject }) => ('seq' in subject && typeof subject.seq === 'number' ? [subject.seq] : []));
  }

  /** Newest first, by time and then id. Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: FindingQuery): Page<Finding> {
    const young = this.#youngWhere(query);
    const where: string[] = [];
    const values: (string | number)[] = [];
    for (const [asked, column, operator] of CONDITIONS) {
      const value = query[asked];
      if (value === undefined) continue;
      where.push(`${column} ${operator} ?`);
      values.push(value);
    }
    // As text and not as a parameter, so that SQLite sees that the index of paged findings fits.
    if (query.verdict !== undefined) where.push(query.verdict === 'page' ? "verdict = 'page'" : "verdict = 'record'");
    if (query.continue !== undefined) {
      where.push('(ts_ms, id) < (?, ?)');
      values.push(...cursorOf(query.continue));
    }
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const sql = `SELECT ts_ms, id, data FROM finding ${filter} ORDER BY ts_ms DESC, id DESC LIMIT ?`;
    const rows = this.#db.prepare<(string | number)[], FindingRow>(sql).all(...values, query.limit + 1);
    const filed = new Set(rows.map(({ id }) => id));
    const more = young.filter(({ id }) => !filed.has(id)).map((finding) => ({ ts_ms: finding.tsMs, id: finding.id, finding }));
    const merged = more.length === 0 ? rows : [...rows, ...more].sort(newestFirst).slice(0, query.limit + 1);
    const page = pageOf(merged, query.limit, (last) => encodeCursor('findings', [last.ts_ms, last.id]));
    return { ...page, items: page.items.map((row) => ('finding' in row ? row.finding : this.#unpack(row.data))) };
  }

  #youngWhere(query: Omit<FindingQuery, 'limit'>): Finding[] {
    const before = query.continue === undefined ? undefined : cursorOf(query.continue);
    const found: Finding[] = [];
    for (const { finding } of this.#young.all().values()) {
      if (before !== undefined && !isBehind(finding, before)) continue;
      if (matches(finding, query)) found.push(finding);
    }
    return found;
  }

  #unpack(data: Stored): Finding {
    return typeof data === 'number' ? (JSON.parse(this.#blocks.text(data)) as Finding) : unpackFinding(data, this.#seal);
  }
}

function cursorOf(token: string): [number, string] {
  return decodeCursor('findings', ['number', 'string'], token) as [number, string];
}

/** The order of lists. */
function newestFirst(a: { ts_ms: number; id: string }, b: { ts_ms: number; id: string }): number {
  return b.ts_ms - a.ts_ms || (a.id < b.id ? 1 : -1);
}

function isBehind({ tsMs, id }: Finding, [lastMs, lastId]: [number, string]): boolean {
  return tsMs < lastMs || (tsMs === lastMs && id < lastId);
}

/** As the list's SQL has it. */
function matches(finding: Finding, query: Omit<FindingQuery, 'limit' | 'continue'>): boolean {
  if (query.verdict !== undefined && finding.decision.verdict !== query.verdict) return false;
  const columns = columnsOf(finding);
  return CONDITIONS.every(([asked, column, operator]) => {
    const value = query[asked];
    return value === undefined || COMPARES[operator](columns[column], value);
  });
}

function pack(text: string, seal: ValueSeal): Buffer | string {
  if (text.length < COMPRESSED_FROM && seal.keyId === undefined) return text;
  return seal.seal(compress(Buffer.from(text, 'utf8'), COMPRESSION_LEVEL));
}

export function unpackFinding(data: Buffer | string, seal: ValueSeal): Finding {
  return JSON.parse(typeof data === 'string' ? data : decompress(seal.open(data)).toString('utf8')) as Finding;
}
