/** Records that are not sealed yet, read in and out of order, while they come and go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { type PlacedBytes, type PlacedRecord, YoungRecords } from '../../../src/store/log/young-records.ts';
import { keyRing, storeKey } from '../../../src/store/seal/store-key.ts';
import { createValueSeal } from '../../../src/store/seal/value-seal.ts';

function table(keys?: Parameters<typeof createValueSeal>[0]) {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE young_record (last_seq INTEGER PRIMARY KEY, data)');
  const open = () => new YoungRecords(db, 1_000_000, createValueSeal(keys, 'a test'));
  return { db, open, young: open() };
}

const recordOf = (seq: number, text: string): PlacedRecord => ({ seq, text, namespaceId: 1, resourceId: 1, lifeId: 1 });

/** Every third number has a record, as most changes have one and some none; four rows. */
function filled(young: YoungRecords) {
  for (let row = 0; row < 4; row++) {
    for (let seq = row * 30; seq < row * 30 + 30; seq += 3) young.put(recordOf(seq, `text ${seq}`));
    young.flush();
  }
}

test('each is found, in any order, pending, written or read by another, and what has none is not', () => {
  const { open, young } = table();
  filled(young);
  young.put(recordOf(120, 'pending'));
  const orders = [
    Array.from({ length: 120 }, (_, seq) => seq),
    Array.from({ length: 120 }, (_, i) => 119 - i),
    Array.from({ length: 120 }, (_, i) => (i * 47) % 120),
  ];
  for (const reader of [young, open()])
    for (const order of orders)
      for (const seq of order) assert.equal(reader.text(seq), seq % 3 === 0 ? `text ${seq}` : undefined, String(seq));
  assert.equal(young.text(120), 'pending');
  assert.equal(open().text(120), undefined, 'another one does not see what is not written');
});

test('what is taken has its text and its place', () => {
  const { young } = table();
  const put = ['{"a":1}', '{"über":"🙂 7 \\n"}', '{"b":""}'].map((text, i) => ({
    seq: 9 + 2 * i,
    text,
    namespaceId: i,
    resourceId: 10 + i,
    lifeId: 2 ** 33 + i,
  }));
  for (const record of put) young.put(record);
  young.flush();
  const { records, free } = young.take(9, 13);
  const taken = records as PlacedRecord[];
  assert.deepEqual(
    taken.map(({ seq, text, namespaceId, resourceId, lifeId }) => ({ seq, text, namespaceId, resourceId, lifeId })),
    put,
  );
  const [{ bytes }] = taken as [PlacedBytes];
  free();
  assert.equal(bytes.buffer.byteLength, 0, 'their memory does not wait for a collection');
});

for (const isSealed of [false, true])
  test(`beyond the bound it is known where each belongs, and memory holds no more${isSealed ? ', sealed' : ''}`, () => {
    const keys = isSealed ? keyRing([storeKey(Buffer.alloc(32, 7))]) : undefined;
    const { young } = table(keys);
    const before = process.memoryUsage().arrayBuffers;
    // Four times as much as is kept.
    for (let seq = 0; seq < 18; seq++) {
      young.put({ ...recordOf(seq, `${seq} ${'ü'.repeat(250_000)}`), lifeId: 100 + seq });
      young.flush();
    }
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(isSealed || grown < 3.5 * 1024 * 1024, `${grown} bytes`);
    assert.equal(young.text(17)?.length, 250_003);
    assert.deepEqual([...young.sizes(15)].map(({ lastSeq }) => lastSeq).slice(-2), [16, 17]);
    for (const seqs of [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], [17]]) {
      const { records, free } = young.take(seqs[0] as number, seqs.at(-1) as number);
      const taken = records as PlacedRecord[];
      assert.deepEqual(
        taken.map(({ seq, lifeId, text }) => [seq, lifeId, text.slice(0, 4), text.length]),
        seqs.map((seq) => [seq, 100 + seq, `${seq} üüü`.slice(0, 4), 250_001 + String(seq).length]),
      );
      free();
    }
    young.put(recordOf(18, 'as before'));
    young.flush();
    assert.ok('lifeId' in (young.take(18, 18).records[0] as object));
  });

test('what the table does not give back as it was written is damage', () => {
  const { db, young } = table();
  for (let seq = 0; seq < 2; seq++) {
    young.put(recordOf(seq, 'x'.repeat(3_000_000)));
    young.flush();
  }
  db.exec("UPDATE young_record SET data = 'xx' WHERE last_seq = 1");
  assert.throws(() => young.take(0, 1), { code: 'STORE_CORRUPT' });
});

test('what was taken, or forgotten and never written, is found no more', () => {
  const { open, young } = table();
  filled(young);
  assert.equal(young.text(33), 'text 33');
  assert.equal(young.take(0, 57).records.length, 20);
  assert.equal(young.text(33), undefined);
  assert.equal(young.text(60), 'text 60');
  young.put(recordOf(120, 'torn'));
  assert.equal(young.text(120), 'torn');
  young.forget();
  assert.equal(young.text(120), undefined);
  assert.equal(young.text(63), 'text 63', 'read from the table');
  assert.equal(open().text(33), undefined);
});
