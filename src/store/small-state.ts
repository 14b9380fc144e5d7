/** Cursors, totals, rejects, key-value state and the model's snapshots: the small tables. */
import type Database from 'better-sqlite3';
import type { Containment } from './containment.ts';
import { STATE_GET, STATE_PUT } from './pack/state-row.ts';
import type { ValueSeal } from './seal/value-seal.ts';
import type { Reject } from './store.ts';

/** Rejects kept for reading; all are counted. */
const REJECTS_MAX = 1_000;

export type Total =
  | 'changes'
  | 'objects'
  | 'heartbeats'
  | 'amendments'
  | 'findings'
  | 'pages'
  | 'rejects'
  | 'samples'
  | 'samplesDropped'
  | 'kubeEvents'
  | 'released';

export class SmallState {
  readonly #seal: ValueSeal;
  readonly #containment: Containment;
  readonly #sql;

  constructor(db: Database.Database, seal: ValueSeal, containment: Containment) {
    this.#seal = seal;
    this.#containment = containment;
    this.#sql = {
      cursor: db.prepare<[string], string>('SELECT position FROM cursor WHERE name = ?').pluck(),
      cursors: db.prepare<[number, string], { name: string; position: string }>(
        'SELECT name, position FROM cursor WHERE substr(name, 1, ?) = ? ORDER BY name',
      ),
      cursorPut: db.prepare<[string, string]>(
        'INSERT INTO cursor (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position',
      ),
      tally: db.prepare<[string, number]>(
        'INSERT INTO tally (name, total) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET total = total + excluded.total',
      ),
      totals: db.prepare<[], { name: Total; total: number }>('SELECT name, total FROM tally'),
      rejectAdd: db.prepare<[string, string, string, string, number]>(
        'INSERT INTO reject (cluster, code, place, what, observed_ms) VALUES (?, ?, ?, ?, ?)',
      ),
      rejectTrim: db.prepare<[number]>('DELETE FROM reject WHERE id <= (SELECT max(id) FROM reject) - ?'),
      rejects: db.prepare<[number], Reject>(
        `SELECT cluster, code, place AS "where", what, observed_ms AS observedMs FROM reject ORDER BY id DESC LIMIT ?`,
      ),
      state: db.prepare<[string], string>(STATE_GET).pluck(),
      statePut: db.prepare<[string, string]>(STATE_PUT),
      stateDelete: db.prepare<[string]>('DELETE FROM small_state WHERE key = ?'),
      snapshot: db.prepare<[string], { version: number; seq: number; data: Buffer }>(
        'SELECT version, seq, data FROM snapshot WHERE name = ?',
      ),
      snapshotPut: db.prepare<[string, number, number, Uint8Array]>(
        `INSERT INTO snapshot (name, version, seq, data) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version, seq = excluded.seq, data = excluded.data`,
      ),
    };
  }

  cursor(name: string): string | undefined {
    return this.#containment.read('cursor', () => this.#sql.cursor.get(name), undefined);
  }
  cursors(prefix: string): Record<string, string> {
    // SQLite counts characters where JavaScript counts code units.
    const rows = this.#containment.read('cursor', () => this.#sql.cursors.all([...prefix].length, prefix), []);
    return Object.fromEntries(rows.map(({ name, position }) => [name, position]));
  }
  putCursors(cursors: Record<string, string> | undefined): void {
    for (const [name, position] of Object.entries(cursors ?? {}))
      this.#containment.write('cursor', () => void this.#sql.cursorPut.run(name, position), undefined);
  }

  count(name: Total, more: number): void {
    if (more !== 0) this.#containment.write('tally', () => void this.#sql.tally.run(name, more), undefined);
  }
  totals(): Partial<Record<Total, number>> {
    const totals = this.#containment.read('tally', () => this.#sql.totals.all(), []);
    return Object.fromEntries(totals.map(({ name, total }) => [name, total]));
  }

  addRejects(rejects: readonly Reject[]): void {
    if (rejects.length === 0) return;
    for (const { cluster, code, where, what, observedMs } of rejects)
      this.#sql.rejectAdd.run(cluster, code, where, what, observedMs);
    this.#sql.rejectTrim.run(REJECTS_MAX);
    this.count('rejects', rejects.length);
  }
  /** Newest first. */
  rejects(limit: number): Reject[] {
    return this.#sql.rejects.all(limit);
  }

  get(key: string): string | undefined {
    return this.#sql.state.get(key);
  }
  put(key: string, value: string): void {
    this.#sql.statePut.run(key, value);
  }
  delete(key: string): void {
    this.#sql.stateDelete.run(key);
  }

  snapshot(name: string): { version: number; seq: number; blob: Uint8Array } | undefined {
    const row = this.#sql.snapshot.get(name);
    return row === undefined
      ? undefined
      : { version: row.version, seq: row.seq, blob: new Uint8Array(this.#seal.open(row.data)) };
  }
  putSnapshot(name: string, snapshot: { version: number; seq: number; blob: Uint8Array }): void {
    this.#sql.snapshotPut.run(name, snapshot.version, snapshot.seq, this.#seal.seal(Buffer.from(snapshot.blob)));
  }
}
