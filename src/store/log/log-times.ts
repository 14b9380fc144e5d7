/**
 * Where in the log the changes of a time can lie. There is no index on time, and clocks go backwards: each span knows the earliest and latest time of its
 * changes, and so does each run of postings, which tells more where a span is large. What is younger than both is looked at change by change.
 */
import type Database from 'better-sqlite3';
import type { Derived } from '../derived.ts';
import { corruptRecord } from '../store-errors.ts';
import { checkOf, RUN } from './posting-runs.ts';

/** Among the postings, beside what the changes of a run have in common. */
export const TIMES_DIMENSION = 5;

/** A run by its end, and its times as they are stored. */
interface TimedRun {
  last: number;
  data: string;
}

interface Stretch {
  first: number;
  last: number;
}

export class LogTimes {
  readonly #derived: Derived;
  readonly #sql;
  #lastHigh: { toMs: number; high: number } | undefined;

  constructor(db: Database.Database, derived: Derived) {
    this.#derived = derived;
    const times = `FROM posting WHERE dimension = ${TIMES_DIMENSION} AND value = 0 AND last_seq BETWEEN ? AND ?`;
    this.#sql = {
      newest: db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck(),
      sealed: db.prepare<[], number | null>('SELECT max(last_seq) FROM span').pluck(),
      openHigh: db
        .prepare<[number, number], number>('SELECT seq FROM change WHERE seq > ? AND observed_ms <= ? ORDER BY seq DESC LIMIT 1')
        .pluck(),
      lastIn: db
        .prepare<[number, number, number], number>(
          'SELECT seq FROM change WHERE seq BETWEEN ? AND ? AND observed_ms <= ? ORDER BY seq DESC LIMIT 1',
        )
        .pluck(),
      firstSpan: db.prepare<[number], Stretch>(
        'SELECT first_seq AS first, last_seq AS last FROM span WHERE ms_max >= ? ORDER BY last_seq LIMIT 1',
      ),
      lastSpan: db.prepare<[number], Stretch>(
        'SELECT first_seq AS first, last_seq AS last FROM span WHERE ms_min <= ? ORDER BY last_seq DESC LIMIT 1',
      ),
      runsBefore: db.prepare<[number, number, number], TimedRun>(
        `SELECT last_seq AS last, data ${times} AND data ->> 1 < ? ORDER BY last_seq`,
      ),
      runsAfter: db.prepare<[number, number, number], TimedRun>(
        `SELECT last_seq AS last, data ${times} AND data ->> 0 > ? ORDER BY last_seq DESC`,
      ),
      timesOf: db
        .prepare<[number, number], [number | null, number | null]>(
          'SELECT min(observed_ms), max(observed_ms) FROM change WHERE seq BETWEEN ? AND ?',
        )
        .raw(),
      addRun: db.prepare<[number, string]>(
        `INSERT OR REPLACE INTO posting (dimension, value, last_seq, data) VALUES (${TIMES_DIMENSION}, 0, ?, ?)`,
      ),
      forget: db.prepare<[]>(
        `DELETE FROM posting WHERE dimension = ${TIMES_DIMENSION} AND last_seq < (SELECT coalesce(min(seq), 0) FROM change)`,
      ),
    };
  }

  /** What was found out is not true any more: changes were added, or let go of. */
  forget(): void {
    this.#lastHigh = undefined;
  }

  /** To be told of each run as its postings are made, in the same transaction. */
  addRun(last: number): void {
    this.#derived.use('posting', () => {
      const [from, to] = this.#sql.timesOf.get(last - RUN + 1, last) ?? [null, null];
      this.#sql.addRun.run(last, encodeTimes(last, from, to));
      this.#sql.forget.run();
    });
  }

  /** The changes that can lie in a time range. */
  range(fromMs: number | undefined, toMs: number | undefined): { low: number; high: number } {
    const low = fromMs === undefined ? 1 : this.#lowest(fromMs);
    return { low, high: toMs === undefined ? (this.#sql.newest.get() ?? 0) : this.highest(toMs) };
  }

  /** The last change that can be of a time or an earlier one. Asked for each object of a list at the same time, so the last answer is kept. */
  highest(toMs: number): number {
    if (this.#lastHigh?.toMs === toMs) return this.#lastHigh.high;
    const high = this.#sql.openHigh.get(this.#sql.sealed.get() ?? 0, toMs) ?? this.#highestSealed(toMs);
    this.#lastHigh = { toMs, high };
    return high;
  }

  #highestSealed(toMs: number): number {
    const span = this.#sql.lastSpan.get(toMs);
    if (span === undefined) return 0;
    // Whole runs at the end of the span that are later leave it shorter; a run may be the span's only in part.
    let { last } = span;
    for (const end of this.#ends(() => this.#sql.runsAfter.all(span.first, span.last + RUN - 1, toMs))) {
      if (end < last) break;
      last = end - RUN;
    }
    if (last < span.first) return span.first - 1;
    // Looked for change by change in the run that is left: what leads back from there would meet each later change of every object.
    return this.#sql.lastIn.get(Math.max(span.first, last - RUN + 1), last, toMs) ?? last;
  }

  #lowest(fromMs: number): number {
    const span = this.#sql.firstSpan.get(fromMs);
    if (span === undefined) return (this.#sql.sealed.get() ?? 0) + 1;
    let { first } = span;
    for (const end of this.#ends(() => this.#sql.runsBefore.all(span.first, span.last, fromMs))) {
      if (end - RUN >= first) break;
      first = end + 1;
    }
    return Math.min(first, span.last + 1);
  }

  /** Without them there is what the spans say. */
  #ends(runs: () => TimedRun[]): number[] {
    const read = () => {
      try {
        return runs().map(({ last, data }) => {
          decodeTimes(last, data);
          return last;
        });
      } catch (error) {
        if (!(error as Error).message.includes('malformed JSON')) throw error;
        throw corruptTimes(error);
      }
    };
    return this.#derived.read('posting', read, []);
  }
}

/** The earliest and the latest time of a run; null where no change of it is kept. */
function encodeTimes(last: number, from: number | null, to: number | null): string {
  return JSON.stringify([from, to, checkOfTimes(last, from, to)]);
}

/** Throws STORE_CORRUPT on times that are not those that were noted. */
export function decodeTimes(last: number, data: string): { from: number | null; to: number | null } {
  const [from, to, check] = JSON.parse(data) as [number | null, number | null, number];
  if (check !== checkOfTimes(last, from, to)) throw corruptTimes();
  return { from, to };
}

function checkOfTimes(last: number, from: number | null, to: number | null): number {
  return checkOf(`${TIMES_DIMENSION} 0 ${last}`, Buffer.from(`${from} ${to}`));
}

function corruptTimes(cause?: unknown): Error {
  return corruptRecord('the times of a run of changes are damaged', 'posting', cause);
}
