/** Where each object stands, from its changes. What no change tells (heartbeats, the first time of what is no longer kept) is taken from what can be read of the rows before. */
import type Database from 'better-sqlite3';
import { isDamage } from '../containment.ts';
import { decodeFlags } from '../pack/row-codec.ts';

/** Of a row of `head` that was there: what no change tells. */
interface Kept {
  seq: number;
  rv: number | string;
  heartbeats: number;
  firstMs: number;
}

interface MovedRow {
  seq: number;
  objectId: number;
  lifeId: number;
  flags: number;
  observedMs: number;
  rv: number | string;
  generation: number | null;
  ordinal: number;
}

type Standing = MovedRow & { depth: number; firstMs: number };

/** Of each object; those whose row cannot be read are left out. To be read before the rows are set aside, in no write transaction. */
export function keptOfHeads(db: Database.Database): Map<number, Kept> {
  const row = db.prepare<[number], Kept>('SELECT seq, rv, heartbeats, first_ms AS firstMs FROM head WHERE object_id = ?');
  const kept = new Map<number, Kept>();
  for (const objectId of db.prepare<[], number>('SELECT id FROM object NOT INDEXED ORDER BY id').pluck().iterate()) {
    try {
      const found = row.get(objectId);
      if (found !== undefined) kept.set(objectId, found);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return kept;
}

/** Fills an empty `head`; within a transaction. */
export function fillHeads(db: Database.Database, kept: ReadonlyMap<number, Kept>): void {
  const standings = standingsOf(db);
  const add = db.prepare(
    `INSERT INTO head (object_id, life_id, seq, rv, generation, deleted, depth, changes, heartbeats, first_ms, last_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const [objectId, at] of [...standings].sort(([a], [b]) => a - b)) {
    const before = kept.get(objectId);
    const rv = before?.seq === at.seq ? before.rv : at.rv;
    const deleted = decodeFlags(at.flags).type === 'DELETED' ? 1 : 0;
    const firstMs = before?.firstMs ?? at.firstMs;
    add.run(
      objectId,
      at.lifeId,
      at.seq,
      rv,
      at.generation,
      deleted,
      at.depth,
      at.ordinal,
      before?.heartbeats ?? 0,
      firstMs,
      at.observedMs,
    );
  }
  forgetUnheaded(db);
  db.prepare(
    `INSERT OR REPLACE INTO small_state (key, value) SELECT 'store/heads-through', CAST(coalesce(max(seq), 0) AS TEXT) FROM change`,
  ).run();
}

/**
 * Objects of which no change is left, as retention does: under a name that is there and stands nowhere nothing could be recorded any more. Lives of which
 * the object is lost stay, as changes may be of them.
 */
function forgetUnheaded(db: Database.Database): void {
  db.exec('DELETE FROM life WHERE object_id IN (SELECT id FROM object) AND object_id NOT IN (SELECT object_id FROM head)');
  db.exec('DELETE FROM object WHERE id NOT IN (SELECT object_id FROM head)');
}

/** The newest change of each object that is there, and how many patches it is away from a full state. */
function standingsOf(db: Database.Database): Map<number, Standing> {
  const rows = db.prepare<[], MovedRow>(
    `SELECT c.seq, l.object_id AS objectId, c.life_id AS lifeId, c.flags, c.observed_ms AS observedMs, c.rv, c.generation, c.ordinal
     FROM change c JOIN life l ON l.id = c.life_id JOIN object o ON o.id = l.object_id ORDER BY c.seq`,
  );
  const standings = new Map<number, Standing>();
  for (const row of rows.iterate()) {
    const before = standings.get(row.objectId);
    const { record } = decodeFlags(row.flags);
    const base = before?.lifeId === row.lifeId ? before.depth : 0;
    const depth = record === 'full' ? 0 : record === 'patch' ? base + 1 : base;
    standings.set(row.objectId, { ...row, depth, firstMs: before?.firstMs ?? row.observedMs });
  }
  return standings;
}
