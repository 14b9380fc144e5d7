/**
 * Objects by name, their lives by uid, and where each stands now.
 *
 * Writing the `head` row of each object with each change would touch a page of its own for nearly every change, which costs more than
 * all the rest of appending it. So what moved is kept in memory and written every few thousand changes, sorted by object. A head row says
 * itself up to which change it holds (`seq`), and `small_state` up to which change all of them do; whatever a killed process had not
 * written is derived again from the changes after that, which are always there.
 */
import type Database from 'better-sqlite3';
import { type ObjectRef, objectKey } from '../../domain/object-ref.ts';
import { Recent } from '../../domain/recent.ts';
import { isDamage } from '../containment.ts';
import { decodeFlags, decodeUid, encodeUid } from '../pack/row-codec.ts';
import { StateRow } from '../pack/state-row.ts';
import { corruptRecord } from '../store-errors.ts';
import type { Interning } from './interning.ts';
import { NamespaceObjects } from './namespace-objects.ts';
import { ObjectEntries } from './object-entries.ts';
import { ObjectEntry } from './object-entry.ts';
import { ObjectPages, type PageQuery } from './object-pages.ts';
import { ENTRY_COLUMNS, type EntryRow } from './object-rows.ts';

export interface HeadRowOptions {
  /** Head rows are written once so many changes were made since: all that a start has to read again. */
  behindMax: number;
  /** With each batch from then on. */
  savedAtOnce: number;
}

export const HEAD_ROW_DEFAULTS: HeadRowOptions = { behindMax: 32_768, savedAtOnce: 256 };

/** Up to which change all head rows hold. */
const HEADS_THROUGH = 'store/heads-through';
const LIVE_PAGE = 1_000;
const ABSENT_MAX = 2_000;

/** Of an entry that is no longer the one of its object. */
const LET_GO = -1;

type LifeRow = Pick<EntryRow, 'objectId' | 'uid' | 'versionId' | 'resourceId' | 'namespaceId' | 'name'> & { id: number };

const LIFE_COLUMNS = `SELECT l.id, l.object_id AS objectId, l.uid, l.version_id AS versionId, o.resource_id AS resourceId,
  o.namespace_id AS namespaceId, o.name FROM life l JOIN object o ON o.id = l.object_id`;

/** A change as far as it moves its object. */
interface MovedRow {
  objectId: number;
  lifeId: number;
  seq: number;
  rv: number | string;
  generation: number | null;
  flags: number;
  observedMs: number;
  ordinal: number;
}

export interface Life {
  id: number;
  objectId: number;
  uid: string;
  ref: ObjectRef;
  resourceId: number;
  namespaceId: number;
}

export class Objects {
  readonly #interning: Interning;
  readonly #options: HeadRowOptions;
  readonly #lost: ((where: string, error: unknown) => void) | undefined;
  readonly #entries: ObjectEntries;
  readonly #lives = new Recent<number, Life>(20_000);
  readonly #ofNamespace: NamespaceObjects;
  readonly #pages: ObjectPages;
  /** Entries ahead of their head row, by object. */
  readonly #moved = new Map<number, ObjectEntry>();
  readonly #sql;
  readonly #stored: StateRow;
  /** Names looked for in vain: what is seen for the first time is looked for before it is compared, and again as it is appended. */
  readonly #absent = new Set<string>();
  /** Moves whenever all entries are let go of. */
  #generation = 0;
  #recovered = false;
  #through = 0;
  /** The rows that are being written, the last one first; up to which change all rows hold when that is done; the newest at the last batch. */
  #saving: { left: ObjectEntry[]; through: number; lastSeq: number } | undefined;

  /** `lost` is told of what cannot be brought up to its newest change for damage; without it the first of that is thrown. */
  constructor(
    db: Database.Database,
    interning: Interning,
    entriesMax: number,
    options: HeadRowOptions & { lost?: (where: string, error: unknown) => void } = HEAD_ROW_DEFAULTS,
  ) {
    this.#interning = interning;
    this.#options = options;
    this.#lost = options.lost;
    this.#stored = new StateRow(db, HEADS_THROUGH);
    this.#ofNamespace = new NamespaceObjects(db, () => interning.resources({}).map(({ id }) => id));
    this.#pages = new ObjectPages(db, {
      ...{ interning, ofNamespace: this.#ofNamespace, lost: options.lost },
      entryOf: (row) => this.#entry(row),
      movedIn: (namespaceId) => this.#movedIn(namespaceId),
    });
    this.#entries = new ObjectEntries(entriesMax, (entry) => {
      entry.generationOfEntries = LET_GO;
    });
    this.#sql = {
      find: db.prepare<[number, number, string], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE o.resource_id = ? AND o.namespace_id = ? AND o.name = ?`,
      ),
      add: db.prepare<[number, number, string]>(
        'INSERT INTO object (resource_id, namespace_id, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      ),
      idOf: db
        .prepare<[number, number, string], number>(
          'SELECT id FROM object WHERE resource_id = ? AND namespace_id = ? AND name = ?',
        )
        .pluck(),
      addLife: db.prepare<[number, Buffer | string, number]>('INSERT INTO life (object_id, uid, version_id) VALUES (?, ?, ?)'),
      newest: db.prepare<[number], number>('SELECT seq FROM head WHERE object_id = ?').pluck(),
      life: db.prepare<[number], LifeRow>(`${LIFE_COLUMNS} WHERE l.id = ?`),
      someLives: db.prepare<[string], LifeRow>(`${LIFE_COLUMNS} WHERE l.id IN (SELECT value FROM json_each(?))`),
      save: db.prepare(
        `INSERT INTO head (object_id, life_id, seq, rv, generation, deleted, depth, changes, heartbeats, first_ms, last_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (object_id) DO UPDATE SET life_id = excluded.life_id, seq = excluded.seq, rv = excluded.rv,
           generation = excluded.generation, deleted = excluded.deleted, depth = excluded.depth, changes = excluded.changes,
           heartbeats = excluded.heartbeats, last_ms = excluded.last_ms`,
      ),
      byId: db.prepare<[number], EntryRow>(`SELECT ${ENTRY_COLUMNS} WHERE o.id = ?`),
      moved: db.prepare<[number], MovedRow>(
        `SELECT l.object_id AS objectId, c.life_id AS lifeId, c.seq, c.rv, c.generation, c.flags, c.observed_ms AS observedMs, c.ordinal
         FROM change c JOIN life l ON l.id = c.life_id WHERE c.seq > ? ORDER BY c.seq`,
      ),
      behind: db.prepare<[number], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE o.id IN (
           SELECT l.object_id FROM change c JOIN life l ON l.id = c.life_id WHERE c.seq > ?)`,
      ),
      movedObjects: db
        .prepare<[number], number>('SELECT DISTINCT l.object_id FROM change c JOIN life l ON l.id = c.life_id WHERE c.seq > ?')
        .pluck(),
      move: db.prepare(
        `UPDATE head SET life_id = ?, seq = ?, rv = ?, generation = ?, deleted = ?, depth = ?, changes = ?, heartbeats = ?, last_ms = ?
         WHERE object_id = ?`,
      ),
      removeHead: db.prepare<[number]>('DELETE FROM head WHERE object_id = ?'),
      removeLives: db.prepare<[number], number>('DELETE FROM life WHERE object_id = ? RETURNING id').pluck(),
      remove: db.prepare<[number]>('DELETE FROM object WHERE id = ?'),
    };
  }

  /** After a rolled-back transaction: entries may have moved with it, so they are derived again. */
  forget(): void {
    this.#entries.clear();
    this.#generation += 1;
    this.#lives.clear();
    this.#moved.clear();
    this.#saving = undefined;
    this.#absent.clear();
    this.#ofNamespace.forget();
    this.#recovered = false;
  }

  /** `known` is what was found or created under this name before, where that is at hand: as long as it holds nothing is looked up. */
  find(ref: ObjectRef, known?: ObjectEntry): ObjectEntry | undefined {
    if (known?.generationOfEntries === this.#generation) return known;
    this.#recover();
    const cached = this.#entries.get(ref);
    if (cached !== undefined) return cached;
    const key = objectKey(ref);
    if (this.#absent.has(key)) return undefined;
    const namespaceId = this.#interning.namespaceIdIfKnown(ref.namespace);
    const [resource] = this.#interning.resources({ cluster: ref.cluster, group: ref.group, kind: ref.kind });
    if (namespaceId === undefined || resource === undefined) return undefined;
    const row = this.#sql.find.get(resource.id, namespaceId, ref.name);
    if (row === undefined) {
      if (this.#absent.size >= ABSENT_MAX) this.#absent.clear();
      this.#absent.add(key);
      return undefined;
    }
    const entry = this.#entry(row);
    entry.generationOfEntries = this.#generation;
    this.#entries.put(ref, entry);
    return entry;
  }

  /**
   * A name seen for the first time, or one that has lost its head row or its life to damage and goes on with new ones, which is no new object. Life and
   * everything that moves is filled in by the caller, who then saves it.
   */
  create(ref: ObjectRef, observedMs: number): { entry: ObjectEntry; isNew: boolean } {
    const resourceId = this.#interning.resourceId(ref.cluster, ref.group, ref.kind);
    const namespaceId = this.#interning.namespaceId(ref.namespace);
    const added = this.#sql.add.run(resourceId, namespaceId, ref.name);
    const isNew = added.changes > 0;
    const objectId = isNew ? Number(added.lastInsertRowid) : (this.#sql.idOf.get(resourceId, namespaceId, ref.name) as number);
    const nothing = { lifeId: 0, uid: '', seq: 0, rv: 0, generation: null, deleted: false, depth: 0, changes: 0, heartbeats: 0 };
    const standing = { objectId, ref, ...nothing, firstMs: observedMs, lastMs: observedMs };
    const entry = new ObjectEntry(standing, this.#generation);
    this.#absent.delete(objectKey(ref));
    this.#entries.put(ref, entry);
    this.#ofNamespace.added(namespaceId, objectId);
    return { entry, isNew };
  }

  beginLife(entry: ObjectEntry, uid: string, ref: ObjectRef): void {
    const versionId = this.#interning.versionId(ref.version);
    entry.lifeId = Number(this.#sql.addLife.run(entry.objectId, encodeUid(uid), versionId).lastInsertRowid);
    entry.uid = uid;
    entry.ref = ref;
    entry.depth = 0;
  }

  /** Writes the head row now: for a new object, and for what no change tells (a heartbeat). */
  save(entry: ObjectEntry): void {
    const { objectId, lifeId, seq, rv, generation, deleted, depth, changes, heartbeats, firstMs, lastMs } = entry;
    this.#sql.save.run(...[objectId, lifeId, seq, rv, generation, deleted ? 1 : 0, depth, changes, heartbeats, firstMs, lastMs]);
    this.#rowWritten(entry);
  }

  /** The entry has moved by a change that is in the log; its head row can wait. */
  moved(entry: ObjectEntry): void {
    this.#moved.set(entry.objectId, entry);
  }

  /** Writes a row that is there already. */
  #saveMoved(entry: ObjectEntry): void {
    const { objectId, lifeId, seq, rv, generation, deleted, depth, changes, heartbeats, lastMs } = entry;
    const values = [lifeId, seq, rv, generation, deleted ? 1 : 0, depth, changes, heartbeats, lastMs, objectId];
    if (this.#sql.move.run(...values).changes === 0) this.save(entry);
    else this.#rowWritten(entry);
  }

  #rowWritten({ objectId, ref }: ObjectEntry): void {
    this.#moved.delete(objectId);
    this.#ofNamespace.saved(this.#interning.namespaceId(ref.namespace), objectId);
  }

  /** Writes some of the waiting head rows once the log has gone far beyond them; within a transaction. */
  flushDue(newestSeq: number): void {
    // A batch that moves no object has not asked for any: until then it is not known how far the rows hold, nor which wait.
    this.#recover();
    const { behindMax, savedAtOnce } = this.#options;
    if (this.#saving === undefined && newestSeq - this.#through >= behindMax)
      this.#saving = { left: this.#waiting().reverse(), through: newestSeq, lastSeq: newestSeq };
    if (this.#saving === undefined) return;
    const { left, through, lastSeq } = this.#saving;
    // More than can have moved since the last batch, so that those that wait do not become ever more.
    const count = savedAtOnce + 2 * (newestSeq - lastSeq);
    // One that does not wait any more was written meanwhile, or removed.
    for (const entry of left.splice(-count).reverse()) if (this.#moved.get(entry.objectId) === entry) this.#saveMoved(entry);
    this.#saving.lastSeq = newestSeq;
    if (left.length === 0) this.#saved(through);
  }

  /** Writes all of them. */
  flush(newestSeq: number): void {
    this.#recover();
    if (newestSeq === this.#through) return;
    for (const entry of this.#waiting()) this.#saveMoved(entry);
    this.#saved(newestSeq);
  }

  /** By object, as their rows lie. */
  #waiting(): ObjectEntry[] {
    return [...this.#moved.values()].sort((a, b) => a.objectId - b.objectId);
  }

  #saved(through: number): void {
    this.#saving = undefined;
    this.#stored.put(String(through));
    this.#through = through;
  }

  /** To be called before a write transaction: SQLite commits none in which damage is met, though it be done without. */
  ready(): void {
    this.#recover();
  }

  /** Brings the entries up to the newest change. */
  #recover(): void {
    if (this.#recovered) return;
    this.#through = Number(this.#stored.get() ?? 0);
    const behind = this.#behind();
    let damage: unknown;
    for (const row of this.#sql.moved.iterate(this.#through)) {
      try {
        this.#replay(row, behind.get(row.objectId));
      } catch (error) {
        // The others are brought up to theirs all the same: what is appended is linked to where they stand.
        if (this.#lost === undefined) damage ??= error;
        else this.#lost(`object ${row.objectId}`, error);
      }
    }
    // Not before: what is appended to those that an error in between has left behind would be linked to where their rows stood.
    this.#recovered = true;
    if (damage !== undefined) throw damage;
  }

  /** Those that may be behind, as their rows say. Of one whose row cannot be read for damage its changes tell, as they find none. */
  #behind(): Map<number, ObjectEntry> {
    const behind = new Map<number, ObjectEntry>();
    try {
      // All of them at once: asked for one by one they were most of what a start costs after a kill.
      for (const row of this.#sql.behind.iterate(this.#through)) behind.set(row.objectId, this.#entry(row));
      return behind;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    for (const id of this.#sql.movedObjects.all(this.#through)) {
      try {
        const row = this.#sql.byId.get(id);
        if (row !== undefined) behind.set(id, this.#entry(row));
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return behind;
  }

  #replay(row: MovedRow, entry: ObjectEntry | undefined): void {
    if (entry === undefined) throw corruptRecord('an object has no head', `object ${row.objectId}`);
    if (row.seq <= entry.seq) return;
    if (row.lifeId !== entry.lifeId) {
      const life = this.life(row.lifeId);
      if (life === undefined) throw corruptRecord('a change belongs to no life', `change ${row.seq}`);
      entry.uid = life.uid;
      entry.ref = life.ref;
    }
    const { type, record } = decodeFlags(row.flags);
    if (record === 'full') entry.depth = 0;
    if (record === 'patch') entry.depth += 1;
    // Counted by its place and not by rows: retention may have let go of some that the head row did not know of yet.
    entry.changes = row.ordinal;
    entry.seq = row.seq;
    entry.rv = row.rv;
    entry.generation = row.generation;
    entry.lifeId = row.lifeId;
    entry.deleted = type === 'DELETED';
    entry.lastMs = row.observedMs;
    this.#moved.set(row.objectId, entry);
  }

  life(id: number): Life | undefined {
    const known = this.#lives.get(id);
    if (known !== undefined) return known;
    const row = this.#sql.life.get(id);
    return row === undefined ? undefined : this.#lifeOf(row);
  }

  /** Those that are asked for one by one next. */
  lookAtLives(ids: readonly number[]): void {
    const unknown = ids.filter((id) => this.#lives.get(id) === undefined);
    if (unknown.length > 0) for (const row of this.#sql.someLives.iterate(JSON.stringify(unknown))) this.#lifeOf(row);
  }

  #lifeOf(row: LifeRow): Life {
    const { id, objectId, uid, resourceId, namespaceId } = row;
    const life = { id, objectId, uid: decodeUid(uid), ref: this.#ref(row), resourceId, namespaceId };
    this.#lives.set(id, life);
    return life;
  }

  /** The newest change of an object. */
  newestChange(objectId: number): number | undefined {
    this.#recover();
    return this.#moved.get(objectId)?.seq ?? this.#sql.newest.get(objectId);
  }

  /** Forgets an object of which no change is kept any more. */
  remove({ objectId, ref, namespaceId }: Life): void {
    this.#sql.removeHead.run(objectId);
    // Their numbers may be given to others.
    for (const id of this.#sql.removeLives.all(objectId)) this.#lives.delete(id);
    this.#sql.remove.run(objectId);
    this.#entries.delete(ref);
    this.#moved.delete(objectId);
    this.#ofNamespace.forget(namespaceId);
  }

  /** Objects of some resources by rising id, deleted ones too. Those that a time makes out as bygone may be left out. */
  page(query: PageQuery): ObjectEntry[] {
    this.#recover();
    return this.#pages.page(query, this.#through);
  }

  #movedIn(namespaceId: number): number[] {
    const namespace = this.#interning.namespace(namespaceId);
    const ids: number[] = [];
    for (const { objectId, ref } of this.#moved.values()) if (ref.namespace === namespace) ids.push(objectId);
    return ids;
  }

  /** Live objects, read page by page so that the database can be written to meanwhile. */
  *live(resourceId: number, namespaceId: number | undefined): Generator<ObjectEntry> {
    for (let after = 0; ; ) {
      const page = this.page({ resources: [resourceId], namespaceId, name: undefined, after, limit: LIVE_PAGE });
      yield* page.filter((entry) => !entry.deleted);
      const last = page.at(-1);
      if (last === undefined || page.length < LIVE_PAGE) return;
      after = last.objectId;
    }
  }

  #entry(row: EntryRow): ObjectEntry {
    const moved = this.#moved.get(row.objectId);
    if (moved !== undefined) return moved;
    const { objectId, lifeId, seq, rv, generation, depth, changes, heartbeats, firstMs, lastMs } = row;
    const [ref, uid] = [this.#ref(row), decodeUid(row.uid)];
    // Who lists objects asks for their states next.
    const { resourceId, namespaceId } = row;
    if (this.#lives.get(lifeId) === undefined)
      this.#lives.set(lifeId, { id: lifeId, objectId, uid, ref, resourceId, namespaceId });
    const numbers = { objectId, lifeId, seq, rv, generation, depth, changes, heartbeats, firstMs, lastMs };
    return new ObjectEntry({ ...numbers, ref, uid, deleted: row.deleted !== 0 }, LET_GO);
  }

  #ref(row: { resourceId: number; namespaceId: number; name: string; versionId: number }): ObjectRef {
    const { cluster, group, kind } = this.#interning.resource(row.resourceId);
    const version = this.#interning.version(row.versionId);
    return { cluster, group, version, kind, namespace: this.#interning.namespace(row.namespaceId), name: row.name };
  }
}
