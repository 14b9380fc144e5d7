/**
 * Revision records that are not sealed yet: one row for those appended together, a line for each. They stay in memory too, so that sealing
 * need not read them back; after a start, a failed write or a burst beyond the bound the table is read instead, of a burst the texts alone. There they lie as bytes: as strings
 * they would live just long enough to be taken for what stays, and collecting that garbage costs more than making strings of them again.
 */
import type Database from 'better-sqlite3';
import { freeBytes } from '../../domain/free-bytes.ts';
import { RecordBytes, type RevisionRecord } from '../pack/block-codec.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { corruptRecord } from '../store-errors.ts';

/** What the order within a span goes by. */
export interface Place {
  seq: number;
  /** 0 in a span that is not sorted by namespace. */
  namespaceId: number;
  resourceId: number;
  lifeId: number;
}

export type PlacedRecord = RevisionRecord & Place;

/** The same, its text left where it lies. */
export class PlacedBytes extends RecordBytes implements PlacedRecord {
  readonly namespaceId: number;
  readonly resourceId: number;
  readonly lifeId: number;

  constructor({ seq, namespaceId, resourceId, lifeId }: Place, text: { bytes: Buffer; from: number; to: number }) {
    super(seq, text);
    this.namespaceId = namespaceId;
    this.resourceId = resourceId;
    this.lifeId = lifeId;
  }
}

/** The order of records within a span, as for `sort`. */
export function compareByPlace(a: Place, b: Place): number {
  return a.namespaceId - b.namespaceId || a.resourceId - b.resourceId || a.lifeId - b.lifeId || a.seq - b.seq;
}

/** Records appended together; `lastSeq` is that of the last of them. */
interface Pending {
  lastSeq: number;
  bytes: number;
  records: PlacedRecord[];
}

/** The same once they are written. */
interface Row {
  lastSeq: number;
  bytes: number;
  /** How many records. */
  count: number;
  /** As in the table, unsealed; undefined for what came beyond the bound, which is read from there. */
  data: Buffer | undefined;
  /** For each record its namespace, resource and life. */
  places: Float64Array;
}

const NUMBERS_PER_PLACE = 3;
const NEWLINE = 0x0a;
const BLANK = 0x20;
const DIGIT_ZERO = 0x30;
/** Of texts in memory. Those that are sealed first are there, as what comes when it is full is only in the table. */
const BYTES_MAX = 2 * 1024 * 1024;
/** Records of which it is known where they belong: asking for that costs more than reading their texts back. */
const PLACES_MAX = 128 * 1024;
/** Longer texts have their bytes counted first. */
const SCRATCH_CHARS = 32 * 1024;
/** At most, of a character as JavaScript counts them. */
const UTF8_BYTES_PER_CHAR = 3;
let scratch: Buffer | undefined;
const NO_BYTES = Buffer.alloc(0);
/** Rows whose sizes are asked for at once. */
const ROW_PAGE = 64;

export class YoungRecords {
  readonly #bytesPerRow: number;
  readonly #seal: ValueSeal;
  readonly #sql;
  /** Put, and not written yet. */
  #pending: Pending = nothingPending();
  /** Written; all there are from `#from` on. */
  #rows: Row[] = [];
  #bytes = 0;
  #count = 0;
  #from = Number.POSITIVE_INFINITY;
  /** Those of the row that was read last, in which whoever reads in order finds the next. */
  #lastRead: readonly RevisionRecord[] = [];

  /** `bytesPerRow` is where a row is closed though more was appended together. */
  constructor(db: Database.Database, bytesPerRow: number, seal: ValueSeal) {
    this.#bytesPerRow = bytesPerRow;
    this.#seal = seal;
    this.#sql = {
      put: db.prepare<[number, Buffer]>('INSERT INTO young_record (last_seq, data) VALUES (?, ?)'),
      putText: db.prepare<[number, Buffer]>('INSERT INTO young_record (last_seq, data) VALUES (?, CAST(? AS TEXT))'),
      holding: db
        .prepare<[number], string | Buffer>('SELECT data FROM young_record WHERE last_seq >= ? ORDER BY last_seq LIMIT 1')
        .pluck(),
      sizes: db.prepare<[number, number], { lastSeq: number; bytes: number }>(
        'SELECT last_seq AS lastSeq, octet_length(data) AS bytes FROM young_record WHERE last_seq > ? ORDER BY last_seq LIMIT ?',
      ),
      bytesOf: db.prepare<[number], Buffer>('SELECT CAST(data AS BLOB) FROM young_record WHERE last_seq = ?').pluck(),
      between: db
        .prepare<[number, number], string | Buffer>('SELECT data FROM young_record WHERE last_seq BETWEEN ? AND ?')
        .pluck(),
      delete: db.prepare<[number, number]>('DELETE FROM young_record WHERE last_seq BETWEEN ? AND ?'),
    };
  }

  put(record: PlacedRecord): void {
    this.#pending.records.push(record);
    this.#pending.lastSeq = record.seq;
    this.#pending.bytes += record.text.length;
    if (this.#pending.bytes >= this.#bytesPerRow) this.flush();
  }

  /** Writes what was put; within the transaction that it was put in. */
  flush(): void {
    const { records, lastSeq, bytes } = this.#pending;
    const firstSeq = records[0]?.seq;
    if (firstSeq === undefined) return;
    let text = '';
    const places = new Float64Array(records.length * NUMBERS_PER_PLACE);
    for (let i = 0; i < records.length; i++) {
      const record = records[i] as PlacedRecord;
      text += i === 0 ? `${record.seq} ${record.text}` : `\n${record.seq} ${record.text}`;
      places.set([record.namespaceId, record.resourceId, record.lifeId], i * NUMBERS_PER_PLACE);
    }
    const data = bytesOf(text);
    if (this.#seal.keyId === undefined) this.#sql.putText.run(lastSeq, data);
    else this.#sql.put.run(lastSeq, this.#seal.seal(data));
    if (this.#count + records.length > PLACES_MAX) this.#forgetRows();
    this.#from = Math.min(this.#from, firstSeq);
    const isKept = this.#bytes + data.length <= BYTES_MAX;
    this.#rows.push({ lastSeq, bytes, count: records.length, data: isKept ? data : undefined, places });
    this.#count += records.length;
    if (isKept) this.#bytes += data.length;
    else freeBytes(data);
    this.#pending = nothingPending();
  }

  forget(): void {
    this.#pending = nothingPending();
    this.#forgetRows();
  }

  text(seq: number): string | undefined {
    const pending = this.#pending.records;
    if (pending[0] !== undefined && seq >= pending[0].seq) return textIn(pending, seq);
    if (!isWithin(this.#lastRead, seq)) this.#lastRead = this.#rowAround(seq);
    return textIn(this.#lastRead, seq);
  }

  /** Those that were written together with a change, if it has a record here at all. */
  #rowAround(seq: number): RevisionRecord[] {
    if (seq >= this.#from) {
      const row = this.#rows.find(({ lastSeq }) => lastSeq >= seq);
      return row === undefined ? [] : recordsOf(this.#dataOf(row).toString('utf8'));
    }
    const data = this.#sql.holding.get(seq);
    return data === undefined ? [] : this.#recordsOf(data);
  }

  /** Records after `seq`, a row of them after the other. */
  *sizes(seq: number): Generator<{ lastSeq: number; bytes: number }> {
    if (seq + 1 >= this.#from) {
      yield* this.#rows;
      return;
    }
    for (let after = seq; ; ) {
      const page = this.#sql.sizes.all(after, ROW_PAGE);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < ROW_PAGE) return;
      after = last.lastSeq;
    }
  }

  /** Takes the records of whole rows out of the table; where they belong is known of those in memory. `free` gives back what those lie in. */
  take(firstSeq: number, lastSeq: number): { records: (RevisionRecord | PlacedRecord)[]; free: () => void } {
    this.#lastRead = [];
    const kept = this.#rows.findIndex((row) => row.lastSeq > lastSeq);
    const gone = this.#rows.splice(0, kept < 0 ? this.#rows.length : kept);
    const inMemory = firstSeq >= this.#from;
    for (const row of gone) {
      this.#count -= row.count;
      if (row.data !== undefined) this.#bytes -= row.data.length;
      else if (inMemory) row.data = this.#dataOf(row);
    }
    if (this.#from <= lastSeq) this.#from = lastSeq + 1;
    const records = inMemory
      ? gone.flatMap(placedOf)
      : this.#sql.between.all(firstSeq, lastSeq).flatMap((data) => this.#recordsOf(data));
    this.#sql.delete.run(firstSeq, lastSeq);
    return { records, free: () => freeRows(gone) };
  }

  #dataOf({ data, lastSeq }: Row): Buffer {
    if (data !== undefined) return data;
    const stored = this.#sql.bytesOf.get(lastSeq);
    if (stored === undefined) throw corruptRecord('a row of young revision data is missing', `change ${lastSeq}`);
    return this.#seal.keyId === undefined ? stored : this.#seal.open(stored);
  }

  #recordsOf(data: string | Buffer): RevisionRecord[] {
    return recordsOf(typeof data === 'string' ? data : this.#seal.open(data).toString('utf8'));
  }

  #forgetRows(): void {
    freeRows(this.#rows);
    this.#rows = [];
    this.#bytes = 0;
    this.#count = 0;
    this.#from = Number.POSITIVE_INFINITY;
    this.#lastRead = [];
  }
}

function nothingPending(): Pending {
  return { lastSeq: 0, bytes: 0, records: [] };
}

/** Of its own size: what `Buffer.from` makes of a few dozen kilobytes holds on to a piece of 64 that it was cut from. */
function bytesOf(text: string): Buffer {
  if (text.length > SCRATCH_CHARS) {
    const data = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
    data.write(text);
    return data;
  }
  // Written before its length is known, so that the text is gone through once.
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_CHARS * UTF8_BYTES_PER_CHAR);
  const length = scratch.write(text);
  const data = Buffer.allocUnsafeSlow(length);
  scratch.copy(data, 0, 0, length);
  return data;
}

/** They have become old by then, so that their memory would wait for a whole collection. */
function freeRows(rows: readonly Row[]): void {
  for (const { data, places } of rows) {
    if (data !== undefined) freeBytes(data);
    freeBytes(places);
  }
}

function isWithin(records: readonly RevisionRecord[], seq: number): boolean {
  const [first, last] = [records[0], records.at(-1)];
  return first !== undefined && last !== undefined && first.seq <= seq && seq <= last.seq;
}

/** By halves, as they lie in order. */
function textIn(records: readonly RevisionRecord[], seq: number): string | undefined {
  let [from, to] = [0, records.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((records[middle] as RevisionRecord).seq < seq) from = middle + 1;
    else to = middle;
  }
  const found = records[from];
  return found?.seq === seq ? found.text : undefined;
}

/** A line for each record, as `flush` wrote them: its seq, a blank, and its text. Throws STORE_CORRUPT on what was read back and is something else. */
function placedOf({ lastSeq, count, data = NO_BYTES, places }: Row): PlacedRecord[] {
  const records: PlacedRecord[] = [];
  for (let at = 0; at < data.length && records.length < count; ) {
    let seq = 0;
    for (; at < data.length && data[at] !== BLANK; at++) seq = seq * 10 + (data[at] as number) - DIGIT_ZERO;
    const newline = data.indexOf(NEWLINE, at);
    const to = newline < 0 ? data.length : newline;
    const i = records.length * NUMBERS_PER_PLACE;
    const [namespaceId, resourceId, lifeId] = [places[i] as number, places[i + 1] as number, places[i + 2] as number];
    records.push(new PlacedBytes({ seq, namespaceId, resourceId, lifeId }, { bytes: data, from: at + 1, to }));
    at = to + 1;
  }
  if (records.length !== count || records.at(-1)?.seq !== lastSeq)
    throw corruptRecord('young revision data does not decode', `up to change ${lastSeq}`);
  return records;
}

/** Throws STORE_CORRUPT on what is no line of a record. */
export function recordsOf(data: string): RevisionRecord[] {
  return data.split('\n').map((line) => {
    const blank = line.indexOf(' ');
    const seq = Number(line.slice(0, Math.max(blank, 0)));
    if (blank < 1 || !Number.isSafeInteger(seq)) throw corruptRecord('young revision data does not decode', line.slice(0, 20));
    return { seq, text: line.slice(blank + 1) };
  });
}
