/**
 * Lists changes newest first. The narrowest thing asked for (an object, a path, an actor) drives: its changes come from an index, one
 * list per value, merged by seq; whatever else was asked is checked on the rows. Time narrows the range of seq by what each sealed
 * span says of its times, which costs no index and stands clocks that go backwards.
 */
import type Database from 'better-sqlite3';
import type { Blocks } from './blocks.ts';
import { CHANGE_COLUMNS, type ChangeRow } from './change-log.ts';
import type { Interning } from './interning.ts';
import type { Objects } from './objects.ts';
import { decodeCursor, encodeCursor, pageOf } from './page-cursor.ts';
import { decodeFlags, decodeResourceVersion, typeBits } from './row-codec.ts';
import type { ChangeQuery, ChangeSummary, Page } from './store.ts';

/** With more values than this to merge, reading the log itself is the better way. */
const LISTS_MAX = 2_000;
const CHUNK_MIN = 128;
const CHUNK_MAX = 2_048;
/** Who made a change as amended by what became known later. */
const AMENDED = `coalesce((SELECT a.actor_set_id FROM attribution a WHERE a.change_seq = c.seq ORDER BY a.id DESC LIMIT 1), c.actor_set_id)`;

type Posting = (value: number, low: number, high: number, limit: number) => number[];

interface Filters {
  resources?: number[];
  namespaces?: number[];
  lives?: number[];
  actors?: number[];
  pathsets?: number[];
}

export class ChangeQueries {
  readonly #parts: { db: Database.Database; interning: Interning; objects: Objects; blocks: Blocks };
  readonly #postings: { lives: Posting; actors: Posting; pathsets: Posting };
  readonly #lives: Database.Statement<[string, string, number], number>;
  readonly #livesNamed: Database.Statement<[string, string, string, number], number>;

  constructor(parts: { db: Database.Database; interning: Interning; objects: Objects; blocks: Blocks }) {
    this.#parts = parts;
    const posting = (column: string): Posting => {
      const sql = `SELECT seq FROM change WHERE ${column} = ? AND seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?`;
      const statement = parts.db.prepare<number[], number>(sql).pluck();
      return (value, low, high, limit) => statement.all(value, low, high, limit);
    };
    // Changes that had this actor at any time; whether it still is the one is checked on the rows.
    const byActor = parts.db
      .prepare<number[], number>(
        `SELECT seq FROM change WHERE actor_set_id = ? AND seq BETWEEN ? AND ?
         UNION SELECT change_seq FROM attribution WHERE actor_set_id = ? AND change_seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?`,
      )
      .pluck();
    const actors: Posting = (value, low, high, limit) => byActor.all(value, low, high, value, low, high, limit);
    this.#postings = { lives: posting('life_id'), actors, pathsets: posting('pathset_id') };
    const lives = `SELECT l.id FROM object o JOIN life l ON l.object_id = o.id
      WHERE o.resource_id IN (SELECT value FROM json_each(?)) AND o.namespace_id IN (SELECT value FROM json_each(?))`;
    this.#lives = parts.db.prepare<[string, string, number], number>(`${lives} LIMIT ?`).pluck();
    this.#livesNamed = parts.db.prepare<[string, string, string, number], number>(`${lives} AND o.name = ? LIMIT ?`).pluck();
  }

  /** Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: ChangeQuery): Page<ChangeSummary> {
    const range = this.#parts.blocks.seqRange(query.fromMs, query.toMs);
    if (query.continue !== undefined) {
      const [before] = decodeCursor('changes', ['number'], query.continue) as [number];
      range.high = Math.min(range.high, before - 1);
    }
    const rows = this.#rows(query, range);
    const page = pageOf(rows, query.limit, (last) => encodeCursor('changes', [last.seq]));
    return { ...page, items: page.items.map((row) => this.summary(row)) };
  }

  summary(row: ChangeRow): ChangeSummary {
    const { own, type, origin } = decodeFlags(row.flags);
    const life = this.#parts.objects.life(row.lifeId);
    if (life === undefined) throw new Error(`change ${row.seq} belongs to no life`);
    return {
      seq: row.seq,
      ref: life.ref,
      uid: life.uid,
      type,
      origin,
      observedMs: row.observedMs,
      resourceVersion: decodeResourceVersion(row.rv),
      generation: row.generation ?? undefined,
      actor: this.#parts.interning.actorSet(row.actorSetId).actor,
      own,
      paths: row.pathsetId === null ? [] : this.#parts.interning.pathset(row.pathsetId),
    };
  }

  #rows(query: ChangeQuery, range: { low: number; high: number }): ChangeRow[] {
    const filters = this.#filters(query);
    if (filters === undefined) return [];
    const wanted = query.limit + 1;
    const driver = (['lives', 'pathsets', 'actors'] as const).find(
      (name) => (filters[name]?.length ?? LISTS_MAX + 1) <= LISTS_MAX,
    );
    const select = this.#select(query, filters);
    if (driver === undefined) return select('c.seq BETWEEN ? AND ?', [range.low, range.high], wanted);
    const found: ChangeRow[] = [];
    let chunk = Math.max(wanted, CHUNK_MIN);
    for (let high = range.high; high >= range.low && found.length < wanted; chunk = Math.min(chunk * 2, CHUNK_MAX)) {
      const seqs = this.#merge(this.#postings[driver], filters[driver] ?? [], { low: range.low, high }, chunk);
      const last = seqs.at(-1);
      if (last === undefined) break;
      found.push(...select('c.seq IN (SELECT value FROM json_each(?))', [JSON.stringify(seqs)], wanted - found.length));
      if (seqs.length < chunk) break;
      high = last - 1;
    }
    return found;
  }

  /** The newest `limit` positions of several lists together, newest first. */
  #merge(posting: Posting, values: readonly number[], range: { low: number; high: number }, limit: number): number[] {
    if (values.length === 1) return posting(values[0] as number, range.low, range.high, limit);
    const all = values.flatMap((value) => posting(value, range.low, range.high, limit));
    return [...new Set(all)].sort((a, b) => b - a).slice(0, limit);
  }

  /** What the query names, as ids; undefined when it names something never seen. */
  #filters(query: ChangeQuery): Filters | undefined {
    const { interning } = this.#parts;
    const filters: Filters = {};
    if (query.actor !== undefined) filters.actors = interning.actorSetsByName(query.actor);
    if (query.path !== undefined) filters.pathsets = interning.pathsetsByPath(query.path);
    const byResource = query.cluster !== undefined || query.group !== undefined || query.kind !== undefined;
    if (byResource) filters.resources = interning.resources(query).map(({ id }) => id);
    if (query.namespace !== undefined) {
      const id = interning.namespaceIdIfKnown(query.namespace);
      filters.namespaces = id === undefined ? [] : [id];
    }
    if (Object.values(filters).some((ids) => ids.length === 0)) return undefined;
    if (byResource || query.namespace !== undefined || query.name !== undefined) {
      const lives = this.#livesOf(filters, query.name);
      if (lives.length === 0) return undefined;
      if (lives.length <= LISTS_MAX) filters.lives = lives;
    }
    return filters;
  }

  #livesOf(filters: Filters, name: string | undefined): number[] {
    const { interning } = this.#parts;
    const resources = JSON.stringify(filters.resources ?? interning.resources({}).map(({ id }) => id));
    const namespaces = JSON.stringify(filters.namespaces ?? interning.namespaceIds());
    if (name === undefined) return this.#lives.all(resources, namespaces, LISTS_MAX + 1);
    return this.#livesNamed.all(resources, namespaces, name, LISTS_MAX + 1);
  }

  /** Rows that fit everything asked for, newest first, from where `from` says. */
  #select(query: ChangeQuery, filters: Filters) {
    const where: string[] = [];
    const values: (number | string)[] = [];
    const among = (column: string, ids: number[] | undefined) => {
      if (ids === undefined) return;
      where.push(`${column} IN (SELECT value FROM json_each(?))`);
      values.push(JSON.stringify(ids));
    };
    const compare = (condition: string, value: number | string | undefined) => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    // The unary plus keeps SQLite from choosing another index than the one on seq.
    among('+c.life_id', filters.lives);
    among(AMENDED, filters.actors);
    among('+c.pathset_id', filters.pathsets);
    if (filters.lives === undefined) {
      among('+o.resource_id', filters.resources);
      among('+o.namespace_id', filters.namespaces);
      compare('o.name = ?', query.name);
    }
    compare('c.flags & 3 = ?', query.type === undefined ? undefined : typeBits(query.type));
    compare('c.observed_ms >= ?', query.fromMs);
    compare('c.observed_ms <= ?', query.toMs);
    return (from: string, position: (number | string)[], limit: number): ChangeRow[] => {
      const sql = `SELECT ${CHANGE_COLUMNS}, ${AMENDED} AS amendedId FROM change c CROSS JOIN life l ON l.id = c.life_id CROSS JOIN object o ON o.id = l.object_id
        WHERE ${[from, ...where].join(' AND ')} ORDER BY c.seq DESC LIMIT ?`;
      const rows = this.#parts.db.prepare<(number | string)[], ChangeRow & { amendedId: number }>(sql);
      return rows.all(...position, ...values, limit).map(({ amendedId, ...row }) => ({ ...row, actorSetId: amendedId }));
    };
  }
}
