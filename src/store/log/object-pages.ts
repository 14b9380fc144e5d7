/** Objects page by page, by rising id. Where a page of the file is damaged they are read one by one, and those on it are left out by name. */
import type Database from 'better-sqlite3';
import { isDamage } from '../containment.ts';
import type { Interning } from './interning.ts';
import type { NamespaceObjects } from './namespace-objects.ts';
import type { ObjectEntry } from './object-entry.ts';
import { ENTRY_COLUMNS, type EntryRow } from './object-rows.ts';

export interface PageQuery {
  resources: number[];
  namespaceId: number | undefined;
  name: string | undefined;
  after: number;
  limit: number;
  bygone?: Bygone | undefined;
}

interface PageParameters {
  /** JSON list of ids. */
  resources: string;
  namespaceId: number | null;
  name: string | null;
  after: number;
  idMax: number;
  limit: number;
}

/** What is certain of a time before any object is looked at: which were gone, and which had not come yet. */
export interface Bygone {
  /** Those deleted by then, and no later change of theirs up to `seqMax`, are left out. */
  atMs: number;
  seqMax: number;
  /** So are those with higher numbers. */
  objectIdMax: number;
}

interface BygoneParameters extends PageParameters, Pick<Bygone, 'atMs' | 'seqMax'> {
  /** JSON lists of ids: those whose head row does not tell, and all that may be found. */
  moved: string;
  shown: string;
}

/** The ids first, which an index tells alone, and only of those that fit the page what they are. */
const pageSql = (where: string) => `SELECT ${ENTRY_COLUMNS} WHERE o.id IN (
    SELECT id FROM object WHERE resource_id IN (SELECT value FROM json_each(@resources)) ${where}
      AND (@name IS NULL OR name = @name) AND id > @after AND id <= @idMax ORDER BY id LIMIT @limit) ORDER BY o.id`;

/**
 * Where objects come and go, a namespace has had many times those that it has: which of them may be found is known, so that the others' head rows are
 * not read. Names come from the index that finds the ids.
 */
const PAGE_OF_NAMESPACE_AT = `SELECT p.*, l.uid, l.version_id AS versionId FROM (
    SELECT n.id AS objectId, n.resource_id AS resourceId, n.namespace_id AS namespaceId, n.name, h.life_id AS lifeId, h.seq, h.rv,
      h.generation, h.deleted, h.depth, h.changes, h.heartbeats, h.first_ms AS firstMs, h.last_ms AS lastMs
    FROM json_each(@resources) r CROSS JOIN object n ON n.resource_id = r.value AND n.namespace_id = @namespaceId
      CROSS JOIN head h ON h.object_id = n.id
    WHERE (@name IS NULL OR n.name = @name) AND n.id > @after AND n.id <= @idMax AND n.id IN (SELECT value FROM json_each(@shown))
      AND (NOT (h.deleted AND h.last_ms <= @atMs AND h.seq <= @seqMax) OR n.id IN (SELECT value FROM json_each(@moved)))
    ORDER BY n.id LIMIT @limit) p CROSS JOIN life l ON l.id = p.lifeId ORDER BY p.objectId`;

interface Parts {
  interning: Interning;
  ofNamespace: NamespaceObjects;
  entryOf: (row: EntryRow) => ObjectEntry;
  /** Objects of a namespace that are ahead of their head row. */
  movedIn: (namespaceId: number) => number[];
  /** Is told of what cannot be read for damage; without it that is thrown. */
  lost: ((where: string, error: unknown) => void) | undefined;
}

export class ObjectPages {
  readonly #parts: Parts;
  readonly #sql;

  constructor(db: Database.Database, parts: Parts) {
    this.#parts = parts;
    this.#sql = {
      pageOfAll: db.prepare<[PageParameters], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE +o.resource_id IN (SELECT value FROM json_each(@resources))
           AND o.id > @after AND o.id <= @idMax ORDER BY o.id LIMIT @limit`,
      ),
      pageOfSome: db.prepare<[PageParameters], EntryRow>(pageSql('')),
      pageOfNamespace: db.prepare<[PageParameters], EntryRow>(pageSql('AND namespace_id = @namespaceId')),
      pageOfNamespaceAt: db.prepare<[BygoneParameters], EntryRow>(PAGE_OF_NAMESPACE_AT),
      byId: db.prepare<[number], EntryRow>(`SELECT ${ENTRY_COLUMNS} WHERE o.id = ?`),
      lastIds: ['SELECT max(id) FROM object', 'SELECT max(object_id) FROM head', 'SELECT max(object_id) FROM life'].map((sql) =>
        db.prepare<[], number | null>(sql).pluck(),
      ),
    };
  }

  /** `through` is up to which change all head rows hold. */
  page(query: PageQuery, through: number): ObjectEntry[] {
    try {
      return this.#rows(query, through).map((row) => this.#parts.entryOf(row));
    } catch (error) {
      if (this.#parts.lost === undefined || !isDamage(error)) throw error;
      return this.#oneByOne(query, this.#parts.lost);
    }
  }

  #rows(query: PageQuery, through: number): EntryRow[] {
    const { interning, ofNamespace, movedIn } = this.#parts;
    const { namespaceId = null, name = null, after, limit, bygone } = query;
    const { pageOfAll, pageOfSome, pageOfNamespace, pageOfNamespaceAt } = this.#sql;
    const idMax = bygone?.objectIdMax ?? Number.MAX_SAFE_INTEGER;
    const asked = { resources: JSON.stringify(query.resources), namespaceId, name, after, idMax, limit };
    if (namespaceId !== null && bygone !== undefined) {
      const { atMs, seqMax } = bygone;
      // A head row from before a place up to which all of them hold is that of the object's newest change up to there.
      const moved = seqMax <= through ? [] : movedIn(namespaceId);
      const notGone = ofNamespace.notGone(namespaceId, { atMs, seqMax, after, idMax });
      const lists = { moved: JSON.stringify(moved), shown: JSON.stringify([...moved, ...notGone]) };
      return pageOfNamespaceAt.all({ ...asked, atMs, seqMax, ...lists });
    }
    // Most objects are of these resources: then the first ones found by id are the page.
    const mostAre = name === null && query.resources.length * 2 >= interning.resources({}).length;
    const page = namespaceId !== null ? pageOfNamespace : mostAre ? pageOfAll : pageOfSome;
    return page.all(asked);
  }

  /** Needs no index: ids are few more than objects. */
  #oneByOne(
    { resources, namespaceId, name, after, limit, bygone }: PageQuery,
    lost: (where: string, error: unknown) => void,
  ): ObjectEntry[] {
    const found: ObjectEntry[] = [];
    const last = Math.min(this.#lastId(), bygone?.objectIdMax ?? Number.MAX_SAFE_INTEGER);
    for (let id = after + 1; id <= last && found.length < limit; id++) {
      try {
        const row = this.#sql.byId.get(id);
        if (row === undefined || !resources.includes(row.resourceId)) continue;
        if ((namespaceId ?? row.namespaceId) === row.namespaceId && (name ?? row.name) === row.name)
          found.push(this.#parts.entryOf(row));
      } catch (error) {
        if (!isDamage(error)) throw error;
        lost(`object ${id}`, error);
      }
    }
    return found;
  }

  #lastId(): number {
    let last = 0;
    for (const sql of this.#sql.lastIds) {
      try {
        last = Math.max(last, sql.get() ?? 0);
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return last;
  }
}
