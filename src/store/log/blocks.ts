/**
 * Where the revision data of a change lies: with what was appended together while it is young (young-records.ts), later in a block shared
 * with some hundred others. Sealing turns a run of young records into blocks; merging (span-merger.ts) turns a run of neighbouring spans into a
 * larger one. Both keep the order (resource, life, seq) within a span, so that one object's revisions lie side by side, where
 * they compress best and a chain is read from one block.
 */
import type Database from 'better-sqlite3';
import { freeBytes } from '../../domain/free-bytes.ts';
import { Recent } from '../../domain/recent.ts';
import { isDamage } from '../containment.ts';
import { type DecodedBlock, decodeBlock, encodeBlock, type RevisionRecord, textBytes } from '../pack/block-codec.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { corruptRecord } from '../store-errors.ts';
import type { BlockOptions } from './block-options.ts';
import { LifeResources } from './life-resources.ts';
import type { Life } from './objects.ts';
import { COMPRESSION_LEVELS, SpanMerger, type WholeOf } from './span-merger.ts';
import { compareByPlace, type Place, type PlacedRecord, YoungRecords } from './young-records.ts';

/** Blocks looked at before the index is asked. */
const LAST_MAX = 8;
/** Of blocks that were thinned. */
const REWRITE_LEVEL = 9;

interface Range {
  firstSeq: number;
  lastSeq: number;
}

/** A span, and whether it is sorted by namespace first (1) or by resource (0). */
interface Sorted {
  key: number;
  byNamespace: number;
}

const YOUNG = { key: 0, byNamespace: 0, lastSeq: Number.MAX_SAFE_INTEGER };

/** A block that was read, and the span it is of. */
type OpenBlock = DecodedBlock & Sorted & { isKept: boolean };

const PLACES = `SELECT c.seq, c.life_id AS lifeId, o.resource_id AS resourceId, o.namespace_id AS namespaceId
  FROM change c JOIN life l ON l.id = c.life_id JOIN object o ON o.id = l.object_id`;

/** Throws STORE_CORRUPT on a record without a place. */
function placedAt(
  records: readonly RevisionRecord[],
  places: readonly Place[],
  { byNamespace }: Pick<Sorted, 'byNamespace'>,
): PlacedRecord[] {
  const bySeq = new Map(places.map((place) => [place.seq, place]));
  return records.map(({ seq, text }) => {
    const place = bySeq.get(seq);
    if (place === undefined) throw corruptRecord('revision data belongs to no change', `change ${seq}`);
    return { text, ...place, namespaceId: byNamespace === 0 ? 0 : place.namespaceId };
  });
}

/** Where a change of a life belongs in a span. */
export function placeIn({ byNamespace }: Pick<Sorted, 'byNamespace'>, life: Life, seq: number): Place {
  return { seq, lifeId: life.id, resourceId: life.resourceId, namespaceId: byNamespace === 0 ? 0 : life.namespaceId };
}

export class Blocks {
  readonly #db: Database.Database;
  readonly #options: BlockOptions;
  readonly #decoded: Recent<number, OpenBlock>;
  readonly #sql;
  #sealedThrough: number | undefined;
  /** Read last: the records of a chain lie side by side, and no two blocks hold the same change. */
  #last: readonly OpenBlock[] = [];
  readonly #young: YoungRecords;
  readonly #resources: LifeResources;
  readonly #seal: ValueSeal;
  readonly #merger: SpanMerger;
  #inflated = 0;

  constructor(db: Database.Database, options: BlockOptions, seal: ValueSeal) {
    this.#db = db;
    this.#options = options;
    this.#seal = seal;
    this.#decoded = new Recent(options.cacheBytes, (block) => {
      block.isKept = false;
      if (!this.#last.includes(block)) block.free();
    });
    this.#young = new YoungRecords(db, options.bytesPerSpan, seal);
    this.#resources = new LifeResources(db);
    this.#sql = {
      places: db.prepare<[number, number], Place>(`${PLACES} WHERE c.seq BETWEEN ? AND ?`),
      somePlaces: db.prepare<[string], Place>(`${PLACES} WHERE c.seq IN (SELECT value FROM json_each(?))`),
      sealedThrough: db.prepare<[], number | null>('SELECT max(last_seq) FROM span').pluck(),
      filedThrough: db
        .prepare<[], number | null>(
          `SELECT max((SELECT coalesce(max(span_seq), 0) FROM block WHERE span_seq <= n.seq), (SELECT coalesce(-min(span_seq), 0) FROM block WHERE span_seq >= -n.seq))
           FROM (SELECT max(seq) AS seq FROM change) n`,
        )
        .pluck(),
      newest: db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck(),
      lives: db.prepare<[number, number], [number, number]>('SELECT seq, life_id FROM change WHERE seq BETWEEN ? AND ?').raw(),
      spanAdd: db.prepare<[number, number, number, number, number]>(
        `INSERT INTO span (first_seq, last_seq, level, ms_min, ms_max, block_key)
         SELECT ?, ?, 0, coalesce(min(observed_ms), 0), coalesce(max(observed_ms), 0), ? FROM change WHERE seq BETWEEN ? AND ?`,
      ),
      spanOf: db.prepare<[number], Sorted & { lastSeq: number }>(
        'SELECT block_key AS key, by_namespace AS byNamespace, last_seq AS lastSeq FROM span WHERE last_seq >= ? ORDER BY last_seq LIMIT 1',
      ),
      blockAdd: db.prepare<[number, number, number, number, Buffer]>(
        'INSERT INTO block (span_seq, resource_id, life_id, seq, data) VALUES (?, ?, ?, ?, ?)',
      ),
      blockId: db
        .prepare<[number, number, number, number, number], number>(
          `SELECT id FROM block WHERE span_seq = ? AND (namespace_id, resource_id, life_id, seq) <= (?, ?, ?, ?)
           ORDER BY namespace_id DESC, resource_id DESC, life_id DESC, seq DESC LIMIT 1`,
        )
        .pluck(),
      block: db.prepare<[number], Buffer>('SELECT data FROM block WHERE id = ?').pluck(),
      keyOf: db.prepare<[number], number>('SELECT span_seq FROM block WHERE id = ?').pluck(),
      blockGone: db.prepare<[number]>('DELETE FROM block WHERE id = ?'),
      blockPut: db.prepare<[Buffer, number]>('UPDATE block SET data = ? WHERE id = ?'),
      blockBegin: db.prepare<[Place & { id: number }]>(
        `UPDATE block SET namespace_id = @namespaceId, resource_id = @resourceId, life_id = @lifeId, seq = @seq
         WHERE id = @id AND (namespace_id, resource_id, life_id, seq) > (@namespaceId, @resourceId, @lifeId, @seq)`,
      ),
    };
    this.#merger = new SpanMerger({
      ...{ db, options },
      encode: (records, level) => seal.seal(encodeBlock(records, level)),
      decode: (id) => this.#decode(id),
      livesOf: (firstSeq, lastSeq) => this.#sql.lives.all(firstSeq, lastSeq),
      resourceOf: (lifeId) => this.#resources.of(lifeId),
      namespaceOf: (lifeId) => this.#resources.namespaceOf(lifeId),
      gone: (ids) => {
        for (const id of ids) this.#decoded.delete(id);
        this.#last = [];
      },
    });
  }

  forget(): void {
    this.#merger.abandon();
    this.#decoded.clear();
    this.#last = [];
    this.#sealedThrough = undefined;
    this.#young.forget();
    this.#resources.forget();
  }

  /** Blocks kept for reading, and how many were not among them when they were asked for. */
  get cache(): { bytes: number; inflated: number } {
    return { bytes: this.#decoded.weight, inflated: this.#inflated };
  }

  /** Lives were removed, whose ids may be given again. */
  livesGone(): void {
    this.#resources.forget();
  }

  put(record: PlacedRecord): void {
    this.#young.put(record);
  }

  /** Writes what was put; to be called before the transaction ends. */
  flush(): void {
    this.#young.flush();
  }

  /** The record of a change that has one. Throws STORE_CORRUPT when it is missing or does not decode. */
  read(seq: number, life: Life): string {
    const text = seq > this.sealedThrough ? this.#young.text(seq) : this.#readSealed(seq, life);
    if (text === undefined) throw corruptRecord('the revision data of a change is missing', `change ${seq}`);
    return text;
  }

  /** In which order records of some changes lie: their places in the list. */
  orderOf(asked: readonly { seq: number; life: Life | undefined }[]): number[] {
    const bySeq = asked.map(({ seq, life }, i) => ({ i, seq, life })).sort((a, b) => a.seq - b.seq);
    const placed: { i: number; lastSeq: number; place: Place }[] = [];
    let span: (Sorted & { lastSeq: number }) | undefined;
    for (const { i, seq, life } of bySeq) {
      if (span === undefined || seq > span.lastSeq) span = this.#sql.spanOf.get(seq) ?? YOUNG;
      const nowhere = { seq, namespaceId: 0, resourceId: 0, lifeId: 0 };
      placed.push({ i, lastSeq: span.lastSeq, place: life === undefined || span === YOUNG ? nowhere : placeIn(span, life, seq) });
    }
    return placed.sort((a, b) => a.lastSeq - b.lastSeq || compareByPlace(a.place, b.place)).map(({ i }) => i);
  }

  /** What a block of the span holds, in its order. */
  records(id: number, span: Pick<Sorted, 'byNamespace'>): PlacedRecord[] {
    const records = this.#decode(id).records();
    // Not those of the whole span, of which a large one has as many as 131,072.
    return placedAt(records, this.#sql.somePlaces.all(JSON.stringify(records.map(({ seq }) => seq))), span);
  }

  /** A block that holds nothing any more. Its number may be given to another one. */
  remove(id: number): void {
    this.#decoded.delete(id);
    this.#last = [];
    this.#merger.touched(this.#sql.keyOf.get(id) ?? 0);
    this.#sql.blockGone.run(id);
  }

  /** Puts other records into a block; their places are still in its stretch of the span, of which the first begins anywhere. */
  rewrite(id: number, records: PlacedRecord[]): void {
    const first = records.sort(compareByPlace)[0];
    if (first === undefined) return;
    this.#decoded.delete(id);
    this.#last = [];
    this.#merger.touched(this.#sql.keyOf.get(id) ?? 0);
    this.#sql.blockPut.run(this.#seal.seal(encodeBlock(records, REWRITE_LEVEL)), id);
    const { namespaceId, resourceId, lifeId, seq } = first;
    this.#sql.blockBegin.run({ id, namespaceId, resourceId, lifeId, seq });
  }

  touched(key: number): void {
    this.#merger.touched(key);
  }

  /** A block for a span in which no change had a record. */
  addEmpty(key: number): void {
    this.#merger.touched(key);
    this.#sql.blockAdd.run(key, 0, 0, 0, this.#seal.seal(encodeBlock([], 1)));
  }

  /** Seals what is due, a transaction each, and merges spans until it is time to stop. True when anything was done. */
  maintain(wholeOf: WholeOf, isOver: () => boolean): boolean {
    let worked = false;
    do {
      if (!this.#sealNext() && !this.#merger.step(wholeOf)) break;
      worked = true;
    } while (!isOver());
    return worked;
  }

  #sealNext(): boolean {
    const firstSeq = this.sealedThrough + 1;
    const lastSeq = this.#dueThrough();
    if (lastSeq === undefined) return false;
    const free = this.#db.transaction(() => {
      const taken = this.#young.take(firstSeq, lastSeq);
      this.#write(this.#placed(taken.records, { firstSeq, lastSeq, byNamespace: 0 }), { firstSeq, lastSeq });
      return taken.free;
    })();
    free();
    this.#sealedThrough = lastSeq;
    return true;
  }

  /** The last change of the next full span of young records; undefined while there are too few. */
  #dueThrough(): number | undefined {
    const sealed = this.sealedThrough;
    const full = sealed + this.#options.changesPerSpan;
    let bytes = 0;
    for (const row of this.#young.sizes(sealed)) {
      bytes += row.bytes;
      if (row.lastSeq >= full || bytes >= this.#options.bytesPerSpan) return row.lastSeq;
    }
    const newest = this.#sql.newest.get() ?? 0;
    return newest >= full ? newest : undefined;
  }

  /** With where they belong, which the rows of their changes say. */
  #placed(records: (RevisionRecord | PlacedRecord)[], range: Range & Pick<Sorted, 'byNamespace'>): PlacedRecord[] {
    if (records.every((record) => 'lifeId' in record)) return records;
    return placedAt(records, this.#sql.places.all(range.firstSeq, range.lastSeq), range);
  }

  #write(records: PlacedRecord[], span: Range): void {
    records.sort(compareByPlace);
    for (let start = 0; start < records.length; ) {
      let end = start;
      for (let bytes = 0; end < records.length && bytes < this.#options.bytesPerBlock; end++) {
        bytes += textBytes(records[end] as PlacedRecord);
      }
      const first = records[start] as PlacedRecord;
      const data = this.#seal.seal(encodeBlock(records.slice(start, end), COMPRESSION_LEVELS[0]));
      this.#sql.blockAdd.run(span.lastSeq, first.resourceId, first.lifeId, first.seq, data);
      freeBytes(data);
      start = end;
    }
    this.#sql.spanAdd.run(span.firstSeq, span.lastSeq, span.lastSeq, span.firstSeq, span.lastSeq);
  }

  /**
   * The records of a life back from that of a change, newest first, as far as they lie in its span, where that is a large one: there they lie side by side
   * and the first is a whole state, so that no change has to be asked which comes before it. None elsewhere. Where that first one was lost to
   * damage, they go on with those of another life. To be gone through at once: what else is read meanwhile may take a block's memory.
   */
  *backInLarge(seq: number, life: Life): Generator<RevisionRecord> {
    let found = seq > this.sealedThrough ? undefined : this.#find(seq, life);
    while (found !== undefined && found.block.key < 0) {
      const { block } = found;
      for (let i = found.index; i >= 0; i--) yield { seq: block.seqAt(i), text: block.textAt(i) };
      const before = this.#blockOf(block, life, block.seqAt(0) - 1);
      found = before === undefined ? undefined : { block: before, index: before.count - 1 };
    }
  }

  #readSealed(seq: number, life: Life): string | undefined {
    const found = this.#find(seq, life);
    return found?.block.textAt(found.index);
  }

  /** Where the record of a change lies; undefined where there is none. */
  #find(seq: number, life: Life): { block: OpenBlock; index: number } | undefined {
    for (const block of this.#last) {
      const index = block.indexOf(seq);
      if (index >= 0) return { block, index };
    }
    const span = this.#sql.spanOf.get(seq);
    const block = span === undefined ? undefined : this.#blockOf(span, life, seq);
    const index = block?.indexOf(seq) ?? -1;
    return block === undefined || index < 0 ? undefined : { block, index };
  }

  /** The block of a span that a place of a life lies in. */
  #blockOf(span: Sorted, life: Life, seq: number): OpenBlock | undefined {
    const { namespaceId, resourceId, lifeId } = placeIn(span, life, seq);
    const id = this.#sql.blockId.get(span.key, namespaceId, resourceId, lifeId, seq);
    if (id === undefined) return undefined;
    let block = this.#decoded.get(id);
    if (block === undefined) {
      block = { ...this.#decode(id), key: span.key, byNamespace: span.byNamespace, isKept: true };
      this.#inflated += 1;
      // First, so that it stays where it is too large to be kept.
      this.#readLast(block);
      this.#decoded.set(id, block, block.bytes);
    } else this.#readLast(block);
    return block;
  }

  #readLast(block: OpenBlock): void {
    const last = [block, ...this.#last.filter((other) => other !== block)];
    this.#last = last.slice(0, LAST_MAX);
    for (const other of last.slice(LAST_MAX)) if (!other.isKept) other.free();
  }

  #decode(id: number): DecodedBlock {
    const stored = this.#sql.block.get(id) ?? Buffer.alloc(0);
    const frame = this.#seal.open(stored);
    try {
      return decodeBlock(frame);
    } catch (error) {
      throw corruptRecord('a block of revisions is damaged', `block ${id}`, error);
    } finally {
      freeBytes(stored);
      if (frame !== stored) freeBytes(frame);
    }
  }

  /** The last change whose record is in a block. */
  get sealedThrough(): number {
    this.#sealedThrough ??= Math.max(this.#sql.sealedThrough.get() ?? 0, this.#filedThrough());
    return this.#sealedThrough;
  }

  /** What blocks say of it: where the newest rows of `span` are lost to damage, no other span may take the place of theirs. */
  #filedThrough(): number {
    try {
      return this.#sql.filedThrough.get() ?? 0;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return 0;
    }
  }
}
