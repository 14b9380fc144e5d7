/**
 * Where the revision data of a change lies: with what was appended together while it is young (young-records.ts), later in a block shared
 * with some hundred others. Sealing turns a run of young records into blocks; merging turns a run of small neighbouring spans into a larger one,
 * compressed harder. Both keep the order (resource, life, seq) within a span, so that one object's revisions lie side by side, where
 * they compress best and a chain is read from one block.
 */
import type Database from 'better-sqlite3';
import { Recent } from '../domain/recent.ts';
import { type DecodedBlock, decodeBlock, encodeBlock, type RevisionRecord } from './block-codec.ts';
import { corruptRecord } from './store-errors.ts';
import type { ValueSeal } from './value-seal.ts';
import { compareByPlace, type Place, type PlacedRecord, YoungRecords } from './young-records.ts';

export interface BlockOptions {
  /** Young records are sealed once there are this many changes, or this many bytes of them. */
  changesPerSpan: number;
  bytesPerSpan: number;
  /** So many spans of one level make one of the next. */
  spansPerMerge: number;
  /** Uncompressed size at which a block is closed. */
  bytesPerBlock: number;
  /** Decoded blocks kept for reading. */
  cacheBytes: number;
}

export const BLOCK_DEFAULTS: BlockOptions = {
  changesPerSpan: 512,
  bytesPerSpan: 128 * 1024,
  spansPerMerge: 8,
  bytesPerBlock: 256 * 1024,
  cacheBytes: 16 * 1024 * 1024,
};

/** zstd levels by span level: the first is quick since it is done again, the last thorough since it stays. */
const COMPRESSION_LEVELS = [3, 9] as const;
const LEVEL_MAX = COMPRESSION_LEVELS.length - 1;

interface Span {
  firstSeq: number;
  lastSeq: number;
  level: number;
}

interface BlockRow {
  id: number;
  data: Buffer;
}

export class Blocks {
  readonly #db: Database.Database;
  readonly #options: BlockOptions;
  readonly #decoded: Recent<number, DecodedBlock>;
  readonly #sql;
  #sealedThrough: number | undefined;
  #lastHigh: { toMs: number; newest: number; high: number } | undefined;
  readonly #young: YoungRecords;
  readonly #seal: ValueSeal;

  constructor(db: Database.Database, options: BlockOptions, seal: ValueSeal) {
    this.#db = db;
    this.#options = options;
    this.#seal = seal;
    this.#decoded = new Recent(options.cacheBytes);
    this.#young = new YoungRecords(db, options.bytesPerSpan, seal);
    this.#sql = {
      places: db.prepare<[number, number], Place>(
        `SELECT c.seq, c.life_id AS lifeId, o.resource_id AS resourceId
         FROM change c JOIN life l ON l.id = c.life_id JOIN object o ON o.id = l.object_id WHERE c.seq BETWEEN ? AND ?`,
      ),
      sealedThrough: db.prepare<[], number | null>('SELECT max(last_seq) FROM span').pluck(),
      newest: db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck(),
      spanAdd: db.prepare<[number, number, number, number, number]>(
        `INSERT INTO span (first_seq, last_seq, level, ms_min, ms_max)
         SELECT ?, ?, ?, coalesce(min(observed_ms), 0), coalesce(max(observed_ms), 0) FROM change WHERE seq BETWEEN ? AND ?`,
      ),
      spanDelete: db.prepare<[number, number]>('DELETE FROM span WHERE last_seq BETWEEN ? AND ?'),
      spansOfLevel: db.prepare<[number, number], Span>(
        `SELECT first_seq AS firstSeq, last_seq AS lastSeq, level FROM span WHERE level = ? AND tier = 0 ORDER BY last_seq LIMIT ?`,
      ),
      spanOf: db.prepare<[number], number>('SELECT last_seq FROM span WHERE last_seq >= ? ORDER BY last_seq LIMIT 1').pluck(),
      blockAdd: db.prepare<[number, number, number, number, Buffer]>(
        'INSERT INTO block (span_seq, resource_id, life_id, seq, data) VALUES (?, ?, ?, ?, ?)',
      ),
      blockId: db
        .prepare<[number, number, number, number], number>(
          `SELECT id FROM block WHERE span_seq = ? AND (resource_id, life_id, seq) <= (?, ?, ?)
           ORDER BY resource_id DESC, life_id DESC, seq DESC LIMIT 1`,
        )
        .pluck(),
      block: db.prepare<[number], Buffer>('SELECT data FROM block WHERE id = ?').pluck(),
      blocksOf: db.prepare<[number, number], BlockRow>('SELECT id, data FROM block WHERE span_seq BETWEEN ? AND ? ORDER BY id'),
      blockPut: db.prepare<[Buffer, number]>('UPDATE block SET data = ? WHERE id = ?'),
      blockBegin: db.prepare<[Place & { id: number }]>(
        `UPDATE block SET resource_id = @resourceId, life_id = @lifeId, seq = @seq
         WHERE id = @id AND (resource_id, life_id, seq) > (@resourceId, @lifeId, @seq)`,
      ),
      blockDelete: db.prepare<[number, number]>('DELETE FROM block WHERE span_seq BETWEEN ? AND ?'),
      seqLow: db.prepare<[number], number | null>('SELECT min(first_seq) FROM span WHERE ms_max >= ?').pluck(),
      openHigh: db
        .prepare<[number, number], number | null>('SELECT max(seq) FROM change WHERE seq > ? AND observed_ms <= ?')
        .pluck(),
      seqHigh: db.prepare<[number], number | null>('SELECT max(last_seq) FROM span WHERE ms_min <= ?').pluck(),
    };
  }

  forget(): void {
    this.#decoded.clear();
    this.#sealedThrough = undefined;
    this.#lastHigh = undefined;
    this.#young.forget();
  }

  put(record: PlacedRecord): void {
    this.#young.put(record);
  }

  /** Writes what was put; to be called before the transaction ends. */
  flush(): void {
    this.#young.flush();
  }

  /** The record of a change that has one. Throws STORE_CORRUPT when it is missing or does not decode. */
  read(place: Place): string {
    const text = place.seq > this.#sealed() ? this.#young.text(place.seq) : this.#readSealed(place);
    if (text === undefined) throw corruptRecord('the revision data of a change is missing', `change ${place.seq}`);
    return text;
  }

  /** What a block of the span holds, in its order. */
  records(id: number, span: { firstSeq: number; lastSeq: number }): PlacedRecord[] {
    return this.#placed(this.#decode({ id, data: this.#sql.block.get(id) ?? Buffer.alloc(0) }).records(), span);
  }

  /** Puts other records into a block; their places are still in its stretch of the span, of which the first begins anywhere. */
  rewrite(id: number, records: PlacedRecord[]): void {
    const first = records.sort(compareByPlace)[0];
    if (first === undefined) return;
    this.#decoded.delete(id);
    this.#sql.blockPut.run(this.#seal.seal(encodeBlock(records, COMPRESSION_LEVELS[LEVEL_MAX] as number)), id);
    this.#sql.blockBegin.run({ id, resourceId: first.resourceId, lifeId: first.lifeId, seq: first.seq });
  }

  /** A block for a span in which no change had a record. */
  addEmpty(spanSeq: number): void {
    this.#sql.blockAdd.run(spanSeq, 0, 0, 0, this.#seal.seal(encodeBlock([], 1)));
  }

  /** The changes that can lie in a time range, from what the spans say of theirs; the young ones can always. */
  seqRange(fromMs: number | undefined, toMs: number | undefined): { low: number; high: number } {
    const low = fromMs === undefined ? 1 : (this.#sql.seqLow.get(fromMs) ?? this.#sealed() + 1);
    const newest = this.#sql.newest.get() ?? 0;
    return { low, high: toMs === undefined ? newest : this.#highest(toMs, newest) };
  }

  /** Asked for each object of a list at the same time, so the last answer is kept. */
  #highest(toMs: number, newest: number): number {
    if (this.#lastHigh?.toMs === toMs && this.#lastHigh.newest === newest) return this.#lastHigh.high;
    const high = this.#sql.openHigh.get(this.#sealed(), toMs) ?? this.#sql.seqHigh.get(toMs) ?? 0;
    this.#lastHigh = { toMs, newest, high };
    return high;
  }

  /** Seals and merges what is due, a transaction each. True when anything was done. */
  maintain(): boolean {
    this.#lastHigh = undefined;
    let worked = false;
    while (this.#sealNext()) worked = true;
    for (let level = 0; level < LEVEL_MAX; level++) while (this.#mergeNext(level)) worked = true;
    return worked;
  }

  #sealNext(): boolean {
    const firstSeq = this.#sealed() + 1;
    const lastSeq = this.#dueThrough();
    if (lastSeq === undefined) return false;
    this.#db.transaction(() => {
      const records = this.#placed(this.#young.take(firstSeq, lastSeq), { firstSeq, lastSeq });
      this.#write(records, { firstSeq, lastSeq, level: 0 });
    })();
    this.#sealedThrough = lastSeq;
    return true;
  }

  /** The last change of the next full span of young records; undefined while there are too few. */
  #dueThrough(): number | undefined {
    const sealed = this.#sealed();
    const full = sealed + this.#options.changesPerSpan;
    let bytes = 0;
    for (const row of this.#young.sizes(sealed)) {
      bytes += row.bytes;
      if (row.lastSeq >= full || bytes >= this.#options.bytesPerSpan) return row.lastSeq;
    }
    const newest = this.#sql.newest.get() ?? 0;
    return newest >= full ? newest : undefined;
  }

  #mergeNext(level: number): boolean {
    const spans = this.#sql.spansOfLevel.all(level, this.#options.spansPerMerge);
    const first = spans[0];
    const last = spans.at(-1);
    if (first === undefined || last === undefined || spans.length < this.#options.spansPerMerge) return false;
    this.#db.transaction(() => {
      const rows = this.#sql.blocksOf.all(first.lastSeq, last.lastSeq);
      const range = { firstSeq: first.firstSeq, lastSeq: last.lastSeq };
      const records = this.#placed(
        rows.flatMap((row) => this.#decode(row).records()),
        range,
      );
      this.#sql.blockDelete.run(first.lastSeq, last.lastSeq);
      this.#sql.spanDelete.run(first.lastSeq, last.lastSeq);
      this.#write(records, { ...range, level: level + 1 });
    })();
    // Row ids may be given again.
    this.#decoded.clear();
    return true;
  }

  /** With where they belong, which the rows of their changes say. */
  #placed(records: (RevisionRecord | PlacedRecord)[], range: { firstSeq: number; lastSeq: number }): PlacedRecord[] {
    if (records.every((record) => 'lifeId' in record)) return records;
    const places = new Map(this.#sql.places.all(range.firstSeq, range.lastSeq).map((place) => [place.seq, place]));
    return records.map((record) => {
      const place = places.get(record.seq);
      if (place === undefined) throw corruptRecord('revision data belongs to no change', `change ${record.seq}`);
      return { text: record.text, ...place };
    });
  }

  #write(records: PlacedRecord[], span: Span): void {
    records.sort(compareByPlace);
    const level = COMPRESSION_LEVELS[span.level] ?? COMPRESSION_LEVELS[LEVEL_MAX];
    for (let start = 0; start < records.length; ) {
      let end = start;
      for (let bytes = 0; end < records.length && bytes < this.#options.bytesPerBlock; end++) {
        bytes += (records[end] as PlacedRecord).text.length;
      }
      const first = records[start] as PlacedRecord;
      const data = this.#seal.seal(encodeBlock(records.slice(start, end), level as number));
      this.#sql.blockAdd.run(span.lastSeq, first.resourceId, first.lifeId, first.seq, data);
      start = end;
    }
    this.#sql.spanAdd.run(span.firstSeq, span.lastSeq, span.level, span.firstSeq, span.lastSeq);
  }

  #readSealed(place: Place): string | undefined {
    const span = this.#sql.spanOf.get(place.seq);
    if (span === undefined) return undefined;
    const id = this.#sql.blockId.get(span, place.resourceId, place.lifeId, place.seq);
    if (id === undefined) return undefined;
    let block = this.#decoded.get(id);
    if (block === undefined) {
      block = this.#decode({ id, data: this.#sql.block.get(id) ?? Buffer.alloc(0) });
      this.#decoded.set(id, block, block.bytes);
    }
    return block.text(place.seq);
  }

  #decode(row: BlockRow): DecodedBlock {
    const frame = this.#seal.open(row.data);
    try {
      return decodeBlock(frame);
    } catch (error) {
      throw corruptRecord('a block of revisions is damaged', `block ${row.id}`, error);
    }
  }

  #sealed(): number {
    this.#sealedThrough ??= this.#sql.sealedThrough.get() ?? 0;
    return this.#sealedThrough;
  }
}
