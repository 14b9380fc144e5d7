import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { type ErrorCode, isCrowsnestError } from '../../../src/domain/errors.ts';
import { backUp, restore } from '../../../src/store/file/backup.ts';
import { keyRing, readKeyFile, storeKey } from '../../../src/store/seal/store-key.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { history } from '../new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-backup-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const fresh = (name = 'db') => join(folder, `${name}-${files++}`);
const failsWith = (code: ErrorCode) => (error: unknown) => isCrowsnestError(error, code);
const ringOf = (...keys: Buffer[]) => keyRing(keys.map((key) => storeKey(key)));
/** Two keys; 20 changes of which half are in the log beside the file only. */
const OLD_KEY = randomBytes(32);
const NEW_KEY = randomBytes(32);

function filled(file: string, name = 'orders', count = 20): SqliteStore {
  const store = openSqliteStore({ file, changesPerSpan: 8 });
  for (const change of history(
    name,
    Array.from({ length: count }, (_, i) => ({ replicas: i, note: 'plain-words' })),
    1,
  )) {
    store.append({ changes: [change], cursors: { w: change.resourceVersion } });
    store.maintain();
  }
  return store;
}

function replicasIn(file: string, name = 'orders'): unknown {
  using store = openSqliteStore({ file, create: false });
  const { ref } = history(name, [{}], 1)[0]!;
  return store.head(ref)?.state.spec;
}

describe('a backup', () => {
  it('is the database as of one instant, whatever is written while it is made', async () => {
    const [file, target] = [fresh(), fresh('copy')];
    using store = filled(file, 'orders', 400);
    const more = history(
      'later',
      Array.from({ length: 500 }, (_, i) => ({ i, text: 'x'.repeat(2_000) })),
      1_000,
    );
    let appended = 0;
    const facts = await backUp({
      file,
      target,
      onProgress: () => void store.append({ changes: [more[appended++]!], cursors: { w: `more ${appended}` } }),
    });
    assert.ok(appended >= 1, 'nothing was written meanwhile');
    assert.equal(facts.changes, 400);
    using copy = openSqliteStore({ file: target, create: false });
    assert.equal(copy.counts().changes, 400);
    assert.equal(copy.cursor('w'), '400', 'the cursor is that of the changes in it');
    assert.deepEqual(copy.changesAfter(0, 1_000), store.changesAfter(0, 400));
    assert.equal(store.counts().changes, 400 + appended);
  });

  it('is one file, and is put in place of nothing', async () => {
    const [file, target, back] = [fresh(), fresh('copy'), fresh()];
    filled(file).close();
    await backUp({ file, target });
    assert.deepEqual(
      readdirSync(folder).filter((name) => join(folder, name).startsWith(target)),
      [target.slice(folder.length + 1)],
    );
    const facts = await restore({ backup: target, file: back });
    assert.equal(facts.changes, 20);
    assert.deepEqual(replicasIn(back), { replicas: 19, note: 'plain-words' });
    await assert.rejects(backUp({ file, target }), failsWith('FILE_EXISTS'));
  });

  it('leaves nothing behind when it is stopped or cannot be written', async () => {
    const file = fresh();
    filled(file).close();
    const names = () => readdirSync(folder).sort();
    const before = names();
    const stopped = AbortSignal.abort(new Error('stop'));
    await assert.rejects(backUp({ file, target: fresh('copy'), signal: stopped }), /stop/);
    await assert.rejects(backUp({ file, target: join(folder, 'no', 'such', 'folder') }), failsWith('STREAM_UNWRITABLE'));
    assert.deepEqual(
      names().filter((name) => !/-(wal|shm)$/.test(name)),
      before.filter((name) => !/-(wal|shm)$/.test(name)),
    );
  });

  it('of what is no database of ours fails and touches nothing', async () => {
    const text = fresh('text');
    writeFileSync(text, 'a text, long enough to be looked at');
    await assert.rejects(backUp({ file: text, target: fresh('copy') }), failsWith('STORE_FOREIGN'));
    await assert.rejects(backUp({ file: fresh(), target: fresh('copy') }), failsWith('NOT_FOUND'));
    assert.equal(readFileSync(text, 'utf8'), 'a text, long enough to be looked at');
  });
});

describe('restoring', () => {
  it('refuses a database in use, and one that is there unless told to replace it, which keeps the old one aside', async () => {
    const [file, target, other] = [fresh(), fresh('copy'), fresh()];
    filled(file).close();
    await backUp({ file, target });
    const inUse = filled(other, 'orders', 5);
    await assert.rejects(restore({ backup: target, file: other, replace: true }), failsWith('STORE_LOCKED'));
    inUse.append({ changes: [], cursors: { still: 'writable' } });
    inUse.close();
    await assert.rejects(restore({ backup: target, file: other }), failsWith('FILE_EXISTS'));
    assert.deepEqual(replicasIn(other), { replicas: 4, note: 'plain-words' });
    await restore({ backup: target, file: other, replace: true });
    assert.deepEqual(replicasIn(other), { replicas: 19, note: 'plain-words' });
    assert.deepEqual(replicasIn(`${other}.replaced`), { replicas: 4, note: 'plain-words' });
  });

  it('never plays the log of the old database into the restored one', async () => {
    const [file, target, killed] = [fresh(), fresh('copy'), fresh()];
    filled(file).close();
    await backUp({ file, target });
    // What a killed process leaves: the file with a log of committed changes beside it.
    const writing = filled(fresh(), 'other', 30);
    copyFileSync(writing.file, killed);
    copyFileSync(`${writing.file}-wal`, `${killed}-wal`);
    writing.close();
    await restore({ backup: target, file: killed, replace: true });
    assert.equal(existsSync(`${killed}-wal`), false);
    assert.deepEqual(replicasIn(killed), { replicas: 19, note: 'plain-words' });
    assert.deepEqual(replicasIn(`${killed}.replaced`, 'other'), { replicas: 29, note: 'plain-words' });
  });

  const BROKEN: [string, (backup: string) => void, ErrorCode][] = [
    ['cut short', (backup) => truncateSync(backup, 20_000), 'BACKUP_UNUSABLE'],
    ['of another program', (backup) => writeFileSync(backup, 'SQLite format 4'), 'BACKUP_UNUSABLE'],
    ['with a damaged page', (backup) => overwrite(backup, 4_096 * 3, 4_096), 'BACKUP_UNUSABLE'],
    ['of a newer version', (backup) => withVersion(backup, 99), 'STORE_TOO_NEW'],
    ['missing', (backup) => rmSync(backup), 'NOT_FOUND'],
  ];
  for (const [what, damage, code] of BROKEN)
    it(`of a backup ${what} leaves the database as it was`, async () => {
      const [file, target, other] = [fresh(), fresh('copy'), fresh()];
      filled(file).close();
      filled(other, 'orders', 5).close();
      await backUp({ file, target });
      damage(target);
      await assert.rejects(
        restore({ backup: target, file: other, replace: true }),
        (error: unknown) => isCrowsnestError(error, code) && error.where === target,
      );
      assert.deepEqual(replicasIn(other), { replicas: 4, note: 'plain-words' });
      assert.equal(existsSync(`${other}.restoring`), false);
    });
});

describe('an encrypted backup', () => {
  it('shows nothing of what is in it, and opens with any key of the file that sealed it', async () => {
    const [file, target, back] = [fresh(), fresh('sealed'), fresh()];
    filled(file).close();
    await backUp({ file, target, keys: ringOf(OLD_KEY) });
    const bytes = readFileSync(target);
    assert.equal(bytes.includes('SQLite'), false);
    assert.equal(bytes.includes('orders'), false);
    await assert.rejects(restore({ backup: target, file: back }), failsWith('STORE_KEY_WRONG'));
    await assert.rejects(restore({ backup: target, file: back, keys: ringOf(NEW_KEY) }), failsWith('STORE_KEY_WRONG'));
    assert.equal(existsSync(back), false);
    await restore({ backup: target, file: back, keys: ringOf(OLD_KEY, NEW_KEY) });
    assert.deepEqual(replicasIn(back), { replicas: 19, note: 'plain-words' });
    assert.equal(
      readdirSync(folder).some((name) => name.includes('backup-')),
      false,
      'no plain copy is left',
    );
  });

  const TAMPERED: [string, (bytes: Buffer) => Buffer][] = [
    ['one bit of a chunk', (bytes) => flip(bytes, bytes.length - 5_000)],
    ['the salt', (bytes) => flip(bytes, 20)],
    ['its end cut off', (bytes) => bytes.subarray(0, bytes.length - 100)],
    ['a whole chunk cut off', (bytes) => bytes.subarray(0, 37 + 1024 * 1024 + 16)],
    ['bytes behind its end', (bytes) => Buffer.concat([bytes, Buffer.alloc(40)])],
    ['its head alone', (bytes) => bytes.subarray(0, 20)],
  ];
  for (const [what, tamper] of TAMPERED)
    it(`is refused with ${what} changed`, async () => {
      const [file, target] = [fresh(), fresh('sealed')];
      using store = filled(file, 'orders', 3);
      store.saveSnapshot('model', { version: 1, seq: 0, blob: randomBytes(1_500_000) });
      await backUp({ file, target, keys: ringOf(OLD_KEY) });
      writeFileSync(target, tamper(readFileSync(target)));
      await assert.rejects(restore({ backup: target, file: fresh(), keys: ringOf(OLD_KEY) }), failsWith('BACKUP_UNUSABLE'));
    });
});

describe('a key file', () => {
  it('holds a key a line; the last one seals, all of them open', () => {
    const file = fresh('keys');
    writeFileSync(file, `# 2025\n${OLD_KEY.toString('base64')}\n\n${NEW_KEY.toString('base64')} # 2026\n`);
    const ring = readKeyFile(file);
    assert.equal(ring.newest.id, storeKey(NEW_KEY).id);
    assert.ok(ring.find(storeKey(OLD_KEY).id));
    assert.equal(ring.find('0000000000000000'), undefined);
  });

  for (const [what, text] of [
    ['no key', '# nothing yet\n'],
    ['a short key', `${randomBytes(16).toString('base64')}\n`],
    ['what is no base64', 'correct horse battery staple\n'],
  ] as const)
    it(`with ${what} is refused without showing it`, () => {
      const file = fresh('keys');
      writeFileSync(file, text);
      assert.throws(
        () => readKeyFile(file),
        (error: Error) => isCrowsnestError(error, 'CONFIG_BAD_VALUE') && !error.message.includes(text.trim() || 'nothing'),
      );
    });
});

function overwrite(file: string, at: number, length: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, at, at + length);
  writeFileSync(file, bytes);
}

function withVersion(file: string, version: number): void {
  const db = new Database(file);
  db.pragma(`user_version = ${version}`);
  db.close();
}

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
