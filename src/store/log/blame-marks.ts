/**
 * Marks in long histories: which change set each field of an object, as of every `changesPerMark`th of its changes. Blame walks back to the nearest
 * mark and no further, however long the history is. A mark that was not made, as the process ended first, costs the way to the one before.
 */
import type Database from 'better-sqlite3';
import type { KnownBlame } from '../../domain/blame.ts';
import type { FieldPath } from '../../domain/field-path.ts';
import { compress, decompress } from '../pack/block-codec.ts';

export interface BlameMarkOptions {
  changesPerMark: number;
}

export const BLAME_MARK_DEFAULTS: BlameMarkOptions = { changesPerMark: 256 };

const COMPRESSION_LEVEL = 9;
/** Marks waiting to be made; more than this are left out. */
const DUE_MAX = 10_000;

export class BlameMarks {
  readonly #options: BlameMarkOptions;
  readonly #sql;
  /** By object: the change whose state is to be marked. */
  readonly #due = new Map<number, number>();

  constructor(db: Database.Database, options: BlameMarkOptions) {
    this.#options = options;
    this.#sql = {
      put: db.prepare<[number, number, Buffer]>('INSERT OR REPLACE INTO blame_mark (object_id, seq, data) VALUES (?, ?, ?)'),
      upTo: db.prepare<[number, number], { seq: number; data: Buffer }>(
        'SELECT seq, data FROM blame_mark WHERE object_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
      ),
      forgetReleased: db.prepare<[number]>(
        'DELETE FROM blame_mark WHERE object_id = ? AND NOT EXISTS (SELECT 1 FROM change c WHERE c.seq = blame_mark.seq)',
      ),
    };
  }

  forget(): void {
    this.#due.clear();
  }

  /** To be told of every change that is appended, and which one of its object it is. */
  added(objectId: number, ordinal: number, seq: number): void {
    if (ordinal % this.#options.changesPerMark === 0 && this.#due.size < DUE_MAX) this.#due.set(objectId, seq);
  }

  /** Takes some of the marks that are to be made. */
  due(limit: number): { objectId: number; seq: number }[] {
    const due = [...this.#due].slice(0, limit).map(([objectId, seq]) => ({ objectId, seq }));
    for (const { objectId } of due) this.#due.delete(objectId);
    return due;
  }

  /** `fields` are all fields of the state. */
  put(objectId: number, seq: number, fields: readonly { path: FieldPath; seq: number }[]): void {
    const others = fields.reduce((oldest, field) => Math.min(oldest, field.seq), seq);
    const ages = Object.fromEntries(fields.filter((field) => field.seq !== others).map((field) => [field.path, seq - field.seq]));
    const text = JSON.stringify([seq - others, ages]);
    this.#sql.put.run(objectId, seq, compress(Buffer.from(text, 'utf8'), COMPRESSION_LEVEL));
    this.#sql.forgetReleased.run(objectId);
  }

  /** The newest mark up to a change. */
  upTo(objectId: number, seq: number): (KnownBlame & { seq: number }) | undefined {
    const row = this.#sql.upTo.get(objectId, seq);
    if (row === undefined) return undefined;
    const [age, ages] = JSON.parse(decompress(row.data).toString('utf8')) as [number, Record<FieldPath, number>];
    const fields = new Map(Object.entries(ages).map(([path, fieldAge]) => [path, row.seq - fieldAge]));
    return { seq: row.seq, fields, others: row.seq - age };
  }
}
