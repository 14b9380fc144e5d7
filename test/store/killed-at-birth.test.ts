import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { openToRead } from '../../src/store/file/database.ts';
import { putBackAside } from '../../src/store/file/put-back-aside.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';

/** Writes more than the cache holds, without a write-ahead log yet, and dies in the middle of it. */
const DIES = `
  const Database = require('better-sqlite3');
  const db = new Database(process.argv[1]);
  db.exec(process.argv[2]);
  db.pragma('cache_size = 1');
  db.exec('BEGIN; CREATE TABLE t (x)');
  const insert = db.prepare('INSERT INTO t VALUES (randomblob(2000))');
  for (let i = 0; i < 200; i++) insert.run();
  process.kill(process.pid, 'SIGKILL');
`;

/** A file with a journal that has to be rolled back; `before` was committed in it. */
function leftBehind(name: string, before: string): string {
  const file = join(temporaryFolder(), name);
  const { signal, stderr } = spawnSync(process.execPath, ['-e', DIES, file, before], { encoding: 'utf8' });
  assert.equal(signal, 'SIGKILL', stderr);
  assert.ok(existsSync(`${file}-journal`) && statSync(file).size > 0, 'it died in the middle of a transaction');
  return file;
}

test('a database whose writer was killed at its birth is begun anew', () => {
  const file = leftBehind('newborn.db', '');
  {
    using store = openSqliteStore({ file });
    assert.equal(store.counts().changes, 0);
  }
  openToRead(file, { current: true }).close();
});

test('another program’s database with such a journal is told apart, and keeps what it had committed', () => {
  const file = leftBehind('foreign.db', 'CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)');
  assert.throws(() => openSqliteStore({ file }), { code: 'STORE_FOREIGN' });
  assert.ok(!existsSync(`${file}.lock`));
  const theirs = new Database(file, { readonly: true });
  assert.equal(theirs.prepare('SELECT x FROM theirs').pluck().get(), 1);
  theirs.close();
});

/** Looks at a copy and dies there. */
const DIES_LOOKING = `
  const { putBackAside } = await import(process.argv[1]);
  await putBackAside(process.argv[2], () => process.kill(process.pid, 'SIGKILL'));
`;

test('the copy that a killed look at such a database left is taken away by the next one, and one in use is not', async (t) => {
  const file = leftBehind('looked-at.db', '');
  const TMPDIR = temporaryFolder();
  const source = new URL('../../src/store/file/put-back-aside.ts', import.meta.url).href;
  const environment = { ...process.env, TMPDIR };
  const dies = spawnSync(process.execPath, ['--input-type=module', '-e', DIES_LOOKING, source, file], {
    env: environment,
    encoding: 'utf8',
  });
  assert.equal(dies.signal, 'SIGKILL', dies.stderr);
  const left = readdirSync(TMPDIR);
  assert.equal(left.length, 1, 'it left its copy');
  const before = process.env.TMPDIR;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  process.env.TMPDIR = TMPDIR;
  await putBackAside(file, async () => {
    const own = readdirSync(TMPDIR);
    assert.equal(own.length, 1);
    assert.notDeepEqual(own, left);
    await putBackAside(file, async () => assert.equal(readdirSync(TMPDIR).length, 2, 'the one in use stayed'));
    assert.deepEqual(readdirSync(TMPDIR), own);
  });
  assert.deepEqual(readdirSync(TMPDIR), []);
});
