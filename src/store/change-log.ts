/** The rows of changes: what happened when and by whom, without states. Rows are added and read, never changed. */
import type Database from 'better-sqlite3';

export interface ChangeRow {
  seq: number;
  lifeId: number;
  /** See row-codec. */
  flags: number;
  observedMs: number;
  rv: number | string;
  generation: number | null;
  actorSetId: number;
  pathsetId: number | null;
}

export const CHANGE_COLUMNS = `c.seq, c.life_id AS lifeId, c.flags, c.observed_ms AS observedMs, c.rv, c.generation,
  c.actor_set_id AS actorSetId, c.pathset_id AS pathsetId`;

export class ChangeLog {
  readonly #sql;
  #newest: number | undefined;

  constructor(db: Database.Database) {
    this.#sql = {
      add: db.prepare(
        `INSERT INTO change (seq, life_id, flags, observed_ms, rv, generation, actor_set_id, pathset_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      newest: db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck(),
      row: db.prepare<[number], ChangeRow>(`SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq = ?`),
      after: db.prepare<[number, number], ChangeRow>(
        `SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq > ? ORDER BY c.seq LIMIT ?`,
      ),
      chain: db.prepare<[number, number, number], { seq: number; flags: number }>(
        'SELECT seq, flags FROM change WHERE life_id = ? AND seq <= ? ORDER BY seq DESC LIMIT ?',
      ),
      ofVersion: db.prepare<[number, number, number | string], ChangeRow>(
        `SELECT * FROM (SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.life_id = ? ORDER BY c.seq DESC LIMIT ?) WHERE rv = ? LIMIT 1`,
      ),
      newestOf: db.prepare<[number, number, number, number], ChangeRow>(
        `SELECT * FROM (SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.life_id = ? ORDER BY c.seq DESC LIMIT ?)
         WHERE observedMs BETWEEN ? AND ?`,
      ),
      before: db.prepare<[number, number, number], ChangeRow>(
        `SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.life_id = ? AND c.seq <= ? AND c.observed_ms <= ? ORDER BY c.seq DESC LIMIT 1`,
      ),
    };
  }

  forget(): void {
    this.#newest = undefined;
  }

  /** The newest seq given; 0 before the first. */
  newest(): number {
    this.#newest ??= this.#sql.newest.get() ?? 0;
    return this.#newest;
  }

  /** Appends a row under the next seq, which it returns. */
  add(row: Omit<ChangeRow, 'seq'>): number {
    const seq = this.newest() + 1;
    const { lifeId, flags, observedMs, rv, generation, actorSetId, pathsetId } = row;
    this.#sql.add.run(...[seq, lifeId, flags, observedMs, rv, generation, actorSetId, pathsetId]);
    this.#newest = seq;
    return seq;
  }

  row(seq: number): ChangeRow | undefined {
    return this.#sql.row.get(seq);
  }

  after(seq: number, limit: number): ChangeRow[] {
    return this.#sql.after.all(seq, limit);
  }

  /** The newest `limit` changes of a life up to `seq`, newest first. */
  chain(lifeId: number, seq: number, limit: number): { seq: number; flags: number }[] {
    return this.#sql.chain.all(lifeId, seq, limit);
  }

  /** The change of a life that led to a resourceVersion, if it is among the newest `limit`. */
  ofVersion(lifeId: number, rv: number | string, limit: number): ChangeRow | undefined {
    return this.#sql.ofVersion.get(lifeId, limit, rv);
  }

  /** Those of the newest `limit` changes of a life that were observed within a time, newest first. */
  newestWithin(lifeId: number, fromMs: number, toMs: number, limit: number): ChangeRow[] {
    return this.#sql.newestOf.all(lifeId, limit, fromMs, toMs);
  }

  /** The newest change of a life with a seq up to `seqMax` that was observed by `atMs`. */
  newestBy(lifeId: number, seqMax: number, atMs: number): ChangeRow | undefined {
    return this.#sql.before.get(lifeId, seqMax, atMs);
  }
}
