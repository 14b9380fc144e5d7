/**
 * Marks in long histories: which change set each field of an object, as of every `changesPerMark`th of its changes. Blame walks back to the nearest
 * mark and no further, however long the history is. A mark that was not made, as the process ended first, costs the way to the one before.
 */
import type Database from 'better-sqlite3';
import type { BlamedField, KnownBlame } from '../../domain/blame.ts';
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

/** Finds out who set each field of an object as of a change, piece by piece. */
export type FieldsOf = (objectId: number, seq: number) => Iterator<undefined, BlamedField[]>;

interface UnderWay {
  objectId: number;
  seq: number;
  pieces: ReturnType<FieldsOf>;
}

export class BlameMarks {
  readonly #db: Database.Database;
  readonly #options: BlameMarkOptions;
  readonly #derived: Derived;
  readonly #sql;
  /** How far those are made again that were lost, and up to where: two numbers. */
  readonly #progress: StateRow;
  #isWhole = false;
  /** By object: the change whose state is to be marked. */
  readonly #due = new Map<number, number>();
  /** The mark that is being made. */
  #underWay: UnderWay | undefined;

  constructor(db: Database.Database, derived: Derived, options: BlameMarkOptions) {
    this.#db = db;
    this.#options = options;
    this.#derived = derived;
    this.#progress = new StateRow(db, 'store/blame-marks-again');
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
    this.#underWay = undefined;
  }

  /** Changes were let go of: what was found out so far about an object may not be true any more. */
  released(): void {
    if (this.#underWay === undefined) return;
    const { objectId, seq } = this.#underWay;
    this.#underWay = undefined;
    if (!this.#due.has(objectId)) this.#due.set(objectId, seq);
  }

  /** To be told of every change that is appended, and which one of its object it is. */
  added(objectId: number, ordinal: number, seq: number): void {
    if (ordinal % this.#options.changesPerMark === 0 && this.#due.size < DUE_MAX) this.#due.set(objectId, seq);
  }

  /** Does a piece of making the next mark; false when none is due. What cannot be found out is left as it is. */
  step(fieldsOf: FieldsOf): boolean {
    const underWay = this.#underWay ?? this.#next(fieldsOf);
    if (underWay === undefined) return false;
    if (underWay === 'looked') return true;
    const { objectId, seq, pieces } = underWay;
    // One that fails is not begun again.
    this.#underWay = undefined;
    const { done, value: fields } = pieces.next();
    if (done !== true) {
      this.#underWay = underWay;
      return true;
    }
    const certain = fields.flatMap((field) => (field.seq === undefined ? [] : [{ path: field.path, seq: field.seq }]));
    if (certain.length > 0 && certain.length === fields.length)
      this.#db.transaction(() => this.#put(objectId, seq, certain)).immediate();
    return true;
  }

  #next(fieldsOf: FieldsOf): UnderWay | 'looked' | undefined {
    const [first] = this.#due;
    if (first !== undefined) this.#due.delete(first[0]);
    const next = first === undefined ? this.#again() : { objectId: first[0], seq: first[1] };
    return next === undefined || next === 'looked' ? next : { ...next, pieces: fieldsOf(next.objectId, next.seq) };
  }

  /** `fields` are all fields of the state. */
  #put(objectId: number, seq: number, fields: readonly { path: FieldPath; seq: number }[]): void {
    const others = fields.reduce((oldest, field) => Math.min(oldest, field.seq), seq);
    const ages = Object.fromEntries(fields.filter((field) => field.seq !== others).map((field) => [field.path, seq - field.seq]));
    const text = JSON.stringify([seq - others, ages]);
    this.#derived.use('blame_mark', () => {
      this.#sql.put.run(objectId, seq, compress(Buffer.from(text, 'utf8'), COMPRESSION_LEVEL));
      this.#sql.forgetReleased.run(objectId);
    });
  }

  /** Of marks that were lost: the next one to be made, oldest first, as each builds on the one before it. Undefined where none were, or all are made. */
  #again(): { objectId: number; seq: number } | 'looked' | undefined {
    const [after = 0, through = 0] = this.#isWhole ? [] : (this.#progress.get() ?? '').split(' ').map(Number);
    if (after >= through) {
      this.#isWhole = true;
      return undefined;
    }
    const upTo = Math.min(after + SEQS_PER_LOOK, through);
    const next = this.#sql.nextMarked.get(after, upTo, this.#options.changesPerMark);
    this.#progress.put(`${next?.seq ?? upTo} ${through}`);
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
