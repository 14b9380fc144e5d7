/**
 * Lists changes newest first. A name drives by the chains of its objects; anything else asked for (actor, path, kind, namespace) by its
 * postings, intersected; what is left is checked on the rows. Changes too young for postings are gone through. Time narrows the range of
 * seq (log-times.ts), which costs no index and stands clocks that go backwards. It goes in pieces, between which it ends where time is up.
 *
 * Of a damaged page, of changes or of what they are of, what is on it is left out, and the answer says which changes that are.
 */
import type Database from 'better-sqlite3';
import { encodePosition } from '../../domain/list-position.ts';
import { type Containment, isDamage } from '../containment.ts';
import type { Derived } from '../derived.ts';
import { decodeFlags, decodeResourceVersion, isCheckpoint, typeBits } from '../pack/row-codec.ts';
import { decodeCursor, pageOf } from '../page-cursor.ts';
import type { ChangePage, ChangeQuery, ChangeSummary } from '../store.ts';
import { corruptRecord } from '../store-errors.ts';
import { CHANGE_COLUMNS, type ChangeLog, type ChangeRow } from './change-log.ts';
import type { Interning } from './interning.ts';
import type { LogTimes } from './log-times.ts';
import type { Objects } from './objects.ts';
import { type Dimension, newestInAll, type Positions, type Postings, unionOf } from './postings.ts';

/** Changes of a question that may be lost to damage; with more an error is the better answer. */
const LOST_MAX = 4_096;
/** With more objects of a name than this, going by the other things asked for is the better way. */
const OBJECTS_MAX = 256;
const CHUNK_MIN = 128;
const CHUNK_MAX = 2_048;
/** Where there is a limit on time: rows take some 10 µs each. */
const CHUNK_TIMED_MAX = 512;
const WINDOW_MIN = 256;
const WINDOW_MAX = 4_096;
/** Who made a change as amended by what became known later. */
const AMENDED = `coalesce((SELECT a.actor_set_id FROM attribution a WHERE a.change_seq = c.seq ORDER BY a.id DESC LIMIT 1), c.actor_set_id)`;

interface Parts {
  db: Database.Database;
  interning: Interning;
  objects: Objects;
  log: ChangeLog;
  times: LogTimes;
  postings: Postings;
  containment: Containment;
  derived: Derived;
}

type Filters = Partial<Record<Dimension, number[]>>;
type Select = (from: Part, limit: number) => ChangeRow[];

const PLACES = { between: 'c.seq BETWEEN ? AND ?', among: 'c.seq IN (SELECT value FROM json_each(?))' };
type Place = keyof typeof PLACES;

interface Range {
  low: number;
  high: number;
}

/** Of the log: a stretch, or some positions, newest first. */
type Part = Range | readonly number[];

/** A row, who made the change as is known now, and whether what it is of is missing. */
type SelectedRow = ChangeRow & { amendedId: number; isAdrift: number };

interface Asked {
  select: Select;
  wanted: number;
  /** Undefined where there is no limit on time. */
  endMs: number | undefined;
}

interface Found {
  /** Newest first. */
  rows: ChangeRow[];
  /** All above it were looked at. */
  next: number;
}

export class ChangeQueries {
  readonly #parts: Parts;
  readonly #sql;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sql = {
      named: parts.db
        .prepare<[string, string, string, number], number>(
          `SELECT id FROM object WHERE resource_id IN (SELECT value FROM json_each(?)) AND namespace_id IN (SELECT value FROM json_each(?))
             AND name = ? LIMIT ?`,
        )
        .pluck(),
      amendedUpTo: parts.db
        .prepare<[number, number], number | null>(
          'SELECT max(change_seq) FROM attribution WHERE actor_set_id = ? AND change_seq <= ?',
        )
        .pluck(),
      timeFrom: parts.db.prepare<[number], number>('SELECT observed_ms FROM change WHERE seq >= ? ORDER BY seq LIMIT 1').pluck(),
    };
  }

  /** Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: ChangeQuery): ChangePage {
    const { times, log, containment } = this.#parts;
    const range = containment.read<Range | undefined>('span', () => times.range(query.fromMs, query.toMs), undefined) ?? {
      low: 1,
      high: log.newest(),
    };
    if (query.continue !== undefined) {
      const [before] = decodeCursor('changes', ['number'], query.continue) as [number];
      range.high = Math.min(range.high, before - 1);
    }
    if (query.beforeSeq !== undefined) range.high = Math.min(range.high, query.beforeSeq - 1);
    const losses = new Losses(containment);
    const { rows, next } = this.#found(query, range, losses);
    const page = pageOf(rows, query.limit, (last) => encodePosition('changes', [last.seq]));
    const items = page.items.flatMap((row) => losses.attempt(row.seq, () => this.summary(row)) ?? []);
    const lost = losses.from(page.continue === undefined ? 0 : (page.items.at(-1)?.seq ?? 0));
    const found = { ...page, items, ...(lost.length > 0 && { lost }) };
    if (page.continue !== undefined || next < range.low) return found;
    const through = next + 1;
    const observedMs = containment.read('change', () => this.#sql.timeFrom.get(through), undefined) ?? 0;
    return { ...found, continue: encodePosition('changes', [through]), stopped: { seq: through, observedMs } };
  }

  summary(row: ChangeRow): ChangeSummary {
    return { ...this.bare(row), paths: row.pathsetId === null ? [] : this.#parts.interning.pathset(row.pathsetId) };
  }

  /** The same without paths. */
  bare(row: ChangeRow): ChangeSummary {
    const { own, type, origin } = decodeFlags(row.flags);
    const life = this.#parts.objects.life(row.lifeId);
    if (life === undefined) throw corruptRecord('a change belongs to no life', `change ${row.seq}`);
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
      paths: [],
      ...(isCheckpoint(row.flags) && { checkpoint: true as const }),
    };
  }

  #found(query: ChangeQuery, range: Range, losses: Losses): Found {
    const filters = this.#filters(query);
    if (filters === undefined) return { rows: [], next: range.low - 1 };
    const endMs = query.msMax === undefined ? undefined : performance.now() + query.msMax;
    const asked = { select: this.#select(query, filters, losses), wanted: query.limit + 1, endMs };
    const chains = this.#chains(query, filters);
    const lists = chains === undefined ? this.#lists(filters) : [chains];
    if (lists.length === 0) return throughAll(asked, range);
    if (chains !== undefined) return listedByChains(asked, lists, range);
    // Postings lag behind, chains do not.
    return this.#parts.derived.without(
      'posting',
      () => listed(asked, lists, range, Math.min(range.high, this.#parts.postings.through)),
      () => throughAll(asked, range),
    );
  }

  /** The changes of the objects of a name, when one is asked for and they are few. */
  #chains(query: ChangeQuery, filters: Filters): Positions | undefined {
    const { interning, objects, log, containment } = this.#parts;
    if (query.name === undefined) return undefined;
    const resources = JSON.stringify(filters.resources ?? interning.resources({}).map(({ id }) => id));
    const namespaces = JSON.stringify(filters.namespaces ?? interning.namespaceIds());
    const { name } = query;
    const find = () => this.#sql.named.all(resources, namespaces, name, OBJECTS_MAX + 1);
    const ids = containment.read<number[] | undefined>('object', find, undefined);
    if (ids === undefined || ids.length > OBJECTS_MAX) return undefined;
    return unionOf(
      ids.map((objectId) => {
        let at = objects.newestChange(objectId);
        return {
          upTo: (seq) => {
            if (at !== undefined && at > seq) at = log.newestUpTo(at, seq, objectId)?.seq;
            return at;
          },
        };
      }),
    );
  }

  #lists(filters: Filters): Positions[] {
    const { postings } = this.#parts;
    return Object.entries(filters).map(([dimension, values]) => {
      const list = postings.positions(dimension as Dimension, values);
      // Changes that had an actor at any time; whether it still is the one is checked on the rows.
      return dimension === 'actors' ? unionOf([list, ...values.map((value) => this.#amended(value))]) : list;
    });
  }

  #amended(actorSetId: number): Positions {
    const { containment } = this.#parts;
    const upTo = (seq: number) => this.#sql.amendedUpTo.get(actorSetId, seq) ?? undefined;
    return { upTo: (seq) => containment.read('attribution', () => upTo(seq), undefined) };
  }

  /** What the query names, as ids; undefined when it names something never seen. */
  #filters(query: ChangeQuery): Filters | undefined {
    const { interning } = this.#parts;
    const filters: Filters = {};
    if (query.actor !== undefined) filters.actors = interning.actorSetsByName(query.actor);
    if (query.path !== undefined) filters.pathsets = interning.pathsetsByPath(query.path);
    if (query.cluster !== undefined || query.group !== undefined || query.kind !== undefined)
      filters.resources = interning.resources(query).map(({ id }) => id);
    if (query.namespace !== undefined) {
      const id = interning.namespaceIdIfKnown(query.namespace);
      filters.namespaces = id === undefined ? [] : [id];
    }
    return Object.values(filters).some((ids) => ids.length === 0) ? undefined : filters;
  }

  /**
   * Rows that fit everything asked for, newest first, from where `from` says. Where what was amended cannot be read for damage, by who made them as
   * it was known when they were recorded.
   */
  #select(query: ChangeQuery, filters: Filters, losses: Losses): Select {
    const amended = this.#selectBy(AMENDED, query, filters);
    const recorded = this.#selectBy('c.actor_set_id', query, filters);
    const select = (from: Part, limit: number) => {
      try {
        return amended(from, limit);
      } catch (error) {
        if (!isDamage(error)) throw error;
        const rows = recorded(from, limit);
        this.#parts.containment.tell('attribution', error);
        return rows;
      }
    };
    return (from, limit) => readable(select, from, limit, losses);
  }

  #selectBy(actors: string, query: ChangeQuery, filters: Filters) {
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
    among(actors, filters.actors);
    among('c.pathset_id', filters.pathsets);
    compare('c.flags & 3 = ?', query.type === undefined ? undefined : typeBits(query.type));
    compare('c.observed_ms >= ?', query.fromMs);
    compare('c.observed_ms <= ?', query.toMs);
    const ofChange = where.splice(0);
    // The unary plus keeps SQLite from beginning with the objects.
    among('+o.resource_id', filters.resources);
    among('+o.namespace_id', filters.namespaces);
    compare('o.name = ?', query.name);
    const ofObject = where.length === 0 ? [] : [`(o.id IS NULL OR (${where.join(' AND ')}))`];
    const statementOf = (place: Place) => {
      const sql = `SELECT ${CHANGE_COLUMNS}, ${actors} AS amendedId, o.id IS NULL AS isAdrift
        FROM change c LEFT JOIN life l ON l.id = c.life_id LEFT JOIN object o ON o.id = l.object_id
        WHERE ${[PLACES[place], ...ofChange, ...ofObject].join(' AND ')} ORDER BY c.seq DESC LIMIT ?`;
      return this.#parts.db.prepare<(number | string)[], SelectedRow>(sql);
    };
    const statements: Partial<Record<Place, ReturnType<typeof statementOf>>> = {};
    return (from: Part, limit: number): SelectedRow[] => {
      const [place, position]: [Place, (number | string)[]] =
        'low' in from ? ['between', [from.low, from.high]] : ['among', [JSON.stringify(from)]];
      statements[place] ??= statementOf(place);
      return statements[place].all(...position, ...values, limit);
    };
  }
}

/** What can be read of a part, newest first; where a page is damaged, in ever smaller parts. */
function readable(select: (from: Part, limit: number) => SelectedRow[], from: Part, limit: number, losses: Losses): ChangeRow[] {
  const rows: ChangeRow[] = [];
  // The next one last.
  const parts = [from];
  while (rows.length < limit) {
    const part = parts.pop();
    if (part === undefined) break;
    const wanted = limit - rows.length;
    let found: SelectedRow[];
    try {
      found = select(part, wanted);
    } catch (error) {
      if (!isDamage(error)) throw error;
      if ('low' in part || part.length > 1) parts.push(...halvesOf(part));
      else losses.add(part[0] as number, error);
      continue;
    }
    for (const { amendedId, isAdrift, ...row } of found) {
      if (isAdrift === 0) rows.push({ ...row, actorSetId: amendedId });
      else losses.add(row.seq, corruptRecord('a change belongs to no object', `change ${row.seq}`));
    }
    // Others may fit in the place of those.
    const last = found.at(-1);
    if (last !== undefined && found.length === wanted && rows.length < limit) parts.push(before(part, last.seq));
  }
  return rows;
}

/** The newer one last. A stretch of one change is asked for by its position, as going through a stretch looks at what lies beside it too. */
function halvesOf(part: Part): Part[] {
  if (!('low' in part)) {
    const middle = part.length >>> 1;
    return [part.slice(middle), part.slice(0, middle)];
  }
  const { low, high } = part;
  if (low >= high) return [[low]];
  const middle = Math.floor((low + high) / 2);
  return [
    { low, high: middle },
    { low: middle + 1, high },
  ];
}

function before(part: Part, seq: number): Part {
  return 'low' in part ? { ...part, high: seq - 1 } : part.filter((one) => one < seq);
}

/** The changes that a question finds lost to damage, each told as it is found. */
class Losses {
  readonly #containment: Containment;
  readonly #seqs = new Set<number>();

  constructor(containment: Containment) {
    this.#containment = containment;
  }

  /** Throws `error` where there are too many. */
  add(seq: number, error: unknown): void {
    this.#seqs.add(seq);
    this.#containment.tell(`change ${seq}`, error);
    if (this.#seqs.size > LOST_MAX) throw error;
  }

  /** Undefined where the change turns out to be lost. */
  attempt<T>(seq: number, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.add(seq, error);
      return undefined;
    }
  }

  /** Newest first. */
  from(seq: number): number[] {
    return [...this.#seqs].filter((one) => one >= seq).sort((a, b) => b - a);
  }
}

/** Each row of a range is looked at. */
function throughAll(asked: Asked, { low, high }: Range): Found {
  const { select, wanted, endMs } = asked;
  const rows: ChangeRow[] = [];
  let next = high;
  // A window is what one reading may look at before the clock is.
  for (let window = endMs === undefined ? Number.POSITIVE_INFINITY : WINDOW_MIN; next >= low && rows.length < wanted; ) {
    const from = Math.max(low, next - window + 1);
    rows.push(...select({ low: from, high: next }, wanted - rows.length));
    next = from - 1;
    window = Math.min(window * 2, WINDOW_MAX);
    if (isPast(endMs)) break;
  }
  return { rows, next };
}

/** A chain that leads into a damaged page leads no further: then each row is looked at. */
function listedByChains(asked: Asked, chains: readonly Positions[], range: Range): Found {
  try {
    return listed(asked, chains, range, range.high);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return throughAll(asked, range);
  }
}

/** What all of some lists name up to `listedTo`, and what fits beyond. */
function listed(asked: Asked, lists: readonly Positions[], { low, high }: Range, listedTo: number): Found {
  const { select, wanted, endMs } = asked;
  const beyond = Math.max(low, listedTo + 1);
  const found = throughAll(asked, { low: beyond, high });
  if (found.next >= beyond || found.rows.length >= wanted) return found;
  const chunkMax = endMs === undefined ? CHUNK_MAX : CHUNK_TIMED_MAX;
  let chunk = Math.max(wanted, CHUNK_MIN);
  for (found.next = Math.min(listedTo, high); found.next >= low && found.rows.length < wanted; chunk *= 2) {
    const { seqs, next } = newestInAll(lists, { low, high: found.next }, Math.min(chunk, chunkMax), () => isPast(endMs));
    if (seqs.length > 0) found.rows.push(...select(seqs, wanted - found.rows.length));
    found.next = next;
    if (isPast(endMs)) break;
  }
  return found;
}

function isPast(endMs: number | undefined): boolean {
  return endMs !== undefined && performance.now() >= endMs;
}
