/**
 * Which runs of changes have their records in which blocks (`span`), from the blocks and the changes. A block is filed under the last change of its span, so
 * that a span goes from behind the one before it up to there. What blocks do not say: spans of which no change has a record are one with those after
 * them, or with what is young; where retention let go of all changes of some, those are one.
 */
import type Database from 'better-sqlite3';
import { isCrowsnestError } from '../../domain/errors.ts';
import { BLOCK_DEFAULTS } from '../log/block-options.ts';
import { STATISTICS } from '../log/retention-due.ts';
import { LARGE } from '../log/span-merger.ts';
import { decodeBlock } from '../pack/block-codec.ts';
import type { ValueSeal } from '../seal/value-seal.ts';

interface BlockRow {
  key: number;
  namespaceId: number;
  seq: number;
  tier: number;
  data: Buffer;
}

/** What the blocks under one key say together. */
interface Filed {
  key: number;
  /** Of the first change that has a record there. */
  firstSeq: number;
  records: number;
  /** Uncompressed. */
  bytes: number;
  tierMin: number;
  tierMax: number;
  byNamespace: number;
}

interface SpanRow {
  firstSeq: number;
  lastSeq: number;
  level: number;
  tier: number;
  key: number;
  byNamespace: number;
}

/** Fills an empty `span`; within a transaction. */
export function fillSpans(db: Database.Database, seal: ValueSeal): void {
  const add = db.prepare<[SpanRow]>(
    `INSERT INTO span (first_seq, last_seq, level, ms_min, ms_max, tier, block_key, by_namespace)
     SELECT @firstSeq, @lastSeq, @level, coalesce(min(observed_ms), 0), coalesce(max(observed_ms), 0), @tier, @key, @byNamespace
     FROM change WHERE seq BETWEEN @firstSeq AND @lastSeq`,
  );
  for (const span of spansOf(db, seal)) add.run(span);
}

/** True where spans leave out changes, or speak of them twice, or not of the blocks that hold them, or of another time. */
export function areSpansWrong(db: Database.Database, seal: ValueSeal): boolean {
  const isTold = db
    .prepare<[number, number, number], 1>('SELECT 1 FROM span WHERE last_seq = ? AND block_key = ? AND by_namespace >= ?')
    .pluck();
  const filed = withoutLeftovers(filedIn(db, seal));
  if (filed.some(({ key, byNamespace }) => isTold.get(Math.abs(key), key, byNamespace) === undefined)) return true;
  const faults = db
    .prepare<[], number>(
      `SELECT count(*) FROM span s WHERE abs(block_key) <> last_seq
         OR first_seq <> (SELECT coalesce(max(b.last_seq), 0) FROM span b WHERE b.last_seq < s.last_seq) + 1
         OR EXISTS (SELECT 1 FROM change c WHERE c.seq BETWEEN s.first_seq AND s.last_seq
                      AND (c.observed_ms < s.ms_min OR c.observed_ms > s.ms_max))`,
    )
    .pluck();
  return (faults.get() ?? 0) > 0;
}

/** One after the other, without a hole. */
function spansOf(db: Database.Database, seal: ValueSeal): SpanRow[] {
  const firstFrom = db.prepare<[number], number>('SELECT seq FROM change WHERE seq >= ? ORDER BY seq LIMIT 1').pluck();
  const spans: SpanRow[] = [];
  let next = 1;
  for (const filed of withoutLeftovers(filedIn(db, seal))) {
    const lastSeq = Math.abs(filed.key);
    const kept = Math.min(firstFrom.get(next) ?? next, lastSeq + 1);
    if (kept > next && kept <= lastSeq && filed.tierMin < STATISTICS) {
      spans.push({ firstSeq: next, lastSeq: kept - 1, level: 0, tier: STATISTICS, key: kept - 1, byNamespace: 0 });
      next = kept;
    }
    const { key, tierMin: tier, byNamespace } = filed;
    spans.push({ firstSeq: next, lastSeq, level: levelOf(filed, lastSeq - next + 1), tier, key, byNamespace });
    next = lastSeq + 1;
  }
  return spans;
}

/**
 * A merge that was broken off leaves blocks under the key of a large span beside all of the smaller ones that it was to be made of, or some of those
 * beside a large one that is whole. In order.
 */
function withoutLeftovers(filed: readonly Filed[]): Filed[] {
  const left = new Set(filed);
  const larges = filed.filter(({ key }) => key < 0).sort((a, b) => a.key - b.key);
  for (const large of larges.filter((one) => left.has(one))) {
    const within = [...left].filter(
      ({ key }) => key !== large.key && Math.abs(key) >= large.firstSeq && Math.abs(key) <= -large.key,
    );
    const smaller = within.filter(({ key }) => key > 0);
    // Retention works on what is whole.
    const isWhole = large.tierMax > 0 || large.records >= smaller.reduce((sum, { records }) => sum + records, 0);
    for (const one of isWhole ? within : [large]) left.delete(one);
  }
  return [...left].sort((a, b) => Math.abs(a.key) - Math.abs(b.key));
}

function filedIn(db: Database.Database, seal: ValueSeal): Filed[] {
  const newest = db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck().get() ?? 0;
  const blocks = db.prepare<[number, number], BlockRow>(
    'SELECT span_seq AS key, namespace_id AS namespaceId, seq, tier, data FROM block NOT INDEXED WHERE span_seq BETWEEN ? AND ?',
  );
  const byKey = new Map<number, Filed>();
  for (const { key, namespaceId, seq, tier, data } of blocks.iterate(-newest, newest)) {
    const held = heldIn(data, seq, seal);
    const before = byKey.get(key);
    byKey.set(key, {
      key,
      firstSeq: Math.min(before?.firstSeq ?? Number.POSITIVE_INFINITY, held.firstSeq),
      records: (before?.records ?? 0) + held.records,
      bytes: (before?.bytes ?? 0) + held.bytes,
      tierMin: Math.min(before?.tierMin ?? tier, tier),
      tierMax: Math.max(before?.tierMax ?? tier, tier),
      byNamespace: before?.byNamespace === 1 || namespaceId > 0 ? 1 : 0,
    });
  }
  return [...byKey.values()];
}

/** Of one that is damaged its first record is known. */
function heldIn(data: Buffer, firstSeq: number, seal: ValueSeal): Pick<Filed, 'firstSeq' | 'records' | 'bytes'> {
  try {
    const block = decodeBlock(seal.open(data));
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < block.count; i++) least = Math.min(least, block.seqAt(i));
    const held = { firstSeq: least, records: block.count, bytes: block.data.length };
    block.free();
    return held;
  } catch (error) {
    if (isCrowsnestError(error) && error.code !== 'STORE_CORRUPT') throw error;
    return { firstSeq, records: 1, bytes: 0 };
  }
}

/** Small spans are made of so many changes, or bytes, at most and a batch more; of eight of them, four have one or the other. One taken for a small one is merged once more. */
function levelOf({ key, bytes }: Filed, changes: number): number {
  if (key < 0) return LARGE;
  const { changesPerSpan, bytesPerSpan, spansPerMerge } = BLOCK_DEFAULTS;
  return changes >= (changesPerSpan * spansPerMerge) / 2 || bytes >= (bytesPerSpan * spansPerMerge) / 2 ? 1 : 0;
}
