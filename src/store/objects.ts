/** Objects by name, their lives by uid, and where each stands now. */
import type Database from 'better-sqlite3';
import { type ObjectRef, objectKey } from '../domain/object-ref.ts';
import type { Interning } from './interning.ts';
import { Lru } from './lru.ts';
import { decodeUid, encodeUid } from './row-codec.ts';

/** What is known of an object apart from its state. Mutable: `save` writes it. */
export interface ObjectEntry {
  objectId: number;
  ref: ObjectRef;
  lifeId: number;
  uid: string;
  /** Newest change. */
  seq: number;
  /** Newest resourceVersion, heartbeats included; as stored (see row-codec). */
  rv: number | string;
  generation: number | null;
  deleted: boolean;
  /** Patches since the last full state. */
  depth: number;
  changes: number;
  heartbeats: number;
  firstMs: number;
  lastMs: number;
}

interface EntryRow {
  objectId: number;
  resourceId: number;
  namespaceId: number;
  name: string;
  lifeId: number;
  uid: Buffer | string;
  versionId: number;
  seq: number;
  rv: number | string;
  generation: number | null;
  deleted: number;
  depth: number;
  changes: number;
  heartbeats: number;
  firstMs: number;
  lastMs: number;
}

const ENTRY_COLUMNS = `
  o.id AS objectId, o.resource_id AS resourceId, o.namespace_id AS namespaceId, o.name, h.life_id AS lifeId, l.uid,
  l.version_id AS versionId, h.seq, h.rv, h.generation, h.deleted, h.depth, h.changes, h.heartbeats,
  h.first_ms AS firstMs, h.last_ms AS lastMs
  FROM object o JOIN head h ON h.object_id = o.id JOIN life l ON l.id = h.life_id`;

export interface Life {
  id: number;
  objectId: number;
  uid: string;
  ref: ObjectRef;
  resourceId: number;
}

export class Objects {
  readonly #interning: Interning;
  readonly #entries: Lru<string, ObjectEntry>;
  readonly #lives = new Lru<number, Life>(20_000);
  readonly #sql;

  constructor(db: Database.Database, interning: Interning, entriesMax: number) {
    this.#interning = interning;
    this.#entries = new Lru(entriesMax);
    this.#sql = {
      find: db.prepare<[number, number, string], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE o.resource_id = ? AND o.namespace_id = ? AND o.name = ?`,
      ),
      add: db.prepare<[number, number, string]>('INSERT INTO object (resource_id, namespace_id, name) VALUES (?, ?, ?)'),
      addLife: db.prepare<[number, Buffer | string, number]>('INSERT INTO life (object_id, uid, version_id) VALUES (?, ?, ?)'),
      lives: db.prepare<[number], number>('SELECT id FROM life WHERE object_id = ?').pluck(),
      life: db.prepare<[number], Pick<EntryRow, 'objectId' | 'uid' | 'versionId' | 'resourceId' | 'namespaceId' | 'name'>>(
        `SELECT l.object_id AS objectId, l.uid, l.version_id AS versionId, o.resource_id AS resourceId,
           o.namespace_id AS namespaceId, o.name
         FROM life l JOIN object o ON o.id = l.object_id WHERE l.id = ?`,
      ),
      save: db.prepare(
        `INSERT INTO head (object_id, life_id, seq, rv, generation, deleted, depth, changes, heartbeats, first_ms, last_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (object_id) DO UPDATE SET life_id = excluded.life_id, seq = excluded.seq, rv = excluded.rv,
           generation = excluded.generation, deleted = excluded.deleted, depth = excluded.depth, changes = excluded.changes,
           heartbeats = excluded.heartbeats, last_ms = excluded.last_ms`,
      ),
      page: db.prepare<[string, number | null, string | null, number, number], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE o.resource_id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR o.namespace_id = ?2)
           AND (?3 IS NULL OR o.name = ?3) AND o.id > ?4 ORDER BY o.id LIMIT ?5`,
      ),
      liveOfResource: db.prepare<[number, number, number], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE o.resource_id = ? AND o.id > ? AND h.deleted = 0 ORDER BY o.id LIMIT ?`,
      ),
      liveOfNamespace: db.prepare<[number, number, number, number], EntryRow>(
        `SELECT ${ENTRY_COLUMNS} WHERE o.resource_id = ? AND o.namespace_id = ? AND o.id > ? AND h.deleted = 0
         ORDER BY o.id LIMIT ?`,
      ),
    };
  }

  forget(): void {
    this.#entries.clear();
    this.#lives.clear();
  }

  find(ref: ObjectRef): ObjectEntry | undefined {
    const key = objectKey(ref);
    const cached = this.#entries.get(key);
    if (cached !== undefined) return cached;
    const namespaceId = this.#interning.namespaceIdIfKnown(ref.namespace);
    const [resource] = this.#interning.resources({ cluster: ref.cluster, group: ref.group, kind: ref.kind });
    if (namespaceId === undefined || resource === undefined) return undefined;
    const row = this.#sql.find.get(resource.id, namespaceId, ref.name);
    if (row === undefined) return undefined;
    const entry = this.#entry(row);
    this.#entries.set(key, entry);
    return entry;
  }

  /** A name seen for the first time; its life and everything that moves is filled in by the caller, who then saves it. */
  create(ref: ObjectRef, observedMs: number): ObjectEntry {
    const resourceId = this.#interning.resourceId(ref.cluster, ref.group, ref.kind);
    const namespaceId = this.#interning.namespaceId(ref.namespace);
    const objectId = Number(this.#sql.add.run(resourceId, namespaceId, ref.name).lastInsertRowid);
    const nothing = { lifeId: 0, uid: '', seq: 0, rv: 0, generation: null, deleted: false, depth: 0, changes: 0, heartbeats: 0 };
    const entry: ObjectEntry = { objectId, ref, ...nothing, firstMs: observedMs, lastMs: observedMs };
    this.#entries.set(objectKey(ref), entry);
    return entry;
  }

  beginLife(entry: ObjectEntry, uid: string, ref: ObjectRef): void {
    const versionId = this.#interning.versionId(ref.version);
    entry.lifeId = Number(this.#sql.addLife.run(entry.objectId, encodeUid(uid), versionId).lastInsertRowid);
    entry.uid = uid;
    entry.ref = ref;
    entry.depth = 0;
  }

  save(entry: ObjectEntry): void {
    const { objectId, lifeId, seq, rv, generation, deleted, depth, changes, heartbeats, firstMs, lastMs } = entry;
    this.#sql.save.run(
      ...[objectId, lifeId, seq, rv, generation, deleted ? 1 : 0, depth, changes, heartbeats, firstMs, lastMs],
    );
  }

  life(id: number): Life | undefined {
    let life = this.#lives.get(id);
    if (life === undefined) {
      const row = this.#sql.life.get(id);
      if (row === undefined) return undefined;
      life = { id, objectId: row.objectId, uid: decodeUid(row.uid), ref: this.#ref(row), resourceId: row.resourceId };
      this.#lives.set(id, life);
    }
    return life;
  }

  livesOf(objectId: number): number[] {
    return this.#sql.lives.all(objectId);
  }

  /** Objects of some resources by rising id, deleted ones too. */
  page(query: {
    resources: number[];
    namespaceId: number | undefined;
    name: string | undefined;
    after: number;
    limit: number;
  }): ObjectEntry[] {
    const { resources, namespaceId, name, after, limit } = query;
    const rows = this.#sql.page.all(JSON.stringify(resources), namespaceId ?? null, name ?? null, after, limit);
    return rows.map((row) => this.#entry(row));
  }

  /** Live objects, read page by page so that the database can be written to meanwhile. */
  *live(resourceId: number, namespaceId: number | undefined): Generator<ObjectEntry> {
    const pageMax = 1_000;
    for (let after = 0; ; ) {
      const rows =
        namespaceId === undefined
          ? this.#sql.liveOfResource.all(resourceId, after, pageMax)
          : this.#sql.liveOfNamespace.all(resourceId, namespaceId, after, pageMax);
      for (const row of rows) yield this.#entry(row);
      if (rows.length < pageMax) return;
      after = rows.at(-1)?.objectId ?? after;
    }
  }

  #entry(row: EntryRow): ObjectEntry {
    const { objectId, lifeId, seq, rv, generation, depth, changes, heartbeats, firstMs, lastMs } = row;
    return {
      ...{ objectId, lifeId, seq, rv, generation, depth, changes, heartbeats, firstMs, lastMs },
      ref: this.#ref(row),
      uid: decodeUid(row.uid),
      deleted: row.deleted !== 0,
    };
  }

  #ref(row: { resourceId: number; namespaceId: number; name: string; versionId: number }): ObjectRef {
    const { cluster, group, kind } = this.#interning.resource(row.resourceId);
    const version = this.#interning.version(row.versionId);
    return { cluster, group, version, kind, namespace: this.#interning.namespace(row.namespaceId), name: row.name };
  }
}
