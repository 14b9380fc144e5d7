import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import Database from 'better-sqlite3';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { backUp } from '../../src/store/file/backup.ts';
import { rekey } from '../../src/store/file/rekey.ts';
import { type KeyRing, keyRing, storeKey } from '../../src/store/seal/store-key.ts';
import { openSqliteStore, type SqliteStoreOptions } from '../../src/store/sqlite-store.ts';
import { FINDING } from './fixture-history.ts';
import { history, refTo } from './new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-encryption-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const [FIRST, SECOND] = [storeKey(randomBytes(32)), storeKey(randomBytes(32))];
const ring = (...keys: (typeof FIRST)[]) => keyRing(keys) as KeyRing;
/** Words that only states, findings and the model hold. */
const WORDS = ['marmalade', 'porcupine', 'verification switched off', 'learnt-wombat'];

/** How a zstd frame begins, in which words can hide. */
const FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

function open(file: string, keys: KeyRing | undefined, more: Partial<SqliteStoreOptions> = {}) {
  return openSqliteStore({ file, keys, changesPerSpan: 16, spansPerMerge: 3, ...more });
}

function fill(file: string, keys: KeyRing | undefined, from = 1): void {
  using store = open(file, keys);
  const isNew = keys !== undefined && store.counts().changes === 0;
  const specs = Array.from({ length: 70 }, (_, i) => ({ i, jam: `marmalade ${i}`, animal: i % 2 === 0 ? 'porcupine' : 'none' }));
  for (const change of history(`orders-${from}`, specs, from)) {
    store.append({ changes: [change] });
    store.maintain();
    if (isNew) assert.deepEqual(wordsIn(file), [], 'in plain text while it is written');
  }
  const filed = Array.from({ length: 9 }, (_, i) => ({ ...FINDING, id: `filed-${from}-${i}` }));
  store.commitAnalysis({ findings: filed });
  store.maintain();
  store.commitAnalysis({ findings: [FINDING, { ...FINDING, id: 'short', summary: 'verification switched off' }] });
  store.saveSnapshot('model', { version: 1, seq: 1, blob: Buffer.from('learnt-wombat') });
}

/** Which of the words are in the bytes of the database and its log. What is compressed shows none, so it is looked at uncompressed too. */
function wordsIn(file: string): string[] {
  const bytes = [file, `${file}-wal`].filter(existsSync).map((name) => readFileSync(name));
  return WORDS.filter((word) => bytes.some((one) => one.includes(word)));
}

it('with a key, no word of a state, a finding or a snapshot is in the bytes of the file or its log, and all come back', () => {
  const plain = join(folder, 'plain.db');
  fill(plain, undefined);
  assert.ok(wordsIn(plain).length >= 3, 'the words would be seen if they were there');
  const file = join(folder, 'sealed.db');
  fill(file, ring(FIRST));
  assert.deepEqual(wordsIn(file), []);
  assert.ok(readFileSync(plain).includes(FRAME));
  assert.equal(readFileSync(file).includes(FRAME), false);
  using store = open(file, ring(FIRST));
  assert.deepEqual(
    store.changesAfter(0, 100).map(({ state }) => (state.spec as { jam: string }).jam),
    Array.from({ length: 70 }, (_, i) => `marmalade ${i}`),
  );
  assert.deepEqual(store.finding('finding-1'), FINDING);
  assert.deepEqual(store.finding('filed-1-8'), { ...FINDING, id: 'filed-1-8' });
  assert.equal(Buffer.from(store.loadSnapshot('model')?.blob ?? []).toString(), 'learnt-wombat');
});

it('is not opened without its key, and never goes on in plain text', () => {
  const file = join(folder, 'locked.db');
  fill(file, ring(FIRST));
  for (const keys of [undefined, ring(SECOND)])
    assert.throws(
      () => open(file, keys),
      (error) => isCrowsnestError(error, 'STORE_KEY_WRONG') && error.message.includes(FIRST.id),
    );
  using store = open(file, ring(FIRST));
  assert.equal(store.counts().changes, 70, 'a refusal leaves it usable');
});

it('is switched on for a database that is there, changed, and needs the old key no more', async () => {
  const file = join(folder, 'changed.db');
  fill(file, undefined);
  // From now on what is new is sealed, beside what is not.
  fill(file, ring(FIRST), 1_000);
  assert.ok(readFileSync(file).includes(FRAME), 'blocks from before lie in plain text');
  assert.ok((await rekey({ file, keys: ring(FIRST) })) > 0);
  assert.deepEqual(wordsIn(file), [], 'in free pages neither');
  assert.equal(readFileSync(file).includes(FRAME), false);
  assert.equal(await rekey({ file, keys: ring(FIRST) }), 0, 'nothing is left to do');
  fill(file, ring(FIRST, SECOND), 2_000);
  assert.throws(
    () => open(file, ring(SECOND)),
    (error) => isCrowsnestError(error, 'STORE_KEY_WRONG'),
  );
  await rekey({ file, keys: ring(FIRST, SECOND) });
  using store = open(file, ring(SECOND));
  for (const name of ['orders-1', 'orders-1000', 'orders-2000'])
    assert.deepEqual(store.head(refTo(name))?.state.spec, { i: 69, jam: 'marmalade 69', animal: 'none' });
});

it('is not backed up under a key that does not open what is in it', async () => {
  const file = join(folder, 'backed-up.db');
  fill(file, ring(FIRST));
  const target = `${file}.backup`;
  await assert.rejects(backUp({ file, target, keys: ring(SECOND) }), (error) => isCrowsnestError(error, 'STORE_KEY_WRONG'));
  assert.ok(!existsSync(target));
  await backUp({ file, target, keys: ring(FIRST, SECOND) });
});

it('what was encrypted later has no index of words left', async () => {
  const file = join(folder, 'words.db');
  {
    using store = open(file, undefined, { fullText: true });
    for (const change of history('orders', [{ jam: 'marmalade' }, { jam: 'porcupine' }], 1)) store.append({ changes: [change] });
    assert.deepEqual(store.changesWith([[['marmalade']]], 100, 10), [1]);
  }
  assert.deepEqual(wordsIn(file), ['marmalade', 'porcupine']);
  await rekey({ file, keys: ring(FIRST) });
  assert.deepEqual(wordsIn(file), []);
});

it('what a run left in free pages as the disk was full is cleared by the next', async (t) => {
  const file = join(folder, 'cut-off.db');
  fill(file, undefined);
  const { exec } = Database.prototype;
  t.after(() => {
    Database.prototype.exec = exec;
  });
  Database.prototype.exec = function full(this: Database.Database, sql: string) {
    if (sql === 'VACUUM') throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    return exec.call(this, sql);
  };
  await assert.rejects(rekey({ file, keys: ring(FIRST) }), /disk is full/);
  Database.prototype.exec = exec;
  assert.ok(wordsIn(file).length > 0, 'there is something to clear');
  assert.equal(await rekey({ file, keys: ring(FIRST) }), 0);
  assert.deepEqual(wordsIn(file), []);
});
