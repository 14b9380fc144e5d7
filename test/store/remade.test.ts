/** What follows from the record may be damaged in any way: questions have the same answers, and it is made again. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { DERIVED_TABLES } from '../../src/store/derived.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { repair } from '../../src/store/file/repair.ts';
import { checkOf } from '../../src/store/log/posting-runs.ts';
import { DAY_MS } from '../../src/store/log/retention-plan.ts';
import { openSqliteReader, openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { readFrom } from '../support/read-file.ts';
import { FLUX, HUMAN, newChange, refTo, state } from './new-changes.ts';
import { leavesOf, overwritePages } from './overwritten-pages.ts';

const folder = temporaryFolder();
let copies = 0;
const OPTIONS = { changesPerMark: 64, changesPerNewestMark: 1_000, changesPerSpan: 256 };
const NAMES = ['orders', 'bills', 'carts'];
const CHANGES = 9_000;
const WHOLE = join(folder, 'whole.db');
const EVERY_MS = 60_000;
/** Lies late in a run of postings of which the first half is asked for. */
const MIDDLE = 5_000;

{
  using store = openSqliteStore({ file: WHOLE, ...OPTIONS });
  const states = new Map<string, KubeObject>();
  for (let n = 1; n <= CHANGES; ) {
    const changes = Array.from({ length: 300 }, () => {
      const name = NAMES[n % NAMES.length] as string;
      const before = states.get(name);
      const object = state(name, String(n), { fixed: 1, [`f${n % 7}`]: n, [`rare${n % 997}`]: n });
      states.set(name, object);
      n += 1;
      const actor = n % 50 === 0 ? HUMAN : FLUX;
      const more = { before, observedMs: n * EVERY_MS, actor, candidates: [actor] };
      return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, more);
    });
    store.append({ changes });
    settle(store);
  }
}

function settle(store: SqliteStore): void {
  for (let rounds = 0; rounds < 8; rounds++) store.maintain();
}

function answersOf(store: SqliteStore) {
  const listed = (query: object) => store.changes({ limit: 50, beforeSeq: MIDDLE, ...query }).items.map(({ seq }) => seq);
  const atMs = MIDDLE * EVERY_MS;
  return {
    byPath: listed({ path: '/spec/rare7' }),
    byActor: listed({ actor: HUMAN.name }),
    byTime: listed({ kind: 'Kafka', fromMs: 4_000 * EVERY_MS, toMs: 4_010 * EVERY_MS }),
    at: NAMES.map((name) => store.stateAt(refTo(name), { atMs })?.metadata.resourceVersion),
    listedAt: store.objects({ limit: 10, atMs } as Parameters<SqliteStore['objects']>[0]).items.map(({ seq }) => seq),
    blame: NAMES.map((name) => store.blame(refTo(name), {})?.fields.map(({ path, seq }) => [path, seq])),
  };
}

function rowsOf(file: string, table: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(`SELECT * FROM ${table}`).raw().all();
  } finally {
    db.close();
  }
}

/** A copy of the database of which a table is damaged: its pages, or what its rows say. */
function damaged(table: string, how: 'pages' | 'rows'): string {
  const file = join(folder, `${table}-${how}-${copies++}.db`);
  copyFileSync(WHOLE, file);
  if (how === 'rows') {
    const db = new Database(file);
    const wrong = Buffer.alloc(300, 0xff);
    db.prepare(`UPDATE ${table} SET data = ?`).run(wrong);
    db.close();
    return file;
  }
  overwritePages(file, (db) => {
    const leaves = leavesOf(db, table);
    assert.ok(leaves.length > 0);
    return leaves;
  });
  return file;
}

/** A copy of the database of which a page of postings names one of another table as the next: what a write that never reached the disk leaves. */
function crossed(name: string): string {
  const file = join(folder, `crossed-${name}.db`);
  copyFileSync(WHOLE, file);
  const db = new Database(file);
  const size = db.pragma('page_size', { simple: true }) as number;
  const pages = db.prepare<[string, string], number>('SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ?').pluck();
  const [inner, other] = [pages.get('posting', 'internal'), pages.get('path_pathset', 'leaf')] as [number, number];
  db.close();
  const bytes = readFileSync(file);
  const page = bytes.subarray((inner - 1) * size, inner * size);
  // After its header, where each of its cells lies; a cell begins with the page that it leads to.
  const cell = page.readUInt16BE(12 + 2 * (page.readUInt16BE(3) >> 1));
  page.writeUInt32BE(other, cell);
  writeFileSync(file, bytes);
  return file;
}

function pathsOf(file: string): unknown[] {
  return readFrom(file, (db) => db.prepare('SELECT * FROM path_pathset').raw().all());
}

const says = ({ problems }: { problems: { area: string; where: string }[] }) =>
  problems.map(({ area, where }) => `${area} ${where}`);

describe('what follows from the record', () => {
  const expected = answersOf(openSqliteStore({ file: WHOLE, ...OPTIONS }));
  it('is there to begin with', async () => {
    assert.deepEqual(says(await checkDatabase({ file: WHOLE })), []);
    for (const table of DERIVED_TABLES) assert.ok(rowsOf(WHOLE, table).length > 5, table);
    assert.ok(expected.byPath.length >= 5);
    assert.equal(expected.byActor.length, 50);
  });

  for (const table of DERIVED_TABLES)
    for (const how of ['pages', 'rows'] as const) {
      it(`is done without and made again where ${how} of ${table} are damaged`, async () => {
        const file = damaged(table, how);
        const before = says(await checkDatabase({ file }));
        assert.ok(
          before.some((one) => one.includes(table) || one.startsWith('postings')),
          before.join('; '),
        );
        {
          using store = openSqliteStore({ file, ...OPTIONS });
          assert.deepEqual(answersOf(store), expected, 'before it is made again');
          settle(store);
          assert.deepEqual(answersOf(store), expected, 'made again');
          assert.ok(store.losses > 0, 'it was told');
        }
        if (table === 'posting') assert.deepEqual(rowsOf(file, table), rowsOf(WHOLE, table));
        else assert.ok(rowsOf(file, table).length >= rowsOf(WHOLE, table).length);
        const after = says(await checkDatabase({ file }));
        if (how === 'rows') assert.deepEqual(after, []);
        else assert.ok(after.length > 0 && after.every((one) => one === `pages ${table}_damaged`), after.join('; '));
        assert.equal((await repair({ file })).rewritten, how === 'pages');
        assert.deepEqual(says(await checkDatabase({ file })), []);
      });

      it(`is made again by db repair where ${how} of ${table} are damaged`, async () => {
        const file = damaged(table, how);
        assert.deepEqual(await repair({ file }), { rebuilt: [table], lost: [], rewritten: how === 'pages' });
        assert.deepEqual(says(await checkDatabase({ file })), []);
        if (table === 'posting') assert.deepEqual(rowsOf(file, table), rowsOf(WHOLE, table));
        using store = openSqliteStore({ file, ...OPTIONS });
        assert.deepEqual(answersOf(store), expected);
        assert.deepEqual(await repair({ file: copyOf(file) }), { rebuilt: [], lost: [], rewritten: false });
      });
    }

  for (const how of ['pages', 'rows'] as const)
    it(`is done without and made again where ${how} of what says which lists there are are damaged`, async () => {
      const file = damaged('posting_run', how);
      assert.ok(says(await checkDatabase({ file })).some((one) => one.includes('posting_run')));
      {
        using store = openSqliteStore({ file, ...OPTIONS });
        assert.deepEqual(answersOf(store), expected, 'before it is made again');
        settle(store);
        assert.ok(store.losses > 0, 'it was told');
      }
      for (const table of ['posting', 'posting_run']) assert.deepEqual(rowsOf(file, table), rowsOf(WHOLE, table));
      await repair({ file });
      assert.deepEqual(says(await checkDatabase({ file })), []);
    });

  const wrongly: [what: string, sql: string][] = [
    ['loses a position', 'UPDATE posting SET data = substr(data, 1, length(data) - 3) || substr(data, -2) WHERE dimension = ?'],
    [
      'has another position',
      "UPDATE posting SET data = substr(data, 1, length(data) - 3) || x'01' || substr(data, -2) WHERE dimension = ?",
    ],
    ['is gone', 'DELETE FROM posting WHERE dimension = ?'],
    ['is said to be of another value', 'UPDATE posting SET value = value + 100000 WHERE dimension = ?'],
    ['is said to be of another run', 'UPDATE posting SET last_seq = last_seq - 1 WHERE dimension = ?'],
  ];
  for (const [what, sql] of wrongly)
    it(`is done without and made again where a list of changes ${what}`, async () => {
      const file = copyOf(WHOLE, what);
      const db = new Database(file);
      // Of bytes put together SQLite makes a text.
      for (const dimension of [1, 2])
        db.prepare(sql.replace(/SET data = (.*) WHERE/, 'SET data = CAST($1 AS BLOB) WHERE')).run(dimension);
      db.close();
      assert.ok(says(await checkDatabase({ file })).some((one) => one.startsWith('postings')));
      {
        using reader = openSqliteReader({ file });
        assert.deepEqual(answersOf(reader), expected, 'by whoever only reads');
        assert.ok(reader.losses > 0, 'it was told');
      }
      {
        using store = openSqliteStore({ file, ...OPTIONS });
        assert.deepEqual(answersOf(store), expected, 'before it is made again');
        settle(store);
        assert.deepEqual(answersOf(store), expected, 'made again');
      }
      assert.deepEqual(rowsOf(file, 'posting'), rowsOf(WHOLE, 'posting'));
      assert.deepEqual(says(await checkDatabase({ file })), []);
    });

  it('is not believed where the times of a run of changes are damaged', async () => {
    const file = copyOf(WHOLE, 'times');
    const db = new Database(file);
    db.prepare(`UPDATE posting SET data = json_set(data, '$[1]', 0) WHERE dimension = 5`).run();
    db.close();
    assert.ok(says(await checkDatabase({ file })).some((one) => one.startsWith('postings')));
    using store = openSqliteStore({ file, ...OPTIONS });
    assert.deepEqual(answersOf(store), expected, 'before it is made again');
    settle(store);
    assert.deepEqual(rowsOf(file, 'posting'), rowsOf(WHOLE, 'posting'));
  });

  it('does not keep retention from letting go of what is old', async () => {
    const file = damaged('posting', 'pages');
    {
      using store = openSqliteStore({ file, ...OPTIONS, keepChangesMs: DAY_MS });
      settle(store);
      assert.ok(store.counts().released > 5_000, `${store.counts().released} let go of`);
    }
    assert.deepEqual(says(await checkDatabase({ file })), ['pages posting_damaged']);
  });

  for (const by of ['db repair', 'upkeep'] as const)
    it(`is not taken apart by ${by} where it leads into pages of the record`, async () => {
      const file = crossed(by);
      const record = pathsOf(file);
      if (by === 'upkeep') {
        using store = openSqliteStore({ file, ...OPTIONS });
        store.setAside(['posting']);
        settle(store);
        assert.deepEqual(answersOf(store), expected);
      }
      assert.equal((await repair({ file })).rewritten, true);
      assert.deepEqual(pathsOf(file), record);
      assert.deepEqual(says(await checkDatabase({ file })), []);
    });

  it('is not all that the check says is hit where a table of the record is too', async () => {
    const file = join(folder, 'both.db');
    copyFileSync(WHOLE, file);
    const db = new Database(file);
    const size = db.pragma('page_size', { simple: true }) as number;
    const leaf = db.prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'").pluck();
    const pages = ['posting', 'path_pathset'].map((table) => leaf.get(table) as number);
    db.close();
    const bytes = readFileSync(file);
    // The second page says of those after it what leads to each, in five bytes.
    for (const page of pages) bytes.writeUInt32BE(1, size + (page - 3) * 5 + 1);
    writeFileSync(file, bytes);
    assert.deepEqual(says(await checkDatabase({ file })), ['pages file']);
  });

  it('is named by the check where it is wrong and decodes', async () => {
    const file = join(folder, 'wrong.db');
    copyFileSync(WHOLE, file);
    const db = new Database(file);
    const [through, data] = db.prepare('SELECT through_seq, data FROM newest_mark LIMIT 1').raw().get() as [number, Buffer];
    data[1] = ((data[1] as number) ^ 2) & 0x7f;
    data.writeUInt16LE(checkOf(`0 ${through}`, data.subarray(0, -2)), data.length - 2);
    db.prepare('UPDATE newest_mark SET data = ? WHERE through_seq = ?').run(data, through);
    db.close();
    assert.deepEqual(says(await checkDatabase({ file })), [`marks newest_mark through ${through}`]);
    assert.deepEqual((await repair({ file })).rebuilt, ['newest_mark']);
  });
});

function copyOf(file: string, name = 'copy'): string {
  const db = new Database(file, { readonly: true });
  db.close();
  const copy = `${file}.${name.replaceAll(' ', '-')}`;
  copyFileSync(file, copy);
  return copy;
}
