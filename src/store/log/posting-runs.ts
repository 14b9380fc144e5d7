/**
 * Which values each run of changes has, told a second time and in a table of its own: a list of postings that is lost with its page, or is looked for where
 * a damaged page leads, would otherwise be one that was never there. Values are taken 64 at a time (a bucket), runs too (an era), so that this is a small
 * part of what the lists are. A row holds, for each run of the era that has any value of the bucket, the number of the run and a bit for each value, by
 * rising runs; at its end a checksum.
 */
import { crc32 } from 'node:zlib';
import type Database from 'better-sqlite3';
import { corruptRecord } from '../store-errors.ts';

/** Changes of one run. */
export const RUN = 4_096;
const VALUES_PER_BUCKET = 64;
/** A row of more would not fit where rows lie, and be one of two pages. */
const RUNS_PER_ERA = 64;
const BITS_AT = 1;
const BITS_BYTES = VALUES_PER_BUCKET / 8;
const ENTRY_BYTES = BITS_AT + BITS_BYTES;
const CHECK_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/** A value of a dimension. */
export interface PostedValue {
  dimension: number;
  value: number;
}

/** Values of a bucket, as bits: that of the lowest value first. */
interface Bits {
  dimension: number;
  bucket: number;
  bits: Buffer;
}

type Key = Pick<Bits, 'dimension' | 'bucket'> & { era: number };

/** The last position of the run that a change belongs to. */
export function endOfRun(seq: number): number {
  return Math.ceil(seq / RUN) * RUN;
}

/** The lower half of the CRC-32 of a key, as text, and then of what stands under it. */
export function checkOf(key: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(key)) & 0xffff;
}

export class PostingRuns {
  readonly #sql;

  constructor(db: Database.Database) {
    const ofBucket = 'FROM posting_run WHERE dimension = ? AND bucket = ?';
    this.#sql = {
      get: db.prepare<[number, number, number], Buffer>(`SELECT data ${ofBucket} AND era = ?`).pluck(),
      put: db.prepare<[number, number, number, Buffer]>(
        'INSERT OR REPLACE INTO posting_run (dimension, bucket, era, data) VALUES (?, ?, ?, ?)',
      ),
      delete: db.prepare<[number, number, number]>(`DELETE ${ofBucket} AND era = ?`),
      newest: db
        .prepare<[number, number, number], [number, Buffer]>(
          `SELECT era, data ${ofBucket} AND era <= ? ORDER BY era DESC LIMIT 1`,
        )
        .raw(),
    };
  }

  /** Notes the values of a run, which is the newest, by dimension and value; within a transaction. Throws STORE_CORRUPT where it is not. */
  add(last: number, values: readonly PostedValue[]): void {
    const { era, index } = placeOf(last);
    for (const { dimension, bucket, bits } of bucketsOf(values)) {
      const before = this.#entries({ dimension, bucket, era });
      if (before.length > 0 && (before[before.length - ENTRY_BYTES] as number) >= index) throw corrupt(last);
      this.#put({ dimension, bucket, era }, [before, Buffer.of(index), bits]);
    }
  }

  /** Takes values out of a run; within a transaction. */
  remove(last: number, values: readonly PostedValue[]): void {
    const { era, index } = placeOf(last);
    for (const { dimension, bucket, bits } of bucketsOf(values)) {
      const before = this.#entries({ dimension, bucket, era });
      const at = entryUpTo(before, index);
      if (before[at] !== index) throw corrupt(last);
      const left = bits.map((byte, i) => (before[at + BITS_AT + i] as number) & ~byte) as Buffer;
      const entry = left.every((byte) => byte === 0) ? [] : [Buffer.of(index), left];
      this.#put({ dimension, bucket, era }, [before.subarray(0, at), ...entry, before.subarray(at + ENTRY_BYTES)]);
    }
  }

  /** What is noted of the values of a dimension, read as it is asked for. For one question: it is not told of what changes. */
  of(dimension: number): RunsOfDimension {
    return new RunsOfDimension((bucket, eraMax) => {
      const [era, data] = this.#sql.newest.get(dimension, bucket, eraMax) ?? [];
      return era === undefined || data === undefined ? undefined : { era, entries: entriesOf({ dimension, bucket, era }, data) };
    });
  }

  #entries({ dimension, bucket, era }: Key): Buffer {
    const data = this.#sql.get.get(dimension, bucket, era);
    return data === undefined ? NOTHING : entriesOf({ dimension, bucket, era }, data);
  }

  #put({ dimension, bucket, era }: Key, parts: readonly Buffer[]): void {
    const data = Buffer.concat([...parts, Buffer.alloc(CHECK_BYTES)]);
    if (data.length === CHECK_BYTES) {
      this.#sql.delete.run(dimension, bucket, era);
      return;
    }
    const entries = data.subarray(0, -CHECK_BYTES);
    data.writeUInt32LE(checkOfRow({ dimension, bucket, era }, entries), entries.length);
    this.#sql.put.run(dimension, bucket, era, data);
  }
}

/** A row that was read, without its checksum. */
interface Era {
  era: number;
  entries: Buffer;
}

export class RunsOfDimension {
  readonly #newest: (bucket: number, eraMax: number) => Era | undefined;
  /** By bucket, and by the newest era that was asked for. */
  readonly #read = new Map<number, Map<number, Era | undefined>>();

  constructor(newest: (bucket: number, eraMax: number) => Era | undefined) {
    this.#newest = newest;
  }

  /** The ends of the newest runs up to that of `last` that have a value, the newest first. Throws STORE_CORRUPT. */
  newest(value: number, last: number, limit: number): number[] {
    const [bucket, bit] = [bucketOf(value), bitOf(value)];
    const [byteAt, mask] = [BITS_AT + (bit >>> 3), 1 << (bit & 7)];
    const place = placeOf(last);
    const found: number[] = [];
    for (let row = this.#open(bucket, place.era); row !== undefined; row = this.#open(bucket, row.era - 1)) {
      const { era, entries } = row;
      const from = era === place.era ? entryUpTo(entries, place.index) : entries.length - ENTRY_BYTES;
      for (let at = from; at >= 0; at -= ENTRY_BYTES) {
        if (((entries[at + byteAt] as number) & mask) === 0) continue;
        found.push(endAt(era, entries[at] as number));
        if (found.length === limit) return found;
      }
    }
    return found;
  }

  #open(bucket: number, eraMax: number): Era | undefined {
    let eras = this.#read.get(bucket);
    if (eras === undefined) {
      eras = new Map();
      this.#read.set(bucket, eras);
    }
    let open = eras.get(eraMax);
    if (open === undefined && !eras.has(eraMax)) {
      open = this.#newest(bucket, eraMax);
      eras.set(eraMax, open);
    }
    return open;
  }
}

/** What a row tells: the end of each run, and its values as bits. Throws STORE_CORRUPT. */
export function* runsIn(key: Key, data: Buffer): Generator<{ last: number; bits: Buffer }> {
  const entries = entriesOf(key, data);
  for (let at = 0; at < entries.length; at += ENTRY_BYTES)
    yield { last: endAt(key.era, entries[at] as number), bits: entries.subarray(at + BITS_AT, at + ENTRY_BYTES) };
}

/** Throws STORE_CORRUPT. */
function entriesOf(key: Key, data: Buffer): Buffer {
  const entries = data.subarray(0, -CHECK_BYTES);
  const isWhole = entries.length > 0 && entries.length % ENTRY_BYTES === 0;
  if (isWhole && data.readUInt32LE(entries.length) === checkOfRow(key, entries)) return entries;
  throw corrupt(endAt(key.era, RUNS_PER_ERA - 1));
}

function checkOfRow({ dimension, bucket, era }: Key, entries: Buffer): number {
  return crc32(entries, crc32(`${dimension} ${bucket} ${era}`));
}

/** Where the last entry lies that is of a run up to `index`; negative where there is none. */
function entryUpTo(entries: Buffer, index: number): number {
  let [low, high] = [0, entries.length / ENTRY_BYTES];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle * ENTRY_BYTES] as number) <= index) low = middle + 1;
    else high = middle;
  }
  return (low - 1) * ENTRY_BYTES;
}

/** Values that come by dimension and value, as bits of their buckets. */
export function bucketsOf(values: readonly PostedValue[]): Bits[] {
  const buckets: Bits[] = [];
  for (const { dimension, value } of values) {
    const bucket = bucketOf(value);
    let last = buckets.at(-1);
    if (last?.dimension !== dimension || last.bucket !== bucket) {
      last = { dimension, bucket, bits: Buffer.alloc(BITS_BYTES) };
      buckets.push(last);
    }
    const bit = bitOf(value);
    last.bits[bit >>> 3] = (last.bits[bit >>> 3] as number) | (1 << (bit & 7));
  }
  return buckets;
}

function bucketOf(value: number): number {
  return Math.floor(value / VALUES_PER_BUCKET);
}

function bitOf(value: number): number {
  return value - bucketOf(value) * VALUES_PER_BUCKET;
}

function placeOf(last: number): { era: number; index: number } {
  const run = last / RUN - 1;
  const era = Math.floor(run / RUNS_PER_ERA);
  return { era, index: run - era * RUNS_PER_ERA };
}

function endAt(era: number, index: number): number {
  return (era * RUNS_PER_ERA + index + 1) * RUN;
}

function corrupt(last: number): Error {
  return corruptRecord('which values a run of changes has is not what was noted', `changes up to ${last}`);
}
