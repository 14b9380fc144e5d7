import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, mock } from 'node:test';
import Database from 'better-sqlite3';
import { CrowsnestError, type ErrorCode, isCrowsnestError } from '../../src/domain/errors.ts';
import { usedBytes } from '../../src/store/file/file-size.ts';
import { openSqliteStore, type SqliteStoreOptions } from '../../src/store/sqlite-store.ts';
import { storeError } from '../../src/store/store-errors.ts';
import { history, newChange, refTo, state } from './new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-errors-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = () => join(folder, `${files++}.db`);

/** Opens, expecting an error of this code that says where and what to do. */
function refuses(code: ErrorCode, options: SqliteStoreOptions, todo: RegExp): void {
  assert.throws(
    () => openSqliteStore(options).close(),
    (error: unknown) => {
      assert.ok(isCrowsnestError(error, code), String(error));
      assert.match(error.message, todo);
      assert.ok(error.where?.includes(options.file));
      return true;
    },
  );
}

function filled(file = fresh()): string {
  const store = openSqliteStore({ file, changesPerSpan: 8 });
  for (const change of history(
    'orders',
    Array.from({ length: 40 }, (_, i) => ({ i, text: 'x'.repeat(200) + i })),
    1,
  )) {
    store.append({ changes: [change] });
  }
  store.append({ changes: history('bills', [{ replicas: 1 }, { replicas: 2 }], 100) });
  store.maintain();
  store.close();
  return file;
}

describe('opening a file that is not to be had', () => {
  it('names the other process when the file is in use, and opens once that one is gone', () => {
    const file = fresh();
    const first = openSqliteStore({ file });
    refuses('STORE_LOCKED', { file }, /Stop the other crowsnest/);
    const reader = new Database(file, { readonly: true });
    assert.equal(reader.prepare('SELECT count(*) FROM change').pluck().get(), 0, 'reading stays possible');
    reader.close();
    first.append({ changes: history('orders', [{}], 1) });
    first.close();
    using second = openSqliteStore({ file });
    assert.equal(second.counts().changes, 1);
  });

  it('knows a database that is named by a link, in use and after a kill', () => {
    const file = fresh();
    const link = fresh();
    symlinkSync(file, link);
    const first = openSqliteStore({ file });
    first.append({ changes: history('orders', [{}], 1) });
    refuses('STORE_LOCKED', { file: link }, /Stop the other crowsnest/);
    const elsewhere = join(folder, `elsewhere-${files++}`);
    mkdirSync(elsewhere);
    // As a killed process leaves it: what it wrote is in the log beside the file.
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, join(elsewhere, `killed.db${suffix}`));
    first.close();
    const killed = fresh();
    symlinkSync(join(elsewhere, 'killed.db'), killed);
    using again = openSqliteStore({ file: killed });
    assert.equal(again.counts().changes, 1);
  });

  it('leaves a text file and a database of another program as they are', () => {
    const text = fresh();
    writeFileSync(text, 'just some notes, longer than a header');
    refuses('STORE_FOREIGN', { file: text }, /another file/);
    const foreign = fresh();
    const db = new Database(foreign);
    db.exec('CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)');
    db.close();
    for (const file of [text, foreign]) {
      const before = readFileSync(file);
      refuses('STORE_FOREIGN', { file }, /left as it is|left as it was/);
      assert.deepEqual(readFileSync(file), before);
    }
  });

  it('leaves a database of a newer crowsnest as it is', () => {
    const file = filled();
    const db = new Database(file);
    db.pragma('user_version = 99');
    db.close();
    const before = readFileSync(file);
    refuses('STORE_TOO_NEW', { file }, /format 99.*newer/);
    assert.deepEqual(readFileSync(file), before);
  });

  for (const [where, sizeOf] of [
    ['before its last pages', (size: number) => size - 8_192],
    ['within its last page', (size: number) => size - 100],
    ['behind its first page', () => 4_096],
    ['within its first page', () => 1_000],
    ['behind its header', () => 100],
    ['within its header', () => 50],
  ] as const)
    it(`says that a file was cut short ${where}`, () => {
      const file = filled();
      truncateSync(file, sizeOf(statSync(file).size));
      const before = readFileSync(file);
      refuses('STORE_CORRUPT', { file }, /cut short: .*bytes.*backup/s);
      assert.deepEqual(readFileSync(file), before);
    });

  it('says that a damaged schema page cannot be read', () => {
    const file = filled();
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 100, 4_096);
    writeFileSync(file, bytes);
    refuses('STORE_CORRUPT', { file }, /damaged.*backup/s);
  });

  it('does not create a file it was told to find', () => {
    refuses('NOT_FOUND', { file: fresh(), create: false }, /--db/);
  });

  it('fills an empty file that a killed creation left behind', () => {
    const file = fresh();
    writeFileSync(file, '');
    using store = openSqliteStore({ file });
    assert.equal(store.counts().changes, 0);
  });

  it('says so when file or directory cannot be written', () => {
    const locked = join(folder, `read-only-${files++}`);
    mkdirSync(locked);
    const file = filled(join(locked, 'store.db'));
    const missing = join(locked, 'nowhere', 'store.db');
    refuses('NOT_FOUND', { file: missing }, /Create it/);
    chmodSync(file, 0o444);
    chmodSync(locked, 0o555);
    try {
      assert.match(openAsNobody(file), /STORE_READ_ONLY: .*writable/s);
    } finally {
      chmodSync(locked, 0o755);
    }
  });
});

/** What opening the file says to a user without rights; root is stopped by no mode bits, so the process gives its rights up. */
function openAsNobody(file: string): string {
  const root = process.getuid?.() === 0;
  if (root) {
    chownSync(folder, 65_534, 65_534);
    chmodSync(folder, 0o755);
  }
  const script = `
    const { openSqliteStore } = await import(${JSON.stringify(new URL('../../src/store/sqlite-store.ts', import.meta.url).href)});
    ${root ? 'process.setgid(65534); process.setuid(65534);' : ''}
    try { openSqliteStore({ file: ${JSON.stringify(file)} }).close(); console.log('opened'); } catch (error) { console.log(error.message); }`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return child.stdout + child.stderr;
}

describe('a full disk', () => {
  it('stores nothing of the batch, says so, stays readable, and goes on when there is room', () => {
    const file = fresh();
    const logged: string[] = [];
    const log = (_: unknown, message: string) => void logged.push(message);
    using store = openSqliteStore({ file, bytesMax: 400_000, logger: { debug: log, info: log, warn: log, error: log } as never });
    let stored = 0;
    const fillUp = () => {
      for (; stored < 10_000; stored++) {
        const object = state(`k${stored}`, String(stored + 1), { text: `${stored}`.repeat(1_000) });
        store.append({ changes: [newChange('ADDED', object)], cursors: { w: String(stored + 1) } });
      }
    };
    assert.throws(fillUp, (error) => isCrowsnestError(error, 'STORE_FULL') && /Free space/.test(error.message));
    assert.ok(stored > 10);
    assert.equal(store.readOnly, true);
    assert.equal(store.cursor('w'), String(stored));
    assert.equal(store.counts().changes, stored);
    assert.equal(store.changesAfter(0, 10_000).length, stored);
    assert.throws(
      () => store.putState('a', 'b'),
      (error) => isCrowsnestError(error, 'STORE_FULL'),
    );
    assert.equal(store.probeWrite(), false, 'no room yet');
    store.maintain();
    store.limitBytes(4_000_000);
    assert.equal(store.probeWrite(), true);
    assert.equal(store.readOnly, false);
    assert.deepEqual(logged, [], 'under a cap of our own whoever has to wait for long says so');
    const [next] = store.append({ changes: history('later', [{}], 90_000) });
    assert.equal(next?.seq, stored + 1);
    assert.equal(store.head(refTo('later'))?.seq, stored + 1);
  });
});

it('a disk that is full is logged too where more than 90 % of the cap on the size is used, and the cap is not', () => {
  const said: unknown[] = [];
  const log = (fields: { code?: string }) => void said.push(fields.code ?? 'again');
  const logger = { debug() {}, info: log, warn() {}, error: log } as never;
  const file = fresh();
  using store = openSqliteStore({ file, bytesMax: 1e9, logger });
  for (let i = 0; i < 400; i++) {
    const object = state(`k${i}`, String(i + 1), { text: randomBytes(8_000).toString('base64') });
    store.append({ changes: [newChange('ADDED', object)] });
  }
  store.maintain();
  const whileDiskFull = (work: () => void) => {
    const full = () => {
      throw new Database.SqliteError('no', 'SQLITE_FULL');
    };
    const transaction = mock.method(Database.prototype, 'transaction', () => Object.assign(full, { immediate: full }));
    try {
      work();
    } finally {
      transaction.mock.restore();
    }
  };
  const reader = new Database(file, { readonly: true });
  const bytes = usedBytes(reader);
  reader.close();
  store.limitBytes(bytes / 0.92);
  whileDiskFull(() => {
    for (let probes = 0; probes < 3; probes++) assert.equal(store.probeWrite(), false);
  });
  assert.deepEqual(said.splice(0), ['STORE_FULL']);
  assert.equal(store.probeWrite(), true);
  assert.deepEqual(said.splice(0), ['again']);

  // So full that writes wait for upkeep, which cannot write either.
  store.limitBytes(bytes / 0.955);
  whileDiskFull(() => {
    assert.throws(
      () => store.setAside(['posting']),
      (error) => isCrowsnestError(error, 'STORE_FULL'),
    );
    for (let probes = 0; probes < 3; probes++) assert.equal(store.probeWrite(), false);
  });
  assert.deepEqual(said, ['STORE_FULL']);
});

it('what keeps it from being written is logged once, and again where it is something else', () => {
  const said: unknown[] = [];
  const error = (fields: { code?: string }) => void said.push(fields.code);
  using store = openSqliteStore({ file: join(folder, 'told.db'), logger: { debug() {}, info() {}, warn() {}, error } as never });
  const refuse = (code: string) => {
    const work = () => {
      throw new Database.SqliteError('no', code);
    };
    const transaction = mock.method(Database.prototype, 'transaction', () => Object.assign(work, { immediate: work }));
    assert.equal(store.probeWrite(), false);
    transaction.mock.restore();
  };
  for (const code of ['SQLITE_FULL', 'SQLITE_FULL', 'SQLITE_READONLY', 'SQLITE_READONLY']) refuse(code);
  assert.deepEqual(said, ['STORE_FULL', 'STORE_READ_ONLY']);
});

describe('damage', () => {
  it('is named by change and stays with the objects it hit', () => {
    const file = filled();
    const db = new Database(file);
    db.exec(`UPDATE block SET data = zeroblob(length(data)) WHERE id = (SELECT min(id) FROM block)`);
    db.close();
    using store = openSqliteStore({ file });
    assert.throws(
      () => store.stateAt(refTo('orders'), { seq: 2 }),
      (error) => isCrowsnestError(error, 'STORE_CORRUPT') && /block/.test(error.message),
    );
    assert.deepEqual(store.head(refTo('bills'))?.state.spec, { replicas: 2 });
    store.append({ changes: history('new', [{ a: 1 }], 500) });
    assert.deepEqual(store.head(refTo('new'))?.state.spec, { a: 1 });
  });

  it('includes a flipped bit inside a block, which the frame checksum tells', () => {
    const file = filled();
    const db = new Database(file);
    const { id, data } = db.prepare('SELECT id, data FROM block ORDER BY id LIMIT 1').get() as { id: number; data: Buffer };
    const last = data.length - 20;
    data[last] = (data[last] as number) ^ 1;
    db.prepare('UPDATE block SET data = ? WHERE id = ?').run(data, id);
    db.close();
    using store = openSqliteStore({ file });
    assert.throws(
      () => store.stateAt(refTo('orders'), { seq: 2 }),
      (error) => isCrowsnestError(error, 'STORE_CORRUPT'),
    );
  });

  it('names the change whose link is missing from a chain', () => {
    const file = fresh();
    openSqliteStore({ file }).close();
    const writer = openSqliteStore({ file });
    writer.append({
      changes: history(
        'orders',
        Array.from({ length: 5 }, (_, i) => ({ i, text: 'y'.repeat(99) })),
        1,
      ),
    });
    writer.close();
    const db = new Database(file);
    const [row] = db.prepare('SELECT last_seq AS last, data FROM young_record').all() as [{ last: number; data: string }];
    const without = row.data.split('\n').filter((line) => !line.startsWith('3 '));
    db.prepare('UPDATE young_record SET data = ? WHERE last_seq = ?').run(without.join('\n'), row.last);
    db.close();
    using store = openSqliteStore({ file });
    assert.throws(
      () => store.change(4),
      (error) => isCrowsnestError(error, 'STORE_CORRUPT') && /change 3/.test(error.message),
    );
    assert.deepEqual(store.stateAt(refTo('orders'), { seq: 2 })?.spec, { i: 1, text: 'y'.repeat(99) });
  });
});

describe('errors of SQLite', () => {
  it('each become a code of ours; others pass', () => {
    const table: [sqlite: string, code: ErrorCode][] = [
      ['SQLITE_BUSY', 'STORE_LOCKED'],
      ['SQLITE_BUSY_SNAPSHOT', 'STORE_LOCKED'],
      ['SQLITE_READONLY_DIRECTORY', 'STORE_READ_ONLY'],
      ['SQLITE_CANTOPEN', 'STORE_READ_ONLY'],
      ['SQLITE_NOTADB', 'STORE_FOREIGN'],
      ['SQLITE_CORRUPT_INDEX', 'STORE_CORRUPT'],
      ['SQLITE_FULL', 'STORE_FULL'],
      ['SQLITE_IOERR_SHMSIZE', 'STORE_FULL'],
      ['SQLITE_CONSTRAINT_NOTNULL', 'INTERNAL'],
    ];
    for (const [sqlite, code] of table) {
      assert.ok(isCrowsnestError(storeError(new Database.SqliteError('x', sqlite), 'f'), code), sqlite);
    }
    const ours = new CrowsnestError({ code: 'NOT_FOUND', what: 'x' });
    assert.equal(storeError(ours, 'f'), ours);
  });

  it('lets a copy taken while the writer lives open elsewhere', () => {
    const file = fresh();
    const copy = fresh();
    using store = openSqliteStore({ file });
    store.append({ changes: history('orders', [{ replicas: 1 }], 1) });
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, copy + suffix);
    using restored = openSqliteStore({ file: copy });
    assert.deepEqual(restored.head(refTo('orders'))?.state.spec, { replicas: 1 });
  });
});
