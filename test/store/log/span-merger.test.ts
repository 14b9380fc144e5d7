/** Merging as it is seen from outside of the store: what is read of blocks, and what becomes of their memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { BLOCK_DEFAULTS } from '../../../src/store/log/block-options.ts';
import { SpanMerger } from '../../../src/store/log/span-merger.ts';
import { type DecodedBlock, decodeBlock, encodeBlock } from '../../../src/store/pack/block-codec.ts';

const SPANS = 3;
const RECORDS = 100;
/** Long enough that no block is cut from a buffer that others share. */
const textOf = (seq: number) => `text ${seq}`.repeat(150);

/** Lives 1 and 2 take turns; the first is of namespace 8, the second of namespace 7. */
const lifeOf = (seq: number) => 1 + (seq % 2);
const namespaceOf = (lifeId: number) => 9 - lifeId;

function spansOf(db: Database.Database): void {
  db.exec(`CREATE TABLE span (first_seq, last_seq INTEGER PRIMARY KEY, level, ms_min, ms_max, block_key, by_namespace, tier DEFAULT 0);
    CREATE TABLE block (id INTEGER PRIMARY KEY, span_seq, namespace_id DEFAULT 0, resource_id, life_id, seq, data)`);
  for (let span = 0; span < SPANS; span++) {
    const [first, last] = [span * RECORDS + 1, (span + 1) * RECORDS];
    const records = Array.from({ length: RECORDS }, (_, i) => ({ seq: first + i, text: textOf(first + i) }));
    records.sort((a, b) => lifeOf(a.seq) - lifeOf(b.seq) || a.seq - b.seq);
    db.prepare('INSERT INTO block (span_seq, resource_id, life_id, seq, data) VALUES (?, 1, 1, ?, ?)').run(
      ...[last, records[0]?.seq, encodeBlock(records, 3)],
    );
    db.prepare('INSERT INTO span VALUES (?, ?, 0, 0, 0, ?, 0, 0)').run(first, last, last);
  }
}

test('spans that are sorted anew leave nothing behind of the blocks that were read', () => {
  const db = new Database(':memory:');
  spansOf(db);
  const read: DecodedBlock[] = [];
  const merger = new SpanMerger({
    db,
    options: { ...BLOCK_DEFAULTS, spansPerMerge: SPANS },
    encode: encodeBlock,
    decode(id) {
      const block = decodeBlock(db.prepare<[number], Buffer>('SELECT data FROM block WHERE id = ?').pluck().get(id) as Buffer);
      read.push(block);
      return block;
    },
    livesOf: (first, last) => Array.from({ length: last - first + 1 }, (_, i) => [first + i, lifeOf(first + i)]),
    resourceOf: () => 1,
    namespaceOf,
    gone() {},
  });
  while (merger.step(() => undefined));

  assert.equal(read.length, SPANS);
  for (const { data } of read) assert.equal(data.buffer.byteLength, 0);
  const inOrder = 'SELECT data FROM block ORDER BY namespace_id, resource_id, life_id, seq';
  const merged = db.prepare<[], Buffer>(inOrder).pluck().all();
  const all = Array.from({ length: SPANS * RECORDS }, (_, i) => i + 1);
  const ofLife = (lifeId: number) => all.filter((seq) => lifeOf(seq) === lifeId);
  const expected = [...ofLife(2), ...ofLife(1)].map((seq) => ({ seq, text: textOf(seq) }));
  assert.deepEqual(
    merged.flatMap((block) => decodeBlock(block).records()),
    expected,
    'by namespace, and all of it',
  );
});

/** A merger of spans of one change each, by their level and the change that each ends with. */
function mergerOf(spans: readonly [level: number, lastSeq: number][], options: Partial<typeof BLOCK_DEFAULTS>) {
  const db = new Database(':memory:');
  db.exec(`CREATE TABLE span (first_seq, last_seq INTEGER PRIMARY KEY, level, ms_min, ms_max, block_key, by_namespace, tier DEFAULT 0);
    CREATE TABLE block (id INTEGER PRIMARY KEY, span_seq, namespace_id DEFAULT 0, resource_id, life_id, seq, data)`);
  const add = db.prepare('INSERT INTO span VALUES (?, ?, ?, 0, 0, ?, 0, 0)');
  for (const [level, seq] of spans) add.run(seq, seq, level, seq);
  const merger = new SpanMerger({
    ...{ db, options: { ...BLOCK_DEFAULTS, ...options }, encode: encodeBlock },
    decode: () => assert.fail('there are no blocks'),
    ...{ livesOf: () => [], resourceOf: () => 1, namespaceOf: () => 1, gone() {} },
  });
  while (merger.step(() => undefined));
  return db.prepare<[], [number, number, number]>('SELECT level, first_seq, last_seq FROM span ORDER BY 3').raw().all();
}

const MANY = 600;

test('spans are merged however many lie behind them that have no neighbour', () => {
  const alone = Array.from({ length: MANY }, (_, i): [number, number] => [0, 10 + 2 * i]);
  const spans = mergerOf([[0, 1], [0, 2], [0, 3], ...alone], { spansPerMerge: 3, changesPerLargeSpan: 1e9 });
  assert.deepEqual(spans[0], [1, 1, 3]);
  assert.equal(spans.length, 1 + MANY);
});

test('a large span is made of however many small ones it takes', () => {
  const spans = Array.from({ length: MANY }, (_, i): [number, number] => [1, 1 + i]);
  assert.deepEqual(mergerOf(spans, { changesPerLargeSpan: MANY }), [[2, 1, MANY]]);
});

test('what is sealed while others wait is merged with those before it', () => {
  const spans = Array.from({ length: 3 * 8 + 5 }, (_, i): [number, number] => [0, 1 + i]);
  const merged = mergerOf(spans, { spansPerMerge: 8, changesPerLargeSpan: 16 });
  assert.deepEqual(merged.slice(0, 2), [
    [2, 1, 16],
    [1, 17, 24],
  ]);
  assert.equal(merged.length, 2 + 5);
});
