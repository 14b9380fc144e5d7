import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { canonicalJson } from '../../src/domain/json.ts';
import { backUp, restore } from '../../src/store/file/backup.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { newestFormat } from '../../src/store/file/database.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { FINDING, FIXTURE_CHANGES, fixtureChanges } from './fixture-history.ts';
import { history, refTo } from './new-changes.ts';

/** The first format whose whole numbers have all their digits. */
const EXACT_FROM = 18;
const FIXTURES = fileURLToPath(new URL('../../fixtures/databases/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'crowsnest-migrations-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let copies = 0;

function stored(format: number): string {
  const file = join(folder, `format-${format}-${copies++}.db`);
  writeFileSync(file, zstdDecompressSync(readFileSync(join(FIXTURES, `format-${format}.db.zst`))));
  return file;
}

function formatOf(file: string): number {
  return readFileSync(file).readUInt32BE(60);
}

const FORMATS = readdirSync(FIXTURES)
  .map((name) => Number(/^format-(\d+)\.db\.zst$/.exec(name)?.[1] ?? Number.NaN))
  .filter((format) => !Number.isNaN(format))
  .sort((a, b) => a - b);

it('there is a stored database of every format before the newest', () => {
  const past = FORMATS.filter((format) => format < newestFormat());
  const todo = 'run scripts/make-database-fixture.ts with the sources before your migration';
  assert.deepEqual(
    past,
    Array.from({ length: newestFormat() - 1 }, (_, i) => i + 1),
    todo,
  );
});

for (const format of FORMATS)
  describe(`a database of format ${format}`, () => {
    it('opens, is upgraded, and gives back everything', async () => {
      const file = stored(format);
      assert.equal(formatOf(file), format, 'the fixture is not of the format its name says');
      {
        using store = openSqliteStore({ file, changesPerSpan: 24, spansPerMerge: 3, changesPerLargeSpan: 96 });
        assert.equal(store.counts().changes, FIXTURE_CHANGES);
        assert.equal(store.roundedThrough(), format < EXACT_FROM ? FIXTURE_CHANGES : 0);
        const changes = store.changesAfter(0, 1_000);
        for (const [i, expected] of fixtureChanges().entries()) {
          const found = changes[i]!;
          assert.equal(canonicalJson(found.state), canonicalJson(expected.state), `change ${i + 1}`);
          const { ref, uid, type, origin, observedMs, resourceVersion, actor, candidates } = found;
          const { ref: r, uid: u, type: t, origin: o, observedMs: ms, resourceVersion: rv, actor: a, candidates: c } = expected;
          assert.deepEqual(
            { ref, uid, type, origin, observedMs, resourceVersion, actor, candidates },
            { ref: r, uid: u, type: t, origin: o, observedMs: ms, resourceVersion: rv, actor: a, candidates: c },
          );
          assert.equal(canonicalJson(store.stateAt(ref, { seq: i + 1 }) ?? null), canonicalJson(expected.state));
        }
        assert.equal(store.cursor('watch:test'), String(1_000 + FIXTURE_CHANGES));
        assert.equal(store.samplesAfter(0, 1_000).samples.length, FIXTURE_CHANGES / 4);
        assert.deepEqual(store.finding('finding-1'), FINDING);
        assert.equal(Buffer.from(store.loadSnapshot('model')?.blob ?? []).toString(), 'what was learnt');
        assert.equal(store.rejects(10).length, 1);
        assert.equal(store.getState('policy'), 'saved');
        assert.equal(store.changes({ path: '/spec/n', name: 'orders', limit: 100 }).items.length, FIXTURE_CHANGES / 5 - 1);
        // And goes on.
        for (const change of history(
          'later',
          Array.from({ length: 60 }, (_, i) => ({ i })),
          9_000,
        ))
          store.append({ changes: [change] });
        store.maintain();
        assert.deepEqual(store.head(refTo('later'))?.state.spec, { i: 59 });
      }
      assert.equal(formatOf(file), newestFormat());
      assert.deepEqual((await checkDatabase({ file })).problems, []);
    });

    it('is backed up as it is, and restored', async () => {
      const file = stored(format);
      await backUp({ file, target: `${file}.backup` });
      await restore({ backup: `${file}.backup`, file: `${file}.back` });
      assert.equal(formatOf(`${file}.back`), format);
      using store = openSqliteStore({ file: `${file}.back` });
      assert.equal(store.counts().changes, FIXTURE_CHANGES);
    });
  });

it('a command that only reads does not upgrade', async () => {
  const file = stored(newestFormat() - 1);
  const before = readFileSync(file);
  await assert.rejects(checkDatabase({ file }), (error) => isCrowsnestError(error, 'STORE_OUTDATED'));
  assert.deepEqual(readFileSync(file), before);
});

it('a copy of the file and its log from one instant, while it is written, opens with what was committed', async () => {
  const file = join(folder, 'written.db');
  using store = openSqliteStore({ file, changesPerSpan: 16, spansPerMerge: 3, changesPerLargeSpan: 96 });
  const changes = history(
    'orders',
    Array.from({ length: 300 }, (_, i) => ({ i, text: `revision ${i}` })),
    1,
  );
  for (const [i, change] of changes.entries()) {
    store.append({ changes: [change], cursors: { w: change.resourceVersion } });
    store.maintain();
    if (i % 20 !== 0) continue;
    // Nothing is written between the two copies: what a snapshot of the file system gives.
    const copy = join(folder, `snapshot-${i}.db`);
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    {
      using opened = openSqliteStore({ file: copy, create: false });
      assert.equal(opened.cursor('w'), String(i + 1));
      assert.deepEqual(opened.head(change.ref)?.state.spec, change.state.spec);
    }
    assert.deepEqual((await checkDatabase({ file: copy })).problems, []);
  }
});

it('a log cut anywhere, as a machine without power leaves it, costs whole transactions only', async () => {
  const file = join(folder, 'cut.db');
  using store = openSqliteStore({ file });
  for (const change of history(
    'orders',
    Array.from({ length: 40 }, (_, i) => ({ i })),
    1,
  ))
    store.append({ changes: [change], cursors: { w: change.resourceVersion } });
  const wal = readFileSync(`${file}-wal`);
  const seen = new Set<number>();
  for (let part = 0; part <= 12; part++) {
    const copy = join(folder, `cut-${part}.db`);
    copyFileSync(file, copy);
    writeFileSync(`${copy}-wal`, wal.subarray(0, Math.floor((wal.length * part) / 12)));
    {
      using opened = openSqliteStore({ file: copy });
      const { changes } = opened.counts();
      assert.equal(Number(opened.cursor('w') ?? 0), changes, 'the cursor is that of the changes that are there');
      seen.add(changes);
    }
    const db = new Database(copy, { readonly: true });
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
    assert.deepEqual((await checkDatabase({ file: copy })).problems, []);
  }
  assert.ok(seen.size > 5 && seen.has(40), [...seen].join());
});

it('a process killed after retention, before it wrote where its objects stand, knows their places in the log again', async () => {
  const file = join(folder, 'thinned.db');
  using store = openSqliteStore({
    file,
    changesPerSpan: 16,
    spansPerMerge: 3,
    changesPerLargeSpan: 96,
    keepChangesMs: 60_000,
    keepCheckpointsMs: 3_600_000,
  });
  for (const change of history(
    'orders',
    Array.from({ length: 400 }, (_, i) => ({ i })),
    1,
  )) {
    store.append({ changes: [change] });
    store.maintain();
  }
  assert.ok(store.changesAfter(0, 1_000).length < 300, 'retention let go of nothing');
  const killed = join(folder, 'thinned-killed.db');
  copyFileSync(file, killed);
  copyFileSync(`${file}-wal`, `${killed}-wal`);
  {
    using again = openSqliteStore({ file: killed });
    for (const change of history(
      'orders',
      Array.from({ length: 9 }, (_, i) => ({ i })),
      500,
    ).slice(1))
      again.append({ changes: [change] });
    assert.equal(again.objects({ limit: 1 }).items[0]?.changes, 408);
  }
  assert.deepEqual((await checkDatabase({ file: killed })).problems, []);
});
