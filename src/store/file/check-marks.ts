/** Marks, against the changes: which change of each object was the newest at a place in the log, and which one set each field. */
import type Database from 'better-sqlite3';
import { decodeBlameMark } from '../log/blame-marks.ts';
import { decodeMark, OBJECTS_PER_CHUNK } from '../log/newest-marks.ts';
import type { CheckReport } from './check-report.ts';

const NONE = 0;

export class MarkCheck {
  readonly #db: Database.Database;
  readonly #report: CheckReport;
  readonly #isKept: Database.Statement<[number], 1>;
  /** The newest change of each object, as far as the log was gone through. */
  readonly #newest = new Map<number, number>();
  /** The places with marks that are still to come, the next one last. */
  readonly #places: number[];
  /** The place for which marks are being made, so that some are missing yet. */
  readonly #unfinished: number | undefined;

  constructor(db: Database.Database, report: CheckReport) {
    this.#db = db;
    this.#report = report;
    this.#isKept = db.prepare<[number], 1>('SELECT 1 FROM change WHERE seq = ?').pluck();
    const places = db.prepare<[], number>('SELECT DISTINCT through_seq FROM newest_mark ORDER BY through_seq DESC').pluck();
    this.#places = report.attempt('marks', 'newest_mark', () => places.all()) ?? [];
    const progress = db.prepare<[], string>(`SELECT value FROM small_state WHERE key = 'store/newestMarks'`).pluck();
    const stored = report.attempt('marks', 'store/newestMarks', () => JSON.parse(progress.get() ?? '{}')) as {
      target?: number;
    } | null;
    this.#unfinished = stored?.target;
  }

  /** To be told of every change by rising seq. */
  take(seq: number, objectId: number): void {
    while ((this.#places.at(-1) ?? Number.POSITIVE_INFINITY) < seq) this.#compare(this.#places.pop() as number);
    this.#newest.set(objectId, seq);
  }

  /** All changes were told. */
  end(): void {
    while (this.#places.length > 0) this.#compare(this.#places.pop() as number);
    this.#report.attempt('marks', 'blame_mark', () => this.#checkBlame());
  }

  #compare(throughSeq: number): void {
    const where = `newest_mark through ${throughSeq}`;
    this.#report.attempt('marks', where, () => {
      const rows = this.#db.prepare<[number], { chunk: number; data: Buffer }>(
        'SELECT chunk, data FROM newest_mark WHERE through_seq = ?',
      );
      let last = -1;
      for (const { chunk, data } of rows.all(throughSeq)) {
        last = Math.max(last, chunk);
        this.#report.attempt('marks', where, () => {
          for (const [i, seq] of decodeMark({ chunk, throughSeq, data }).entries())
            if (this.#isWrong(chunk * OBJECTS_PER_CHUNK + i, seq))
              this.#report.add('marks', 'a mark names a change that was not the newest of its object', where);
        });
      }
      if (throughSeq === this.#unfinished) return;
      for (const objectId of this.#newest.keys())
        if (objectId >= (last + 1) * OBJECTS_PER_CHUNK)
          this.#report.add('marks', 'a mark leaves out objects that were there', where);
    });
  }

  /** What a mark names may be let go of since. */
  #isWrong(objectId: number, seq: number): boolean {
    const newest = this.#newest.get(objectId);
    if (seq === (newest ?? NONE)) return false;
    return seq === NONE || (newest ?? NONE) > seq || this.#isKept.get(seq) !== undefined;
  }

  #checkBlame(): void {
    const marks = this.#db.prepare<[], { objectId: number; seq: number; data: Buffer }>(
      'SELECT object_id AS objectId, seq, data FROM blame_mark',
    );
    const objectOf = this.#db
      .prepare<[number], number>('SELECT l.object_id FROM change c JOIN life l ON l.id = c.life_id WHERE c.seq = ?')
      .pluck();
    for (const { objectId, seq, data } of marks.iterate()) {
      const where = `blame_mark of change ${seq}`;
      this.#report.attempt('marks', where, () => {
        const { fields, others } = decodeBlameMark({ seq, data });
        for (const setBy of new Set([...fields.values(), others]))
          if (setBy > seq || (objectOf.get(setBy) ?? objectId) !== objectId)
            this.#report.add('marks', 'a mark says that a change set a field which is none of its object', where, 'blame_mark');
      });
    }
  }
}
