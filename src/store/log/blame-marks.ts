/**
 * Marks in long histories: which change set each field of an object, as of every `changesPerMark`th of its changes. Blame walks back to the nearest
 * mark and no further, however long the history is. A mark that was not made, as the process ended first, costs the way to the one before.
 */
import type Database from 'better-sqlite3';
import type { KnownBlame } from '../../domain/blame.ts';
import type { FieldPath } from '../../domain/field-path.ts';
import type { Derived } from '../derived.ts';
import { compress, decompress } from '../pack/block-codec.ts';
import { StateRow } from '../pack/state-row.ts';
import { corruptRecord } from '../store-errors.ts';

export interface BlameMarkOptions {
  changesPerMark: number;
}

export const BLAME_MARK_DEFAULTS: BlameMarkOptions = { changesPerMark: 256 };

const COMPRESSION_LEVEL = 9;
/** Marks waiting to be made; more than this are left out. */
const DUE_MAX = 10_000;
/** Changes gone through at once for those whose marks are to be made again. */
const SEQS_PER_LOOK = 4_096;

export class BlameMarks {
  readonly #options: BlameMarkOptions;
  readonly #derived: Derived;
  readonly #sql;
  /** How far those are made again that were lost, and up to where: two numbers. */
  readonly #again: StateRow;
  #isWhole = false;
  /** By object: the change whose state is to be marked. */
  readonly #due = new Map<number, number>();

  constructor(db: Database.Database, derived: Derived, options: BlameMarkOptions) {
    this.#options = options;
    this.#derived = derived;
    this.#again = new StateRow(db, 'store/blame-marks-again');
    this.#sql = {
      put: db.prepare<[number, number, Buffer]>('INSERT OR REPLACE INTO blame_mark (object_id, seq, data) VALUES (?, ?, ?)'),
      upTo: db.prepare<[number, number], { seq: number; data: Buffer }>(
        'SELECT seq, data FROM blame_mark WHERE object_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
      ),
      nextMarked: db.prepare<[number, number, number], { objectId: number; seq: number }>(
        `SELECT l.object_id AS objectId, c.seq FROM change c JOIN life l ON l.id = c.life_id
         WHERE c.seq > ? AND c.seq <= ? AND c.ordinal % ? = 0 ORDER BY c.seq LIMIT 1`,
      ),
      forgetReleased: db.prepare<[number]>(
        'DELETE FROM blame_mark WHERE object_id = ? AND NOT EXISTS (SELECT 1 FROM change c WHERE c.seq = blame_mark.seq)',
      ),
    };
  }

  forget(): void {
    this.#due.clear();
    this.#isWhole = false;
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
    this.#derived.use('blame_mark', () => {
      this.#sql.put.run(objectId, seq, compress(Buffer.from(text, 'utf8'), COMPRESSION_LEVEL));
      this.#sql.forgetReleased.run(objectId);
    });
  }

  /** Of marks that were lost: the next one to be made, oldest first, as each builds on the one before it. Undefined where none were, or all are made. */
  again(): { objectId: number; seq: number } | 'looked' | undefined {
    const [after = 0, through = 0] = this.#isWhole ? [] : (this.#again.get() ?? '').split(' ').map(Number);
    if (after >= through) {
      this.#isWhole = true;
      return undefined;
    }
    const upTo = Math.min(after + SEQS_PER_LOOK, through);
    const next = this.#sql.nextMarked.get(after, upTo, this.#options.changesPerMark);
    this.#again.put(`${next?.seq ?? upTo} ${through}`);
    return next ?? 'looked';
  }

  /** The newest mark up to a change; none where it cannot be read for damage. */
  upTo(objectId: number, seq: number): (KnownBlame & { seq: number }) | undefined {
    return this.#derived.read('blame_mark', () => this.#read(objectId, seq), undefined);
  }

  #read(objectId: number, seq: number): (KnownBlame & { seq: number }) | undefined {
    const row = this.#sql.upTo.get(objectId, seq);
    return row === undefined ? undefined : { seq: row.seq, ...decodeBlameMark(row) };
  }
}

/** Throws STORE_CORRUPT. */
export function decodeBlameMark({ seq, data }: { seq: number; data: Buffer }): KnownBlame {
  try {
    const [age, ages] = JSON.parse(decompress(data).toString('utf8')) as [number, Record<FieldPath, number>];
    const fields = new Map(Object.entries(ages).map(([path, fieldAge]) => [path, seq - fieldAge]));
    return { fields, others: seq - age };
  } catch (error) {
    throw corruptRecord('a mark of who set which field does not decode', `blame_mark of change ${seq}`, error);
  }
}
