/** The states: every span follows the one before, every block decodes to the records of its span, and every revision can be rebuilt. */
import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { isCrowsnestError } from '../../domain/errors.ts';
import { describeRef } from '../../domain/object-ref.ts';
import { BLOCK_DEFAULTS } from '../log/block-options.ts';
import { Blocks } from '../log/blocks.ts';
import { ChangeLog, type ChangeRow } from '../log/change-log.ts';
import { Interning } from '../log/interning.ts';
import { Objects } from '../log/objects.ts';
import { REVISION_DEFAULTS, Revisions } from '../log/revisions.ts';
import { decodeBlock } from '../pack/block-codec.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { type CheckReport, type Going, ROWS_PER_TURN } from './check-report.ts';

interface Span {
  firstSeq: number;
  lastSeq: number;
  msMin: number;
  msMax: number;
  changes: number;
  key: number;
  oldestMs: number | null;
  newestMs: number | null;
}

/** States kept while going through the log, so that most changes cost one patch. */
const STATES_BYTES = 128 * 1024 * 1024;

export async function checkRevisions(
  db: Database.Database,
  report: CheckReport,
  { seal, ...going }: Going & { seal: ValueSeal },
): Promise<void> {
  report.attempt('revisions', 'spans', () => checkSpans(db, report, seal));
  const log = new ChangeLog(db);
  const objects = new Objects(db, new Interning(db), 1_000);
  const blocks = new Blocks(db, { ...BLOCK_DEFAULTS, cacheBytes: 4 * BLOCK_DEFAULTS.cacheBytes }, seal);
  const revisions = new Revisions({ log, objects, blocks }, { ...REVISION_DEFAULTS, walkCacheBytes: STATES_BYTES });
  for (let last = 0, done = 0; ; await turn()) {
    going.signal?.throwIfAborted();
    const rows = report.attempt('revisions', `changes after ${last}`, () => log.after(last, ROWS_PER_TURN));
    if (rows === undefined) return;
    for (const row of rows) rebuild(row, { revisions, objects, report });
    done += rows.length;
    going.onProgress?.(done);
    last = rows.at(-1)?.seq ?? last;
    if (rows.length < ROWS_PER_TURN) return;
  }
}

function rebuild(
  row: ChangeRow,
  { revisions, objects, report }: { revisions: Revisions; objects: Objects; report: CheckReport },
): void {
  try {
    revisions.state(row);
  } catch (error) {
    if (isCrowsnestError(error) && error.code !== 'STORE_CORRUPT') throw error;
    report.changesHit += 1;
    const ref = report.attempt('revisions', `change ${row.seq}`, () => objects.life(row.lifeId)?.ref);
    const object = ref === undefined ? `life ${row.lifeId}` : `${ref.cluster} ${describeRef(ref)}`;
    const why = isCrowsnestError(error) ? `${error.what} (${error.where})` : (error as Error).message;
    report.add('revisions', 'states of an object cannot be rebuilt', `${object} from change ${row.seq} on: ${why}`, object);
  }
}

function checkSpans(db: Database.Database, report: CheckReport, seal: ValueSeal): void {
  const spans = db.prepare<[], Span>(
    `SELECT s.first_seq AS firstSeq, s.last_seq AS lastSeq, s.ms_min AS msMin, s.ms_max AS msMax, s.block_key AS key,
       (SELECT count(*) FROM change WHERE seq BETWEEN s.first_seq AND s.last_seq) AS changes,
       (SELECT min(observed_ms) FROM change WHERE seq BETWEEN s.first_seq AND s.last_seq) AS oldestMs,
       (SELECT max(observed_ms) FROM change WHERE seq BETWEEN s.first_seq AND s.last_seq) AS newestMs
     FROM span s ORDER BY s.last_seq`,
  );
  const records = db
    .prepare<[number, number], number>('SELECT seq FROM change WHERE seq BETWEEN ? AND ? AND (flags >> 5) & 3 > 0')
    .pluck();
  const blocks = db.prepare<[number], { id: number; seq: number; tier: number; data: Buffer }>(
    'SELECT id, seq, tier, data FROM block WHERE span_seq = ? ORDER BY namespace_id, resource_id, life_id, seq',
  );
  const first = db.prepare<[], number | null>('SELECT min(seq) FROM change').pluck().get() ?? 1;
  let last: number | undefined;
  for (const span of spans.all()) {
    const where = `changes ${span.firstSeq} to ${span.lastSeq}`;
    if (last === undefined ? span.firstSeq > first : span.firstSeq !== last + 1)
      report.add(
        'revisions',
        'the spans leave out changes or speak of them twice',
        `changes ${last ?? first} to ${span.firstSeq - 1}`,
      );
    if (span.oldestMs !== null && (span.oldestMs < span.msMin || (span.newestMs ?? 0) > span.msMax))
      report.add('revisions', 'a span has a change outside of its time', where);
    last = span.lastSeq;
    report.attempt('revisions', where, () => {
      const expected = new Set(records.all(span.firstSeq, span.lastSeq));
      for (const block of blocks.iterate(span.key)) {
        report.attempt('revisions', `block ${block.id} of ${where}`, () => {
          const found = decodeBlock(seal.open(block.data)).records();
          if (block.tier === 0 && found[0]?.seq !== block.seq)
            report.add('revisions', 'a block begins with another change than its row says', `block ${block.id}`);
          for (const { seq } of found)
            if (!expected.delete(seq))
              report.add('revisions', 'a block holds a record of no change of its span', `block ${block.id}`);
        });
      }
      for (const seq of expected) report.add('revisions', 'the record of a change is missing', `change ${seq}`, where);
    });
  }
  // A merge that was broken off leaves blocks of the span it was to make, or of those it has replaced: upkeep removes them.
  const strays = db
    .prepare<[], number>(
      `SELECT count(*) FROM block b WHERE b.span_seq NOT IN (SELECT block_key FROM span) AND b.span_seq > 0
         AND NOT EXISTS (SELECT 1 FROM span s WHERE s.block_key < 0 AND b.span_seq BETWEEN s.first_seq AND s.last_seq)`,
    )
    .pluck()
    .get();
  if ((strays ?? 0) > 0) report.add('revisions', 'blocks belong to no span', `${strays} blocks`);
}
