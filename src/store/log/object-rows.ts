/** An object as its rows tell it: its name, the life it is in, and where it stands. */
export interface EntryRow {
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

/** What is read as an `EntryRow`, of the tables `o` (object), `h` (head) and `l` (life). */
export const ENTRY_COLUMNS = `
  o.id AS objectId, o.resource_id AS resourceId, o.namespace_id AS namespaceId, o.name, h.life_id AS lifeId, l.uid,
  l.version_id AS versionId, h.seq, h.rv, h.generation, h.deleted, h.depth, h.changes, h.heartbeats,
  h.first_ms AS firstMs, h.last_ms AS lastMs
  FROM object o JOIN head h ON h.object_id = o.id JOIN life l ON l.id = h.life_id`;
