/**
 * Marks along the log: which change of each object was its newest there. The chain of an object's changes only leads back, so what it was at a time is
 * looked for from the next mark on instead of from its newest change. They are made in upkeep, some objects a step, and can be left out.
 *
 * There is one after about every two changes per object, so that they take some bytes a change however many objects there are, and few links
 * lie between a time and a mark. Older databases get theirs from the newest back.
 */
import type Database from 'better-sqlite3';
import type { Derived } from '../derived.ts';
import { StateRow } from '../pack/state-row.ts';
import { ByteReader, ByteWriter } from '../pack/varint.ts';
import { corruptRecord } from '../store-errors.ts';
import type { ChangeLog } from './change-log.ts';
import type { Objects } from './objects.ts';
import { checkOf } from './posting-runs.ts';

export interface NewestMarkOptions {
  /** Changes between two marks, at least. */
  changesPerNewestMark: number;
}

export const NEWEST_MARK_DEFAULTS: NewestMarkOptions = { changesPerNewestMark: 128 * 1024 };

const CHUNK_BITS = 8;
export const OBJECTS_PER_CHUNK = 2 ** CHUNK_BITS;
const CHANGES_PER_OBJECT = 2;
const OBJECTS_PER_STEP = 32;
/** Fewer objects are asked about one by one. */
const ASKED_AT_ONCE_MIN = 8;
const NONE = 0;
/** Behind the changes of a row: whether it is the last one of its mark, and a checksum. */
const LAST_BYTES = 1;
const CHECK_BYTES = 2;

/** The places that are marked, and the one that is being marked for the objects before `chunk` so far. */
interface Progress {
  low: number;
  high: number;
  target?: number;
  chunk?: number;
}

interface MarkRow {
  chunk: number;
  throughSeq: number;
  data: Buffer;
}

/** A mark that holds the chunks up to one and no others: the next one for each place from `from` through its own. */
interface Made {
  from: number;
  through: number;
  chunks: number;
}

interface Parts {
  db: Database.Database;
  log: ChangeLog;
  objects: Objects;
  derived: Derived;
}

export class NewestMarks {
  readonly #parts: Parts;
  readonly #options: NewestMarkOptions;
  readonly #stored: StateRow;
  readonly #sql;
  /** The mark looked at last: a list asks for one object after the other. Without `seqs` there is none that far on. */
  #last: { chunk: number; from: number; through: number; seqs?: (number | undefined)[] } | undefined;

  #made: Made | undefined;

  /** The chunk that is being looked at. */
  #found: { target: number; chunk: number; seqs: number[] } | undefined;

  constructor(parts: Parts, options: NewestMarkOptions) {
    const { db } = parts;
    this.#parts = parts;
    this.#options = options;
    this.#stored = new StateRow(db, 'store/newestMarks');
    this.#sql = {
      next: db.prepare<[number, number], MarkRow>(
        'SELECT chunk, through_seq AS throughSeq, data FROM newest_mark WHERE chunk = ? AND through_seq >= ? ORDER BY through_seq LIMIT 1',
      ),
      some: db
        .prepare<[string, number], [number, Buffer]>(
          'SELECT n.chunk, n.data FROM json_each(?) c CROSS JOIN newest_mark n ON n.chunk = c.value AND n.through_seq = ?',
        )
        .raw(),
      get: db.prepare<[number, number], Buffer>('SELECT data FROM newest_mark WHERE chunk = ? AND through_seq = ?').pluck(),
      has: db.prepare<[number, number], 1>('SELECT 1 FROM newest_mark WHERE chunk = ? AND through_seq = ?').pluck(),
      put: db.prepare<[number, number, Buffer]>('INSERT OR REPLACE INTO newest_mark (chunk, through_seq, data) VALUES (?, ?, ?)'),
      forget: db.prepare<[number]>(
        'DELETE FROM newest_mark WHERE chunk = ? AND through_seq < (SELECT coalesce(min(seq), 0) FROM change)',
      ),
      objectIdMax: db.prepare<[], number | null>('SELECT max(id) FROM object').pluck(),
    };
  }

  forget(): void {
    this.#forgetFound();
    this.#found = undefined;
  }

  /** The newest change of an object up to `seqMax`; its newest of all may be known. */
  newestUpTo(objectId: number, seqMax: number, newestSeq?: number): ReturnType<ChangeLog['row']> {
    const { log, objects } = this.#parts;
    if (newestSeq !== undefined && newestSeq <= seqMax) return log.newestUpTo(newestSeq, seqMax, objectId);
    const near = this.#parts.derived.read('newest_mark', () => this.#near(objectId, seqMax), undefined);
    if (near === NONE) return undefined;
    const found = near === undefined ? undefined : log.newestUpTo(near, seqMax);
    // What a mark names may no longer be kept, or be of an object that had the number before.
    if (found !== undefined && objects.life(found.lifeId)?.objectId === objectId) return found;
    const newest = newestSeq ?? objects.newestChange(objectId);
    return newest === undefined ? undefined : log.newestUpTo(newest, seqMax, objectId);
  }

  /** The same for some objects at once, whose newest changes are known. */
  newestOfAll(entries: readonly { objectId: number; seq: number }[], seqMax: number): ReturnType<ChangeLog['row']>[] {
    const { log, objects } = this.#parts;
    const near = this.#nearAll(
      entries.flatMap(({ objectId, seq }) => (seq <= seqMax ? [] : [objectId])),
      seqMax,
    );
    const walks = entries.flatMap(({ objectId, seq }, i) => {
      const from = seq <= seqMax ? seq : (near(objectId) ?? seq);
      return from === NONE ? [] : [{ i, objectId, newest: seq, from, to: undefined as number | undefined }];
    });
    const to = log.newestSeqsUpTo(
      walks.map(({ from }) => from),
      seqMax,
    );
    for (const [n, walk] of walks.entries()) walk.to = to[n];
    // Where a walk found nothing, what it began with says whether that is so.
    const rows = log.rows(walks.map((walk) => walk.to ?? walk.from));
    objects.lookAtLives([...rows.values()].map(({ lifeId }) => lifeId));
    const found: ReturnType<ChangeLog['row']>[] = entries.map(() => undefined);
    for (const { i, objectId, newest, from, to: at } of walks) {
      const row = rows.get(at ?? from);
      // What a mark names may no longer be kept, or be of an object that had the number before.
      if (row === undefined || objects.life(row.lifeId)?.objectId !== objectId)
        found[i] = log.newestUpTo(newest, seqMax, objectId);
      else if (at !== undefined) found[i] = row;
    }
    return found;
  }

  /** What `#near` says of each of some objects; the rows of the mark are read at once. */
  #nearAll(objectIds: readonly number[], seqMax: number): (objectId: number) => number | undefined {
    const unmarked = (): undefined => undefined;
    const near = this.#parts.derived.read('newest_mark', () => this.#nearSome(objectIds, seqMax), unmarked);
    return (objectId) => this.#parts.derived.read('newest_mark', () => near(objectId), undefined);
  }

  #nearSome(objectIds: readonly number[], seqMax: number): (objectId: number) => number | undefined {
    const made = objectIds.length < ASKED_AT_ONCE_MIN ? undefined : this.#madeFor(seqMax);
    if (made === undefined) return (objectId) => this.#near(objectId, seqMax);
    const { through } = made;
    const chunks = [...new Set(objectIds.map((id) => id >>> CHUNK_BITS))].filter((chunk) => chunk <= made.chunks);
    const rows = this.#sql.some.all(JSON.stringify(chunks), through);
    const data = new Map(rows.map(([chunk, bytes]) => [chunk, changesIn({ chunk, throughSeq: through, data: bytes })]));
    return (objectId) => {
      const chunk = objectId >>> CHUNK_BITS;
      if (chunk > made.chunks) return NONE;
      const bytes = data.get(chunk);
      return bytes === undefined ? this.#near(objectId, seqMax) : seqInMark(bytes, objectId % OBJECTS_PER_CHUNK, through);
    };
  }

  /** Undefined where no mark tells. */
  #near(objectId: number, seqMax: number): number | undefined {
    const chunk = objectId >>> CHUNK_BITS;
    let last = this.#last;
    if (last?.chunk !== chunk || seqMax < last.from || seqMax > last.through) {
      const mark = this.#mark(chunk, seqMax);
      last = { chunk, from: seqMax, through: Number.POSITIVE_INFINITY, ...mark };
      this.#last = last;
    }
    return last.seqs === undefined ? undefined : (last.seqs[objectId % OBJECTS_PER_CHUNK] ?? NONE);
  }

  /** No object with a higher number had a change by then. */
  objectIdMaxAt(seqMax: number): number {
    const made = this.#parts.derived.read('newest_mark', () => this.#madeFor(seqMax), undefined);
    return made === undefined ? Number.MAX_SAFE_INTEGER : (made.chunks + 1) * OBJECTS_PER_CHUNK - 1;
  }

  /** The next mark from a place on. Objects are numbered as they come, so one that is made and leaves a chunk out says that none of it was there. */
  #mark(chunk: number, seqMax: number): { through: number; seqs: (number | undefined)[] } | undefined {
    const made = this.#madeFor(seqMax);
    if (made !== undefined && chunk > made.chunks) return { through: made.through, seqs: [] };
    const row = this.#sql.next.get(chunk, seqMax);
    return row === undefined ? undefined : { through: row.throughSeq, seqs: decodeMark(row) };
  }

  /** The next mark that is made for all chunks there were. */
  #madeFor(seqMax: number): Made | undefined {
    const made = this.#made;
    if (made !== undefined && seqMax >= made.from && seqMax <= made.through) return made;
    const through = this.#sql.next.get(0, seqMax)?.throughSeq;
    if (through === undefined || this.#progress()?.target === through) return undefined;
    // The last chunk that has it: all up to there do.
    let [chunks, beyond] = [0, (this.#objectIdMax() >>> CHUNK_BITS) + 1];
    while (beyond - chunks > 1) {
      const middle = (chunks + beyond) >>> 1;
      if (this.#sql.has.get(middle, through) === undefined) beyond = middle;
      else chunks = middle;
    }
    const data = this.#sql.get.get(chunks, through);
    if (data === undefined || !isLastOfMark(data))
      throw corruptRecord('a mark of newest changes is not whole', `newest_mark through ${through}`);
    this.#made = { from: seqMax, through, chunks };
    return this.#made;
  }

  /** Marks were made, or may be gone: what was found of them is not true any more. */
  #forgetFound(): void {
    this.#last = undefined;
    this.#made = undefined;
  }

  #progress(): Progress | null {
    return JSON.parse(this.#stored.get() ?? 'null') as Progress | null;
  }

  /** Looks at some objects where marks are due, and writes what was found once a chunk is complete; false when nothing is due. */
  step(): boolean {
    const progress = this.#due();
    if (progress === undefined) return false;
    const { target, chunk } = progress;
    if (this.#found?.target !== target || this.#found.chunk !== chunk) this.#found = { target, chunk, seqs: [] };
    const { seqs } = this.#found;
    this.#look(chunk * OBJECTS_PER_CHUNK, target, seqs);
    const isComplete = seqs.length === OBJECTS_PER_CHUNK || chunk * OBJECTS_PER_CHUNK + seqs.length > this.#objectIdMax();
    if (!isComplete) return true;
    const isLast = (chunk + 1) * OBJECTS_PER_CHUNK > this.#objectIdMax();
    this.#parts.db.transaction(() => {
      this.#parts.derived.use('newest_mark', () => {
        this.#sql.put.run(chunk, target, encodeMark(seqs, { chunk, throughSeq: target }, isLast));
        this.#sql.forget.run(chunk);
      });
      const [low, high] = [Math.min(progress.low, target), Math.max(progress.high, target)];
      this.#stored.put(JSON.stringify(isLast ? { low, high } : { ...progress, chunk: chunk + 1 }));
    })();
    this.#forgetFound();
    this.#found = undefined;
    return true;
  }

  #due(): Required<Progress> | undefined {
    const newest = this.#parts.log.newest();
    if (newest < this.#options.changesPerNewestMark) return undefined;
    const stored = this.#progress();
    const { low, high, target, chunk } = stored ?? { low: newest, high: 0 };
    if (target !== undefined && chunk !== undefined) return { low, high, target, chunk };
    // Where it was begun and not where the log ends by now: each step would begin anew while changes are written.
    if (this.#found?.chunk === 0) return { low, high, target: this.#found.target, chunk: 0 };
    const every = Math.max(this.#options.changesPerNewestMark, CHANGES_PER_OBJECT * this.#objectIdMax());
    if (newest - high >= every) return { low, high, target: newest, chunk: 0 };
    // Below a mark and a half there is as little to gain as between two.
    return low > 1.5 * every ? { low, high, target: low - every, chunk: 0 } : undefined;
  }

  /** Adds the newest changes of the next objects after those in `seqs`, of which the first is `firstId`. */
  #look(firstId: number, throughSeq: number, seqs: number[]): void {
    const last = Math.min(firstId + OBJECTS_PER_CHUNK - 1, firstId + seqs.length + OBJECTS_PER_STEP - 1, this.#objectIdMax());
    for (let objectId = firstId + seqs.length; objectId <= last; objectId++) {
      const newest = this.#parts.objects.newestChange(objectId);
      seqs.push(newest !== undefined && newest <= throughSeq ? newest : (this.newestUpTo(objectId, throughSeq)?.seq ?? NONE));
    }
  }

  #objectIdMax(): number {
    return this.#sql.objectIdMax.get() ?? 0;
  }
}

function encodeMark(seqs: readonly number[], of: Omit<MarkRow, 'data'>, isLast: boolean): Buffer {
  const writer = new ByteWriter();
  for (const seq of seqs) writer.varint(seq === NONE ? NONE : of.throughSeq - seq + 1);
  writer.bytes(Uint8Array.of(isLast ? 1 : 0));
  const body = writer.finish();
  writer.bytes(Uint8Array.of(...checkBytes(of, body)));
  return writer.finish();
}

function checkBytes({ chunk, throughSeq }: Omit<MarkRow, 'data'>, body: Uint8Array): [number, number] {
  const check = checkOf(`${chunk} ${throughSeq}`, body);
  return [check & 0xff, check >>> 8];
}

/** The changes of a row, as they are written. Throws STORE_CORRUPT. */
function changesIn({ data, ...of }: MarkRow): Buffer {
  const body = data.subarray(0, -CHECK_BYTES);
  const check = data.subarray(body.length);
  if (body.length < LAST_BYTES || !checkBytes(of, body).every((byte, i) => byte === check[i]))
    throw corruptRecord('a mark of newest changes is damaged', `newest_mark through ${of.throughSeq}`);
  return body.subarray(0, -LAST_BYTES);
}

function isLastOfMark(data: Buffer): boolean {
  return data.at(-CHECK_BYTES - LAST_BYTES) === 1;
}

/** The newest change of each object of a chunk by rising id, 0 where it had none. Throws STORE_CORRUPT. */
export function decodeMark(row: MarkRow): number[] {
  const reader = new ByteReader(changesIn(row));
  const seqs: number[] = [];
  while (!reader.done) seqs.push(seqOfAge(reader.varint(), row.throughSeq));
  return seqs;
}

/** One of those, without decoding the ones before it: each ends with the first byte that has its high bit clear. */
function seqInMark(changes: Buffer, index: number, throughSeq: number): number {
  let at = 0;
  for (let left = index; left > 0 && at < changes.length; at++) if ((changes[at] as number) < 0x80) left -= 1;
  return at >= changes.length ? NONE : seqOfAge(new ByteReader(changes, at).varint(), throughSeq);
}

function seqOfAge(age: number, throughSeq: number): number {
  return age === NONE ? NONE : throughSeq + 1 - age;
}
