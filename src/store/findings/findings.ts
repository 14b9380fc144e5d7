/**
 * Findings: the whole as one JSON text, with columns for what lists are filtered by. Filing each as it is decided would touch pages of three
 * indexes, so they are young at first (young-findings.ts) and filed by upkeep, texts of many in one block (finding-blocks.ts).
 */
import type Database from 'better-sqlite3';
import type { Finding } from '../../domain/finding.ts';
import { parseJson } from '../../domain/json.ts';
import { encodePosition } from '../../domain/list-position.ts';
import { type Containment, isDamage } from '../containment.ts';
import { compress, decompress } from '../pack/block-codec.ts';
import { decodeCursor, pageOf } from '../page-cursor.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import type { FindingQuery, Page } from '../store.ts';
import { blockOf, FindingBlocks, PER_BLOCK_MAX, placesOf } from './finding-blocks.ts';
import { CONDITIONS, columnsOf, type FindingColumns, matches, newestFirst } from './finding-columns.ts';
import { type YoungFinding, YoungFindings } from './young-findings.ts';

const COMPRESSED_FROM = 256;
export const COMPRESSION_LEVEL = 3;
/** So many at least are worth a block. */
const BLOCK_MIN = 4;
/** Beyond this they are filed though upkeep has not come. */
const YOUNG_MAX = 1_024;
/** Alerts within one span of changes that are looked at for evidence. */
const EVIDENCE_MAX = 1_000;
/** Findings of a list that may be lost to damage; with more an error is the better answer. */
const LOST_MAX = 4_096;
/** Let go of in a step. */
const FORGOTTEN_AT_ONCE = 512;

/** Where a finding lies, of those in a block. */
const PLACE = "CASE typeof(data) WHEN 'integer' THEN data END";

/** Of which nobody was told, said or is asked anything. */
const NOBODY_TOLD = `verdict = 'record' AND id NOT IN (SELECT finding_id FROM verdict) AND id NOT IN (SELECT finding_id FROM near_miss)`;

/** A finding by its number, and where it lies if that is in a block. */
export interface Forgettable {
  seq: number;
  place: number | null;
}

interface FindingRow {
  ts_ms: number;
  id: string;
  data: Stored;
}

/** A number is a place in a block. */
type Stored = Buffer | string | number;

export class Findings {
  readonly #db: Database.Database;
  readonly #seal: ValueSeal;
  readonly #containment: Containment;
  readonly #young: YoungFindings;
  readonly #blocks: FindingBlocks;
  readonly #sql;

  constructor(db: Database.Database, seal: ValueSeal, containment: Containment) {
    this.#db = db;
    this.#seal = seal;
    this.#containment = containment;
    this.#young = new YoungFindings(db, seal);
    this.#blocks = new FindingBlocks(db, seal);
    this.#sql = {
      standing: db
        .prepare<[string], [seq: number, place: number | null, verdict: string]>(
          `SELECT seq, ${PLACE}, verdict FROM finding WHERE id = ?`,
        )
        .raw(),
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
      has: db.prepare<[string], 1>('SELECT 1 FROM finding WHERE id = ?').pluck(),
      ofNoUse: db.prepare<[number], Forgettable>(
        `SELECT seq, ${PLACE} AS place FROM finding WHERE ts_ms < ? AND ${NOBODY_TOLD} ORDER BY ts_ms, id LIMIT ${FORGOTTEN_AT_ONCE}`,
      ),
      ahead: db.prepare<[number], Forgettable & { data: Stored }>(
        `SELECT seq, ${PLACE} AS place, data FROM finding WHERE ts_ms >= ? AND ${NOBODY_TOLD} ORDER BY seq LIMIT ${FORGOTTEN_AT_ONCE}`,
      ),
      remove: db.prepare<[number]>('DELETE FROM finding WHERE seq = ?'),
      // Those of a block were filed one after the other.
      inBlock: db
        .prepare<[number, number, bigint, bigint], 1>(
          'SELECT 1 FROM finding WHERE seq BETWEEN ? AND ? AND data BETWEEN ? AND ? LIMIT 1',
        )
        .pluck(),
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
      if (this.#young.has(finding.id)) this.settle();
      const [seq, place, before] = this.#sql.standing.get(finding.id) ?? [];
      if (seq === undefined) {
        this.#young.put(finding);
        more.findings += 1;
      } else {
        this.#file(columnsOf(finding), pack(JSON.stringify(finding), this.#seal));
        if (typeof place === 'number') this.#removeUnused(blockOf(place), seq);
      }
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
    for (const [i, { columns, text }] of young.entries()) this.#file(columns, places?.[i] ?? pack(text, this.#seal));
  }

  /**
   * Some of the oldest findings that are of no use once of what was before a time no more than statistics are kept: that paged nobody and of which nobody
   * said or is asked anything. Those of a later time too, as where the clock was ahead: of changes that are not kept, which were filed before those of
   * changes that are, and what was filed before any of these, such as silences, which are of no change.
   */
  ofNoUse(beforeMs: number, isKept: (changeSeq: number) => boolean): Forgettable[] {
    const old = this.#sql.ofNoUse.all(beforeMs);
    if (old.length === FORGOTTEN_AT_ONCE) return old;
    return [...old, ...this.#ahead(beforeMs, Math.max(0, ...old.map(({ seq }) => seq)), isKept)];
  }

  /** Of those that are not of before a time what was filed before number `last`, or is of no use as the changes say. */
  #ahead(beforeMs: number, last: number, isKept: (changeSeq: number) => boolean): Forgettable[] {
    const ahead: Forgettable[] = [];
    let certain = 0;
    for (const { seq, place, data } of this.#sql.ahead.iterate(beforeMs)) {
      const finding = this.#containment.read('finding', () => this.#unpack(data), undefined);
      if (finding === undefined) continue;
      const isOfChange = finding.subject.type === 'change';
      if (finding.subject.type === 'change' && isKept(finding.subject.seq)) break;
      ahead.push({ seq, place });
      if (isOfChange || seq < last) certain = ahead.length;
    }
    return ahead.slice(0, certain);
  }

  /** Lets go of them; within a transaction. A block goes once none of its findings is left. */
  letGo(findings: readonly Forgettable[]): void {
    for (const { seq } of findings) this.#sql.remove.run(seq);
    const blocks = new Map(findings.flatMap(({ seq, place }) => (place === null ? [] : [[blockOf(place), seq] as const])));
    for (const [block, seq] of blocks) this.#removeUnused(block, seq);
  }

  /** Takes a block that no finding has a place in any more, one of which had this number. */
  #removeUnused(block: number, seq: number): void {
    const [first, last] = placesOf(block);
    // Bound as they are stored: see `#file`.
    const isUsed = this.#sql.inBlock.get(seq - PER_BLOCK_MAX, seq + PER_BLOCK_MAX, BigInt(first), BigInt(last)) !== undefined;
    // One on a damaged page stays: that must not cost what was found.
    if (!isUsed) this.#containment.write('finding_block', () => this.#blocks.remove(block), undefined);
  }

  #file(columns: FindingColumns, data: Stored): void {
    const { id, ts_ms: tsMs, cluster, kind, namespace, name, detector, severity, verdict, score } = columns;
    // A number would be bound as a floating one, which a column of any type keeps as that.
    const stored = typeof data === 'number' ? BigInt(data) : data;
    this.#sql.put.run(id, tsMs, cluster, kind, namespace, name, detector, severity, verdict, score, stored);
  }

  /** Looked for among the young first: with somebody writing beside a reader, it is moved one way only. */
  get(id: string): Finding | undefined {
    const [young] = this.#young.where((columns) => columns.id === id);
    if (young !== undefined) return young.read();
    const data = this.#sql.get.get(id);
    return data === undefined ? undefined : this.#unpack(data);
  }

  /** By the index alone: what it says is neither read nor asked whether it can be. */
  has(id: string): boolean {
    return this.#young.has(id) || this.#sql.has.get(id) !== undefined;
  }

  /** Changes that alerts within a time were about, the strangest first. */
  pagedChanges(fromMs: number, toMs: number): number[] {
    const young = this.#youngWhere({ verdict: 'page', fromMs, toMs }).map((one) => one.read());
    const filed = this.#sql.paged.all(fromMs, toMs).map((data) => this.#unpack(data));
    const found = new Map([...young, ...filed].map((finding) => [finding.id, finding]));
    return [...found.values()]
      .sort((a, b) => b.score - a.score)
      .slice(0, EVIDENCE_MAX)
      .flatMap(({ subject }) => ('seq' in subject && typeof subject.seq === 'number' ? [subject.seq] : []));
  }

  /** Newest first, by time and then id. Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: FindingQuery): Page<Finding> {
    const young = this.#containment.read('finding_young', () => this.#youngWhere(query), []);
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
    const rows = this.#rows(where.length === 0 ? 'TRUE' : where.join(' AND '), values, query.limit + 1);
    const filed = new Set(rows.map(({ id }) => id));
    const more = young.filter(({ columns }) => !filed.has(columns.id)).map(({ columns, read }) => ({ ...columns, read }));
    const merged = more.length === 0 ? rows : [...rows, ...more].sort(newestFirst).slice(0, query.limit + 1);
    const page = pageOf(merged, query.limit, (last) => encodePosition('findings', [last.ts_ms, last.id]));
    const read = (row: (typeof merged)[number]) => ('read' in row ? row.read() : this.#unpack(row.data));
    const items = page.items.flatMap((row) => this.#containment.read(`finding ${row.id}`, () => read(row), undefined) ?? []);
    return { ...page, items };
  }

  /** Newest first. Where a page or an index is damaged they are looked at one after the other, and those that cannot be read are left out by name. */
  #rows(filter: string, values: readonly (string | number)[], limit: number): FindingRow[] {
    const sql = `SELECT ts_ms, id, data FROM finding WHERE ${filter} ORDER BY ts_ms DESC, id DESC LIMIT ?`;
    try {
      return this.#db.prepare<(string | number)[], FindingRow>(sql).all(...values, limit);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#containment.tell('finding', error);
      return this.#readable(filter, values).sort(newestFirst).slice(0, limit);
    }
  }

  #readable(filter: string, values: readonly (string | number)[]): FindingRow[] {
    const sql = `SELECT ts_ms, id, data FROM finding NOT INDEXED WHERE seq BETWEEN ? AND ? AND ${filter}`;
    const between = this.#db.prepare<(string | number)[], FindingRow>(sql);
    const rows: FindingRow[] = [];
    const parts: [low: number, high: number][] = [[1, this.#lastSeq()]];
    for (let part = parts.pop(), lost = 0; part !== undefined; part = parts.pop()) {
      const [low, high] = part;
      try {
        rows.push(...between.all(low, high, ...values));
      } catch (error) {
        if (!isDamage(error)) throw error;
        const middle = Math.floor((low + high) / 2);
        if (low < high) parts.push([low, middle], [middle + 1, high]);
        else this.#containment.tell(`finding number ${low}`, error);
        if (low >= high && ++lost > LOST_MAX) throw error;
      }
    }
    return rows;
  }

  /** The highest number, of a table or an index that can be read. */
  #lastSeq(): number {
    const byIndex = () =>
      this.#db.prepare<[], number | null>('SELECT max(seq) FROM finding INDEXED BY finding_by_time').pluck().get();
    const byTable = () => this.#db.prepare<[], number | null>('SELECT max(seq) FROM finding NOT INDEXED').pluck().get();
    return this.#containment.read('finding', byTable, undefined) ?? byIndex() ?? 0;
  }

  #youngWhere(query: Omit<FindingQuery, 'limit'>): YoungFinding[] {
    const before = query.continue === undefined ? undefined : cursorOf(query.continue);
    return this.#young.where((columns) => (before === undefined || isBehind(columns, before)) && matches(columns, query));
  }

  #unpack(data: Stored): Finding {
    return typeof data === 'number'
      ? (parseJson(this.#blocks.text(data)) as unknown as Finding)
      : unpackFinding(data, this.#seal);
  }
}

function cursorOf(token: string): [number, string] {
  return decodeCursor('findings', ['number', 'string'], token) as [number, string];
}

function isBehind({ ts_ms: tsMs, id }: FindingColumns, [lastMs, lastId]: [number, string]): boolean {
  return tsMs < lastMs || (tsMs === lastMs && id < lastId);
}

function pack(text: string, seal: ValueSeal): Buffer | string {
  if (text.length < COMPRESSED_FROM && seal.keyId === undefined) return text;
  return seal.seal(compress(Buffer.from(text, 'utf8'), COMPRESSION_LEVEL));
}

export function unpackFinding(data: Buffer | string, seal: ValueSeal): Finding {
  return parseJson(typeof data === 'string' ? data : decompress(seal.open(data)).toString('utf8')) as unknown as Finding;
}
