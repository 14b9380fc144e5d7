/**
 * Which changes have a value: for each run of changes and each value in it, their positions. Built run by run once a run is complete, which
 * costs a fraction of what an index entry for each change would, in time and in bytes. The changes of the last, incomplete run are found by
 * going through them.
 *
 * What a list leaves out nobody would miss, unlike what it says too much. Each therefore bears a checksum, and which lists there are is told a second time
 * (posting-runs.ts): what does not agree is damaged, and is done without until it is made again.
 */
import type Database from 'better-sqlite3';
import type { Derived } from '../derived.ts';
import { StateRow } from '../pack/state-row.ts';
import { ByteReader, ByteWriter } from '../pack/varint.ts';
import { corruptRecord } from '../store-errors.ts';
import { checkOf, endOfRun, type PostedValue, PostingRuns, RUN, type RunsOfDimension } from './posting-runs.ts';
import { type YoungRow, YoungRows } from './young-rows.ts';

/** Of these, read in one step. */
const ROWS_PER_STEP = 512;
/** Rows kept in memory: upkeep may lag behind by so much before it has to read them. */
const YOUNG_ROWS_MAX = 4 * RUN;
/** Of one value, read at once where one after the other is asked for. */
const RUNS_AHEAD_MAX = 32;
/** What postings exist of, as written in the table. */
export const DIMENSIONS = { actors: 1, pathsets: 2, resources: 3, namespaces: 4 } as const;
export type Dimension = keyof typeof DIMENSIONS;

/** The end of the last run that is there. */
export const POSTED_THROUGH = 'store/posted-through';

/** Of the lists that are gone through together, before somebody looks at the clock. */
const ROUNDS_PER_LOOK = 64;

/** Positions with something in common, asked for from the newest to the oldest. */
export interface Positions {
  /** The newest position up to `seq`; undefined when there is none. Each call asks for no newer one than the last. */
  upTo(seq: number): number | undefined;
}

/** A change and its value in each dimension, at the dimension's number; null where it has none. */
export type RunRow = [
  seq: number,
  actorSetId: number,
  pathsetId: number | null,
  resourceId: number | null,
  namespaceId: number | null,
];

type StoredRun = [last: number, data: Buffer];

/** Of a list, behind its positions. */
const CHECK_BYTES = 2;

export class Postings {
  readonly #db: Database.Database;
  readonly #derived: Derived;
  readonly #sql;
  readonly #runs: PostingRuns;
  readonly #stored: StateRow;
  readonly #runAdded: (last: number) => void;
  #through: number | undefined;
  /** Of changes beyond those that postings speak of. */
  readonly #young = new YoungRows(YOUNG_ROWS_MAX);
  /** The run that is being gone through, a piece in each step. */
  #run: Generator<void> | undefined;

  /** `runAdded` is called with the end of each run in the transaction that adds it. */
  constructor(db: Database.Database, derived: Derived, runAdded: (last: number) => void) {
    this.#db = db;
    this.#derived = derived;
    this.#runAdded = runAdded;
    this.#runs = new PostingRuns(db);
    this.#stored = new StateRow(db, POSTED_THROUGH);
    this.#sql = {
      run: db
        .prepare<[number, number], RunRow>(
          `SELECT c.seq, c.actor_set_id, c.pathset_id, o.resource_id, o.namespace_id
           FROM change c CROSS JOIN life l ON l.id = c.life_id CROSS JOIN object o ON o.id = l.object_id
           WHERE c.seq BETWEEN ? AND ? ORDER BY c.seq`,
        )
        .raw(),
      some: db
        .prepare<[string, number], RunRow>(
          `SELECT c.seq, c.actor_set_id, c.pathset_id, o.resource_id, o.namespace_id
           FROM change c CROSS JOIN life l ON l.id = c.life_id CROSS JOIN object o ON o.id = l.object_id
           WHERE c.seq IN (SELECT value FROM json_each(?)) AND c.seq <= ? ORDER BY c.seq`,
        )
        .raw(),
      get: db
        .prepare<[number, number, number], Buffer>('SELECT data FROM posting WHERE dimension = ? AND value = ? AND last_seq = ?')
        .pluck(),
      delete: db.prepare<[number, number, number]>('DELETE FROM posting WHERE dimension = ? AND value = ? AND last_seq = ?'),
      add: db.prepare<[number, number, number, Buffer]>(
        'INSERT OR REPLACE INTO posting (dimension, value, last_seq, data) VALUES (?, ?, ?, ?)',
      ),
      newest: db
        .prepare<[number, number, number, number], StoredRun>(
          `SELECT last_seq, data FROM posting WHERE dimension = ? AND value = ? AND last_seq <= ? ORDER BY last_seq DESC LIMIT ?`,
        )
        .raw(),
    };
  }

  forget(): void {
    this.#through = undefined;
    this.#run = undefined;
    this.#young.forget();
  }

  /** A change was added to the log; within its transaction. */
  appended(row: YoungRow): void {
    this.#young.add(row);
  }

  /** The last change that postings speak of. */
  get through(): number {
    this.#through ??= Number(this.#stored.get() ?? 0);
    return this.#through;
  }

  /** Does a piece of adding the next run that is complete; false when there is none. */
  step(newestSeq: number): boolean {
    if (this.#run === undefined && newestSeq - this.through < RUN) return false;
    this.#run ??= this.#addRun(this.through + RUN);
    if (this.#run.next().done === true) this.#run = undefined;
    return true;
  }

  /** Where changes up to `through` have one of some values. */
  positions(name: Dimension, values: readonly number[]): Positions {
    const dimension = DIMENSIONS[name];
    const known = this.#runs.of(dimension);
    const lists = values.map(
      (value) =>
        new PostingList(
          (upTo, limit) => this.#derived.use('posting', () => this.#newest({ dimension, value }, known, upTo, limit)),
          (data, last) => this.#derived.use('posting', () => decodeRun({ dimension, value, last }, data)),
        ),
    );
    return lists.length === 1 ? (lists[0] as PostingList) : unionOf(lists);
  }

  /** Throws STORE_CORRUPT where a list is not there, or should not be. */
  #newest({ dimension, value }: PostedValue, known: RunsOfDimension, upTo: number, limit: number): StoredRun[] {
    const stored = this.#sql.newest.all(dimension, value, upTo, limit);
    const ends = known.newest(value, upTo, limit);
    for (let i = 0; i < Math.max(stored.length, ends.length); i++) {
      if (stored[i]?.[0] === ends[i]) continue;
      throw corruptRecord('a list of changes with one value is missing', `changes up to ${ends[i] ?? stored[i]?.[0]}`);
    }
    return stored;
  }

  /** Takes changes out that are about to be let go of. */
  remove(seqs: readonly number[]): void {
    // What was read of the run under way may name them.
    if (seqs.some((seq) => seq > this.through)) this.#run = undefined;
    if (seqs.some((seq) => this.#young.has(seq, seq))) this.#young.forget();
    const rows = this.#sql.some.all(JSON.stringify(seqs), this.through);
    this.#derived.use('posting', () => {
      for (const [last, ofRun] of Map.groupBy(rows, ([seq]) => endOfRun(seq))) this.#removeOf(last, ofRun);
    });
  }

  #removeOf(last: number, rows: readonly RunRow[]): void {
    const empty: PostedValue[] = [];
    for (const { dimension, value, seqs } of listsOf(rows)) {
      const gone = new Set(seqs);
      const data = this.#sql.get.get(dimension, value, last);
      if (data === undefined) throw corruptRecord('a list of changes with one value is missing', `changes up to ${last}`);
      const left = decodeRun({ dimension, value, last }, data).filter((seq) => !gone.has(seq));
      if (left.length > 0) this.#sql.add.run(dimension, value, last, encodeRun({ dimension, value, last }, left));
      else {
        this.#sql.delete.run(dimension, value, last);
        empty.push({ dimension, value });
      }
    }
    this.#runs.remove(last, empty);
  }

  /** Reads and encodes piece by piece, so that only the writing of it holds up others; that is one transaction. */
  *#addRun(last: number): Generator<void> {
    const values = new RunValues();
    for (let first = last - RUN + 1; first <= last; first += ROWS_PER_STEP) {
      const end = first + ROWS_PER_STEP - 1;
      if (this.#young.has(first, end)) values.addYoung(this.#young, first, end);
      else for (const row of this.#sql.run.all(first, end)) values.add(row);
      yield;
    }
    const encoded: { dimension: number; value: number; data: Buffer }[] = [];
    for (const dimension of Object.values(DIMENSIONS)) {
      for (const { value, seqs } of values.listsOf(dimension))
        encoded.push({ dimension, value, data: encodeRun({ dimension, value, last }, seqs) });
      yield;
    }
    this.#db
      .transaction(() => {
        this.#derived.use('posting', () => {
          for (const { dimension, value, data } of encoded) this.#sql.add.run(dimension, value, last, data);
          this.#runs.add(last, encoded);
        });
        this.#runAdded(last);
        this.#stored.put(String(last));
      })
      .immediate();
    this.#through = last;
  }
}

/** The positions of each value in some changes by rising seq, ordered by dimension and value. */
export function listsOf(rows: readonly RunRow[]): { dimension: number; value: number; seqs: Float64Array }[] {
  const values = new RunValues();
  for (const row of rows) values.add(row);
  return [...values.lists()];
}

/**
 * The values of the changes of one run. In packed columns: as rows and lists they would live just long enough to be taken for what stays, and
 * collecting that garbage costs more than gathering it.
 */
class RunValues {
  readonly #seqs = new Float64Array(RUN);
  /** By dimension, which counts from 1. NaN where a change has none. */
  readonly #values = Object.values(DIMENSIONS).map(() => new Float64Array(RUN));
  #count = 0;

  add(row: RunRow): void {
    this.#seqs[this.#count] = row[0];
    for (const dimension of Object.values(DIMENSIONS))
      (this.#values[dimension - 1] as Float64Array)[this.#count] = row[dimension] ?? Number.NaN;
    this.#count += 1;
  }

  addYoung(rows: YoungRows, firstSeq: number, lastSeq: number): void {
    for (let dimension = 1; dimension <= this.#values.length; dimension++) {
      const column = this.#values[dimension - 1] as Float64Array;
      for (let seq = firstSeq, at = this.#count; seq <= lastSeq; seq++, at++) column[at] = rows.value(seq, dimension);
    }
    for (let seq = firstSeq; seq <= lastSeq; seq++) this.#seqs[this.#count++] = seq;
  }

  /** By dimension and value. */
  *lists(): Generator<{ dimension: number; value: number; seqs: Float64Array }> {
    for (const dimension of Object.values(DIMENSIONS))
      for (const { value, seqs } of this.listsOf(dimension)) yield { dimension, value, seqs };
  }

  /** By value. */
  *listsOf(dimension: number): Generator<{ value: number; seqs: Float64Array }> {
    const column = this.#values[dimension - 1] as Float64Array;
    // Value and place in one number, so that sorting numbers brings each value's changes together in their order; NaN comes last.
    const sorted = column
      .subarray(0, this.#count)
      .map((value, at) => value * RUN + at)
      .sort();
    for (let start = 0; start < sorted.length && !Number.isNaN(sorted[start]); ) {
      const value = Math.floor((sorted[start] as number) / RUN);
      let end = start + 1;
      while (end < sorted.length && (sorted[end] as number) < (value + 1) * RUN) end++;
      const seqs = sorted.subarray(start, end).map((place) => this.#seqs[place - value * RUN] as number);
      yield { value, seqs };
      start = end;
    }
  }
}

/** The positions of a value in the run that ends with `last`, and their checksum. */
export function encodeRun(of: PostedValue & { last: number }, seqs: ArrayLike<number>): Buffer {
  const writer = new ByteWriter();
  let previous = of.last - RUN + 1;
  for (let i = 0; i < seqs.length; i++) {
    const seq = seqs[i] as number;
    writer.varint(seq - previous);
    previous = seq;
  }
  const data = Buffer.allocUnsafe(writer.length + CHECK_BYTES);
  writer.copyTo(data);
  data.writeUInt16LE(checkOf(keyOf(of), data.subarray(0, -CHECK_BYTES)), data.length - CHECK_BYTES);
  return data;
}

/** Rising. Throws STORE_CORRUPT. */
function decodeRun(of: PostedValue & { last: number }, data: Buffer): number[] {
  const positions = data.subarray(0, -CHECK_BYTES);
  if (data.length <= CHECK_BYTES || data.readUInt16LE(positions.length) !== checkOf(keyOf(of), positions))
    throw corruptRecord('a list of changes with one value is damaged', `changes up to ${of.last}`);
  const reader = new ByteReader(positions);
  const seqs: number[] = [];
  for (let seq = of.last - RUN + 1; !reader.done; ) {
    seq += reader.varint();
    seqs.push(seq);
  }
  return seqs;
}

function keyOf({ dimension, value, last }: PostedValue & { last: number }): string {
  return `${dimension} ${value} ${last}`;
}

/**
 * Positions of a range that all of some lists have, newest first, at most `limit`; and the newest of the range that was not looked at, less
 * than `low` where all were. Stops between two rounds over the lists once `isOver` says so, but looks at some first.
 */
export function newestInAll(
  lists: readonly Positions[],
  { low, high }: { low: number; high: number },
  limit: number,
  isOver: () => boolean,
): { seqs: number[]; next: number } {
  const seqs: number[] = [];
  let at = high;
  for (let rounds = 1; at >= low && seqs.length < limit; rounds++) {
    const met = meetingOf(lists, at);
    if (met === undefined || met < low) return { seqs, next: low - 1 };
    const isIn = met === at || lists.length === 1;
    if (isIn) seqs.push(met);
    at = isIn ? met - 1 : met;
    if (rounds % ROUNDS_PER_LOOK === 0 && isOver()) break;
  }
  return { seqs, next: at };
}

/** Where lists may meet next up to `seq`; they do where that is `seq` itself. */
function meetingOf(lists: readonly Positions[], seq: number): number | undefined {
  let lowest: number | undefined = seq;
  for (const list of lists) {
    lowest = list.upTo(lowest);
    if (lowest === undefined) return undefined;
  }
  return lowest;
}

/** Positions that any of some lists has. */
export function unionOf(lists: readonly Positions[]): Positions {
  const newest: (number | undefined)[] = lists.map(() => Number.POSITIVE_INFINITY);
  return {
    upTo(seq) {
      let highest: number | undefined;
      for (let i = 0; i < newest.length; i++) {
        let at = newest[i];
        if (at !== undefined && at > seq) {
          at = (lists[i] as Positions).upTo(seq);
          newest[i] = at;
        }
        if (at !== undefined && (highest === undefined || at > highest)) highest = at;
      }
      return highest;
    },
  };
}

/** The positions of one value, read run by run as they are come to. */
class PostingList implements Positions {
  readonly #runsUpTo: (lastSeq: number, limit: number) => StoredRun[];
  readonly #decode: (data: Buffer, last: number) => number[];
  /** Runs read and not come to yet, the newest last. */
  #ahead: StoredRun[] = [];
  /** How many to read at once. */
  #reads = 1;
  #seqs: number[] = [];
  /** Index of the position last given. */
  #at = -1;
  /** First position of the run in `#seqs`; before the first run, beyond all. */
  #first = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(runsUpTo: (lastSeq: number, limit: number) => StoredRun[], decode: (data: Buffer, last: number) => number[]) {
    this.#runsUpTo = runsUpTo;
    this.#decode = decode;
  }

  upTo(seq: number): number | undefined {
    for (;;) {
      while (this.#at >= 0 && (this.#seqs[this.#at] as number) > seq) this.#at--;
      if (this.#at >= 0) return this.#seqs[this.#at];
      if (this.#ended) return undefined;
      // The run that `seq` lies in, or the next one before those gone through.
      this.#load(Math.min(endOfRun(seq), this.#first - 1));
    }
  }

  #load(lastSeq: number): void {
    const run = this.#next(lastSeq);
    if (run === undefined) {
      this.#ended = true;
      return;
    }
    this.#first = run[0] - RUN + 1;
    this.#seqs = this.#decode(run[1], run[0]);
    this.#at = this.#seqs.length - 1;
  }

  /** Who takes one run after the other gets more and more of them by one reading; whoever skips some, the ones that are asked for. */
  #next(lastSeq: number): StoredRun | undefined {
    const isSkipping = (this.#ahead.at(-1)?.[0] ?? 0) > lastSeq;
    while ((this.#ahead.at(-1)?.[0] ?? 0) > lastSeq) this.#ahead.pop();
    if (this.#ahead.length === 0) {
      this.#reads = isSkipping ? 1 : Math.min(this.#reads * 2, RUNS_AHEAD_MAX);
      this.#ahead = this.#runsUpTo(lastSeq, this.#reads).reverse();
    }
    return this.#ahead.pop();
  }
}
