/**
 * Merges neighbouring spans into a larger one: some of level 0 into one of level 1, and those of some 100,000 changes into a large span (level 2),
 * where the first record of each life is a whole state, so that a revision is read from one block.
 *
 * Works in small steps, between which the store is read and written: what is read stays where it is until one transaction puts the new span in
 * its place. The blocks of a large span are too many for that transaction and are written before it, under a key that no span has yet;
 * those it replaces go after it. A process killed in between leaves blocks that belong to no span; the next one sweeps them out. Blocks of which the span was
 * lost to damage belong to none either, and are all that is left of what they hold: they stay.
 */
import type Database from 'better-sqlite3';
import { freeBytes } from '../../domain/free-bytes.ts';
import { isDamage } from '../containment.ts';
import { type DecodedBlock, type RevisionRecord, textBytes } from '../pack/block-codec.ts';
import { corruptRecord } from '../store-errors.ts';
import type { BlockOptions } from './block-options.ts';
import { mergeSorted, type OpenSource, openSource } from './sorted-merge.ts';
import { compareByPlace, PlacedBytes, type PlacedRecord } from './young-records.ts';

export interface MergerParts {
  db: Database.Database;
  options: BlockOptions;
  encode: (records: readonly RevisionRecord[], level: number) => Buffer;
  /** A block by itself: nobody frees it. */
  decode: (id: number) => Pick<DecodedBlock, 'count' | 'seqAt' | 'placeAt' | 'data' | 'free'>;
  /** The changes of a stretch of the log that there are, each with its life. */
  livesOf: (firstSeq: number, lastSeq: number) => readonly [seq: number, lifeId: number][];
  /** Undefined when there is no such life. */
  resourceOf: (lifeId: number) => number | undefined;
  namespaceOf: (lifeId: number) => number | undefined;
  /** Blocks are no longer there; others may get their ids. */
  gone: (ids: readonly number[]) => void;
}

/** The record of a change as a whole state; undefined where it is one already or cannot be built. */
export type WholeOf = (record: PlacedRecord) => string | undefined;

interface SpanRow {
  firstSeq: number;
  lastSeq: number;
  level: number;
  msMin: number;
  msMax: number;
  key: number;
  byNamespace: number;
}

interface EncodedBlock {
  first: PlacedRecord;
  data: Buffer;
}

export const LARGE = 2;
/** zstd levels by span level: the first is quick since it is done again. */
export const COMPRESSION_LEVELS = [3, 9, 9] as const;
/** Between two steps. */
const RECORDS_PER_STEP = 64;
const LIVES_PER_STEP = 128;
/** Blocks of a large span are written when they are this many bytes. */
const BYTES_PER_WRITE = 256 * 1024;
const SWEPT_PER_STEP = 32;

type Spent = Pick<DecodedBlock, 'free'>;

export class SpanMerger {
  readonly #parts: MergerParts;
  readonly #sql;
  #work: { keys: ReadonlySet<number>; steps: Generator<void> } | undefined;
  #isSwept = false;
  /** False once it turned out that which spans there are is damaged. */
  #maySweep = true;
  /**
   * By level: behind this change lies all that may become part of a run. What is before it stays as it is, since spans only come behind the others, or in
   * place of smaller ones that were merged before those behind them; so each is looked at a few times in all, however many there are.
   */
  readonly #looked: [number, number] = [0, 0];
  /** Spans that could not be merged because something in them is damaged. */
  readonly #damaged = new Set<number>();

  constructor(parts: MergerParts) {
    const { db } = parts;
    this.#parts = parts;
    const columns =
      'first_seq AS firstSeq, last_seq AS lastSeq, level, ms_min AS msMin, ms_max AS msMax, block_key AS key, by_namespace AS byNamespace';
    this.#sql = {
      ofLevel: db.prepare<[number, number], SpanRow>(
        `SELECT ${columns} FROM span WHERE level = ? AND tier = 0 AND last_seq > ? ORDER BY last_seq`,
      ),
      between: db.prepare<[number, number], SpanRow>(
        `SELECT ${columns} FROM span WHERE last_seq BETWEEN ? AND ? AND tier = 0 ORDER BY last_seq`,
      ),
      add: db.prepare<[SpanRow]>(
        `INSERT INTO span (first_seq, last_seq, level, ms_min, ms_max, block_key, by_namespace)
         VALUES (@firstSeq, @lastSeq, @level, @msMin, @msMax, @key, @byNamespace)`,
      ),
      delete: db.prepare<[number, number]>('DELETE FROM span WHERE last_seq BETWEEN ? AND ?'),
      blockIds: db
        .prepare<[number], number>('SELECT id FROM block WHERE span_seq = ? ORDER BY namespace_id, resource_id, life_id, seq')
        .pluck(),
      blockAdd: db.prepare<[number, number, number, number, number, Buffer]>(
        'INSERT INTO block (span_seq, namespace_id, resource_id, life_id, seq, data) VALUES (?, ?, ?, ?, ?, ?)',
      ),
      blockDelete: db.prepare<[number]>('DELETE FROM block WHERE id = ?'),
      keyAfter: db.prepare<[number], number>('SELECT span_seq FROM block WHERE span_seq > ? ORDER BY span_seq LIMIT 1').pluck(),
      isUsed: db.prepare<[number, number], number>('SELECT 1 FROM span WHERE last_seq = abs(?) AND block_key = ?').pluck(),
      beginOf: db.prepare<[number], { lifeId: number; seq: number }>('SELECT life_id AS lifeId, seq FROM block WHERE id = ?'),
      spanAt: db.prepare<[number], SpanRow>(`SELECT ${columns} FROM span WHERE last_seq >= ? ORDER BY last_seq LIMIT 1`),
      blockAt: db
        .prepare<[number, number, number, number, number], number>(
          `SELECT id FROM block WHERE span_seq = ? AND (namespace_id, resource_id, life_id, seq) <= (?, ?, ?, ?)
           ORDER BY namespace_id DESC, resource_id DESC, life_id DESC, seq DESC LIMIT 1`,
        )
        .pluck(),
    };
  }

  /** What is under way is given up, and its traces looked for. */
  abandon(): void {
    this.#work = undefined;
    this.#isSwept = false;
  }

  /** The blocks of a span were changed: what was read of them is no longer true. */
  touched(key: number): void {
    if (this.#work?.keys.has(key) === true) this.abandon();
  }

  /** Does a piece of what is due; false when nothing is. Throws STORE_CORRUPT once for spans of which something is damaged. */
  step(wholeOf: WholeOf): boolean {
    this.#work ??= this.#due(wholeOf);
    if (this.#work === undefined) return false;
    const { keys, steps } = this.#work;
    try {
      if (steps.next().done === true) this.#work = undefined;
    } catch (error) {
      this.abandon();
      if (isDamage(error)) for (const key of keys) this.#damaged.add(key);
      throw error;
    }
    return true;
  }

  #due(wholeOf: WholeOf): { keys: ReadonlySet<number>; steps: Generator<void> } | undefined {
    if (!this.#isSwept && this.#maySweep) return { keys: new Set(), steps: this.#sweep() };
    const run = this.#smallRun() ?? this.#largeRun();
    if (run === undefined) return undefined;
    return { keys: new Set(run.map(({ key }) => key)), steps: this.#merge(run, wholeOf) };
  }

  #smallRun(): SpanRow[] | undefined {
    const { spansPerMerge } = this.#parts.options;
    return this.#run(0, (run, span) => run.push(span) === spansPerMerge);
  }

  /** Neighbours of enough changes that are not of too much time. */
  #largeRun(): SpanRow[] | undefined {
    const { changesPerLargeSpan, msPerLargeSpan } = this.#parts.options;
    return this.#run(1, (run, span) => {
      while (run[0] !== undefined && span.msMax - run[0].msMin > msPerLargeSpan) run.shift();
      run.push(span);
      return span.lastSeq - (run[0] as SpanRow).firstSeq + 1 >= changesPerLargeSpan;
    });
  }

  /** The oldest run of neighbours of a level; `add` adds a span to the others, or leaves some of them out, and says whether they are enough. */
  #run(level: 0 | 1, add: (run: SpanRow[], span: SpanRow) => boolean): SpanRow[] | undefined {
    const run: SpanRow[] = [];
    let isEnough = false;
    for (const span of this.#sql.ofLevel.iterate(level, this.#looked[level])) {
      if (this.#damaged.has(span.key)) continue;
      if (span.firstSeq !== (run.at(-1)?.lastSeq ?? span.firstSeq - 1) + 1) run.length = 0;
      isEnough = add(run, span);
      if (isEnough) break;
    }
    if (run[0] !== undefined) this.#looked[level] = run[0].firstSeq - 1;
    return isEnough ? run : undefined;
  }

  /** Where so much happens that a large span will be made of it: then reading counts for more than the last bytes. */
  #isDense(run: readonly SpanRow[]): boolean {
    const { changesPerLargeSpan, msPerLargeSpan } = this.#parts.options;
    const [first, last] = [run[0] as SpanRow, run.at(-1) as SpanRow];
    const changes = last.lastSeq - first.firstSeq + 1;
    const ms = Math.max(...run.map(({ msMax }) => msMax)) - Math.min(...run.map(({ msMin }) => msMin));
    return ms * changesPerLargeSpan <= msPerLargeSpan * changes;
  }

  *#merge(run: readonly SpanRow[], wholeOf: WholeOf): Generator<void> {
    const [first, last] = [run[0] as SpanRow, run.at(-1) as SpanRow];
    const level = first.level + 1;
    const isLarge = level === LARGE;
    const span: SpanRow = {
      firstSeq: first.firstSeq,
      lastSeq: last.lastSeq,
      level,
      msMin: Math.min(...run.map(({ msMin }) => msMin)),
      msMax: Math.max(...run.map(({ msMax }) => msMax)),
      key: isLarge ? -last.lastSeq : last.lastSeq,
      byNamespace: (isLarge ? isMostlyByNamespace(run) : this.#isDense(run)) ? 1 : 0,
    };
    let written: EncodedBlock[] = [];
    for (const block of this.#blocks(run, span, isLarge ? wholeOf : () => undefined)) {
      if (block !== undefined) written.push(block);
      if (isLarge && written.reduce((sum, { data }) => sum + data.length, 0) >= BYTES_PER_WRITE) {
        const due = written;
        written = [];
        this.#parts.db.transaction(() => this.#write(span.key, due)).immediate();
      }
      yield;
    }
    this.#parts.db.transaction(() => this.#swap(run, span, written)).immediate();
    // Those of a large one stay for a while under their old keys.
    if (isLarge) yield* this.#sweep(new Set(run.map(({ key }) => key)));
  }

  /** The blocks of the merged span one after the other, with nothing in between where that takes its time. */
  *#blocks(run: readonly SpanRow[], { level, byNamespace }: SpanRow, wholeOf: WholeOf): Generator<EncodedBlock | undefined> {
    const { options, encode } = this.#parts;
    const sources: OpenSource<PlacedRecord>[] = [];
    /** All of their records were taken; those of the block under way are still read. */
    const spent: Spent[] = [];
    const encoded = (records: PlacedRecord[]): EncodedBlock => {
      const data = encode(records, COMPRESSION_LEVELS[level] as number);
      for (const source of spent.splice(0)) source.free();
      return { first: records[0] as PlacedRecord, data };
    };
    for (const span of run) {
      const lives = this.#lives(span);
      // Asked for beforehand, as a span that is sorted otherwise asks for all of them in one go.
      for (let start = 0; start < lives.length; start += LIVES_PER_STEP) {
        for (const lifeId of lives.subarray(start, start + LIVES_PER_STEP)) if (lifeId !== 0) this.#parts.resourceOf(lifeId);
        yield undefined;
      }
      const source = openSource(this.#records(span, byNamespace, lives, spent));
      if (source !== undefined) sources.push(source);
      yield undefined;
    }
    const bytesMax = level === LARGE || byNamespace === 1 ? options.bytesPerLargeBlock : options.bytesPerBlock;
    let [block, bytes, taken, lifeId] = [[] as PlacedRecord[], 0, 0, -1];
    for (const record of mergeSorted(sources, compareByPlace)) {
      const whole = record.lifeId === lifeId ? undefined : wholeOf(record);
      const { seq, namespaceId, resourceId } = record;
      lifeId = record.lifeId;
      const merged = whole === undefined ? record : { seq, namespaceId, resourceId, lifeId, text: whole };
      block.push(merged);
      bytes += textBytes(merged);
      taken += 1;
      if (bytes >= bytesMax) {
        yield encoded(block);
        [block, bytes] = [[], 0];
      } else if (whole !== undefined || taken % RECORDS_PER_STEP === 0) yield undefined;
    }
    if (block.length > 0) yield encoded(block);
  }

  /** In the order of the span that is made. One that is sorted otherwise is small: it is read as a whole. */
  #records(span: SpanRow, byNamespace: number, lives: Float64Array, spent: Spent[]): Iterable<PlacedRecord> {
    if (span.byNamespace === byNamespace) return this.#stored(span, byNamespace, lives, spent);
    return this.#sorted(span, byNamespace, lives, spent);
  }

  *#sorted(span: SpanRow, byNamespace: number, lives: Float64Array, spent: Spent[]): Generator<PlacedRecord> {
    const blocks: Spent[] = [];
    yield* [...this.#stored(span, byNamespace, lives, blocks)].sort(compareByPlace);
    spent.push(...blocks);
  }

  /** Of each change of a span: all at once, as asking for each costs more than all the rest of merging it; 0 where there is no such change. */
  #lives({ firstSeq, lastSeq }: SpanRow): Float64Array {
    const lives = new Float64Array(lastSeq - firstSeq + 1);
    for (const [seq, lifeId] of this.#parts.livesOf(firstSeq, lastSeq)) lives[seq - firstSeq] = lifeId;
    return lives;
  }

  /** Blocks go to `spent` once their last record was taken. */
  *#stored({ key, firstSeq }: SpanRow, byNamespace: number, lives: Float64Array, spent: Spent[]): Generator<PlacedRecord> {
    const { decode, resourceOf, namespaceOf } = this.#parts;
    for (const id of this.#sql.blockIds.all(key)) {
      const block = decode(id);
      for (let i = 0; i < block.count; i++) {
        const seq = block.seqAt(i);
        const lifeId = lives[seq - firstSeq] ?? 0;
        const resourceId = resourceOf(lifeId);
        const namespaceId = byNamespace === 0 ? 0 : namespaceOf(lifeId);
        if (lifeId === 0 || resourceId === undefined || namespaceId === undefined)
          throw corruptRecord('revision data belongs to no change', `change ${seq}`);
        yield new PlacedBytes({ seq, lifeId, resourceId, namespaceId }, { bytes: block.data, ...block.placeAt(i) });
      }
      spent.push(block);
    }
    freeBytes(lives);
  }

  #swap(run: readonly SpanRow[], span: SpanRow, rest: readonly EncodedBlock[]): void {
    const now = this.#sql.between.all(span.firstSeq, span.lastSeq);
    if (now.length !== run.length || now.some(({ key }, i) => key !== run[i]?.key))
      throw new Error(`the spans of changes ${span.firstSeq} to ${span.lastSeq} changed while they were merged`);
    if (span.level !== LARGE) for (const { key } of run) this.#delete(this.#sql.blockIds.all(key));
    this.#write(span.key, rest);
    this.#sql.delete.run(span.firstSeq, span.lastSeq);
    this.#sql.add.run(span);
  }

  #write(key: number, blocks: readonly EncodedBlock[]): void {
    for (const { first, data } of blocks) {
      const { namespaceId, resourceId, lifeId, seq } = first;
      this.#sql.blockAdd.run(key, namespaceId, resourceId, lifeId, seq, data);
      freeBytes(data);
    }
  }

  #delete(ids: readonly number[]): void {
    for (const id of ids) this.#sql.blockDelete.run(id);
    this.#parts.gone(ids);
  }

  /** Blocks that belong to no span: those of the spans that were just replaced, and what is held by another block too. */
  *#sweep(replaced: ReadonlySet<number> = new Set()): Generator<void> {
    for (let key = this.#sql.keyAfter.get(-Number.MAX_SAFE_INTEGER); key !== undefined; key = this.#sql.keyAfter.get(key)) {
      if (this.#sql.isUsed.get(key, key) !== undefined) continue;
      const isKnown = replaced.has(key);
      if (!isKnown) this.#assertSpansSound(key);
      const ids = this.#sql.blockIds.all(key);
      const step = isKnown ? SWEPT_PER_STEP : 1;
      for (let start = 0; start < ids.length; start += step) {
        const gone = ids.slice(start, start + step).filter((id) => isKnown || this.#isHeldTwice(id));
        if (gone.length > 0) this.#parts.db.transaction(() => this.#delete(gone)).immediate();
        yield;
      }
    }
    this.#isSwept = true;
  }

  #assertSpansSound(key: number): void {
    if (this.#parts.db.pragma('integrity_check(span)', { simple: true }) === 'ok') return;
    this.#maySweep = false;
    throw corruptRecord('which spans there are is damaged, so that nothing is known to belong to none', `block of span ${key}`);
  }

  /** Whether the first change of a block is in a block of the span that has it. */
  #isHeldTwice(id: number): boolean {
    const { decode, resourceOf, namespaceOf } = this.#parts;
    const begin = this.#sql.beginOf.get(id);
    const span = begin === undefined ? undefined : this.#sql.spanAt.get(begin.seq);
    if (begin === undefined || span === undefined) return false;
    const resourceId = resourceOf(begin.lifeId) ?? 0;
    const namespaceId = span.byNamespace === 0 ? 0 : (namespaceOf(begin.lifeId) ?? 0);
    const other = this.#sql.blockAt.get(span.key, namespaceId, resourceId, begin.lifeId, begin.seq);
    if (other === undefined) return false;
    const block = decode(other);
    const isHeld = Array.from({ length: block.count }, (_, i) => block.seqAt(i)).includes(begin.seq);
    block.free();
    return isHeld;
  }
}

/** Of spans of an earlier version few are, and the states of lives in another order than theirs would have to be gathered from everywhere. */
function isMostlyByNamespace(run: readonly SpanRow[]): boolean {
  return run.filter(({ byNamespace }) => byNamespace === 1).length * 2 >= run.length;
}
