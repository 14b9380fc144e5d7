import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import Database from 'better-sqlite3';
import { checkpointsWithin } from '../../../src/store/file/checkpoints.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { until } from '../../support/until.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crowsnest-checkpoints-'));
  file = join(folder, 'record.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What somebody finds who has the file without its log. Not read by this process, which would drop its own locks on closing it. */
function inFile(key: string): string | undefined {
  const copy = join(folder, 'copy.db');
  execFileSync('cp', [file, copy]);
  const db = new Database(copy, { readonly: true });
  try {
    const tables = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'small_state'").pluck().get();
    return tables === 0
      ? undefined
      : db.prepare<[string], string>('SELECT value FROM small_state WHERE key = ?').pluck().get(key);
  } finally {
    db.close();
    rmSync(copy);
  }
}

suite('bringing the log into the file', () => {
  test('is done at once where nobody is held up by it', () => {
    const { db, checkpoints, close } = openDatabase({ file, checkpointMsMax: 3_600_000 });
    const put = db.prepare('INSERT OR REPLACE INTO small_state (key, value) VALUES (?, ?)');
    for (const value of ['1', '2', '3']) {
      put.run('a', value);
      checkpoints.run();
      assert.equal(inFile('a'), value);
    }
    close();
  });
});

suite('whoever waits for the disk', () => {
  const HELD_MS = 400;

  /** How often the caller did it by itself, of three times. */
  function doneHere(patienceMs: number, isAsked: boolean): number {
    const nobodyRings = new Int32Array(new SharedArrayBuffer(4));
    let count = 0;
    const slow = {
      pragma(what: string) {
        if (!what.startsWith('wal_checkpoint')) return;
        count += 1;
        Atomics.wait(nobodyRings, 0, 0, HELD_MS);
      },
    } as unknown as Database.Database;
    const checkpoints = checkpointsWithin(patienceMs, slow, join(folder, 'elsewhere.db'));
    for (let round = 0; round < 3; round++) checkpoints.run(isAsked);
    checkpoints.close();
    return count;
  }

  test('has less patience while people ask', () => {
    assert.equal(doneHere(HELD_MS * 3, true), 1);
    assert.equal(doneHere(HELD_MS * 3, false), 3);
  });
});

suite('a thread that brings the log into the file', () => {
  test('does it while its caller goes on, and leaves no log when it is closed', async () => {
    const { db, checkpoints, close } = openDatabase({ file, checkpointMsMax: 0 });
    const put = db.prepare('INSERT OR REPLACE INTO small_state (key, value) VALUES (?, ?)');
    // Committed a moment ago, and in the log alone.
    put.run('a', '1');
    assert.equal(inFile('a'), undefined);
    // By the caller, who finds it too slow.
    checkpoints.run();
    assert.equal(inFile('a'), '1');
    put.run('a', '2');
    checkpoints.run();
    await until('the file has it', () => inFile('a') === '2');
    put.run('a', '3');
    checkpoints.run();
    close();
    assert.equal(existsSync(`${file}-wal`), false);
    assert.equal(inFile('a'), '3');
  });

  test('is begun again for the next time', async () => {
    for (const value of ['1', '2']) {
      using store = openSqliteStore({ file, checkpointMsMax: 0 });
      for (let round = 0; round < 3; round++) {
        store.putState('a', value);
        store.maintain();
      }
    }
    assert.equal(inFile('a'), '2');
  });

  test('tells what went wrong the next time it is asked', async () => {
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    const checkpoints = checkpointsWithin(0, db, join(folder, 'elsewhere.db'));
    const failure = () => {
      try {
        checkpoints.run();
        return undefined;
      } catch (error) {
        return error as Database.SqliteError;
      }
    };
    const told = await until('it fails', failure);
    assert.ok(told instanceof Database.SqliteError);
    assert.equal(told.code, 'SQLITE_CANTOPEN');
    checkpoints.close();
    db.close();
  });

  test('is helped with the rest once the log is long, so that it begins anew with the next commit', async () => {
    const { db, checkpoints, close } = openDatabase({ file, checkpointMsMax: 0 });
    db.exec('CREATE TABLE page (id INTEGER PRIMARY KEY, data BLOB)');
    const put = db.prepare('INSERT OR REPLACE INTO page VALUES (?, randomblob(4000))');
    const write = db.transaction((pages: number) => {
      for (let i = 0; i < pages; i++) put.run(i);
    });
    checkpoints.run();
    for (let round = 0; round < 13; round++) write(1_000);
    checkpoints.run();
    // Nobody but the thread works meanwhile: what is committed after it looked at the log is not brought in by it.
    for (let round = 0; round < 200; round++) {
      write(1);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
    const pages = () => (db.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }])[0];
    const before = pages();
    assert.ok(before.log > 13_000 && before.checkpointed < before.log, JSON.stringify(before));
    await until('the rest is brought in', () => pages().checkpointed === pages().log);
    write(1);
    const after = pages();
    assert.ok(after.log < 100, JSON.stringify(after));
    close();
  });

  test('keeps the log within bounds beside somebody who never stops writing', async () => {
    const { db, checkpoints, close } = openDatabase({ file, checkpointMsMax: 0 });
    db.exec('CREATE TABLE page (id INTEGER PRIMARY KEY, data BLOB)');
    const put = db.prepare('INSERT OR REPLACE INTO page VALUES (?, randomblob(4000))');
    let longest = 0;
    for (let round = 0; round < 120; round++) {
      db.transaction(() => {
        for (let i = 0; i < 1_000; i++) put.run(i);
      })();
      checkpoints.run();
      longest = Math.max(longest, statSync(`${file}-wal`).size);
      await new Promise((resolve) => setImmediate(resolve));
    }
    close();
    // Twice 16,000, and what the commits around it add.
    assert.ok(longest < 35_000 * 4_120, `the log was ${longest} bytes long`);
  });

  test('loads nothing that takes types out, where nothing is compiled yet', () => {
    const thread = new URL('../../../src/store/file/checkpoint-thread.js', import.meta.url).href;
    const within = `import(${JSON.stringify(thread)}).then(() => postMessage(process.moduleLoadList))`;
    const told = `require('node:worker_threads').parentPort`;
    const program = `const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(`const postMessage = (list) => ${told}.postMessage(list); ${within}`)}, { eval: true, workerData: {} });
      worker.on('message', (list) => { console.log(list.join('\\n')); process.exit(); });`;
    const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
    const loaded = execFileSync(process.execPath, ['-e', program], { env, encoding: 'utf8' }).split('\n');
    assert.ok(loaded.includes('NativeModule worker_threads'), loaded.join(' '));
    assert.deepEqual(
      loaded.filter((name) => name.includes('amaro')),
      [],
    );
  });
});
