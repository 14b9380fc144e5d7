/** A page of each table and index of the record is damaged: `db repair` makes anew what the file holds twice, and leaves and names what it does not. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { Actor } from '../../../src/domain/change.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { rebuild, unsoundTables } from '../../../src/store/file/rebuild.ts';
import { repair } from '../../../src/store/file/repair.ts';
import { createValueSeal } from '../../../src/store/seal/value-seal.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { readFrom } from '../../support/read-file.ts';
import { history, newChange, refTo, state } from '../new-changes.ts';

const folder = temporaryFolder();
const WHOLE = join(folder, 'whole.db');
const OPTIONS = { changesPerMark: 64, changesPerNewestMark: 1_000, changesPerSpan: 256, spansPerMerge: 4 };
const NAMES = 400;
const CHANGES = 2_000;
const nameOf = (n: number) => `an-object-with-a-long-name-${n % NAMES}`;
const namespaceOf = (n: number) => `namespace-${n % (NAMES / 2)}`;

{
  using store = openSqliteStore({ file: WHOLE, ...OPTIONS });
  const states = new Map<string, KubeObject>();
  for (let n = 1; n <= CHANGES; ) {
    const changes = Array.from({ length: 200 }, () => {
      const name = nameOf(n);
      const before = states.get(name);
      const spec = { fixed: 1, [`f${n % 7}`]: n, [`rare${n % 499}`]: n, items: [{ name: `i${n % 3}`, value: n }] };
      const object = state(name, String(n), spec, { namespace: namespaceOf(n) });
      states.set(name, object);
      n += 1;
      const actor: Actor = { name: `person-${n % 300}@example.org`, source: 'stream', confidence: 1 };
      const more = { before, observedMs: n * 60_000, actor, candidates: [actor] };
      return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, more);
    });
    store.append({ changes, heartbeats: n === CHANGES + 1 ? [heartbeat(5)] : [] });
    for (let round = 0; round < 8; round++) store.maintain();
  }
}

function heartbeat(n: number) {
  const object = state(nameOf(n), String(CHANGES + 1), {}, { namespace: namespaceOf(n) });
  return {
    ref: newChange('MODIFIED', object).ref,
    uid: object.metadata.uid,
    resourceVersion: String(CHANGES + 1),
    observedMs: CHANGES * 60_000,
  };
}

const RECORD = [
  ...['resource', 'namespace', 'version', 'object', 'life', 'head', 'actor_set', 'path', 'pathset', 'path_pathset', 'change'],
  ...['span', 'block', 'young_record', 'small_state'],
];
/** What the file holds once. */
const HELD_ONCE = ['life', 'path', 'change', 'block', 'young_record', 'small_state', 'cursor'];

interface Tree {
  name: string;
  table: string;
  leaf: number;
}

const whole = readFileSync(WHOLE);
const { trees, size } = (() => {
  const db = new Database(WHOLE, { readonly: true });
  const leaves = db
    .prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno")
    .pluck();
  const all = db
    .prepare<[], { name: string; table: string }>('SELECT name, tbl_name AS "table" FROM sqlite_schema WHERE rootpage > 0')
    .all();
  const found = all.flatMap((one): Tree[] => {
    const pages = leaves.all(one.name);
    const leaf = pages[pages.length >> 1];
    return RECORD.includes(one.table) && leaf !== undefined ? [{ ...one, leaf }] : [];
  });
  const pageSize = db.pragma('page_size', { simple: true }) as number;
  db.close();
  return { trees: found, size: pageSize };
})();

function damaged(what: string, ...pages: number[]): string {
  const file = join(folder, `${what}.db`);
  const bytes = Buffer.from(whole);
  for (const page of pages) bytes.fill(0xa5, (page - 1) * size, page * size);
  writeFileSync(file, bytes);
  return file;
}

function rowsOf(file: string): Record<string, unknown[]> {
  return readFrom(file, (db) =>
    Object.fromEntries(
      RECORD.map((table) => [table, db.prepare(`SELECT * FROM ${table} NOT INDEXED ORDER BY 1, 2`).raw().all()]),
    ),
  );
}

function schemaOf(file: string): unknown[] {
  return readFrom(file, (db) => db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').raw().all());
}

const expected = rowsOf(WHOLE);
const schema = schemaOf(WHOLE);

describe('a damaged page is made anew from the rest of the file:', () => {
  it('there are pages of each table and index', () => {
    for (const name of [
      ...RECORD,
      'path_by_parent',
      'life_by_object',
      'block_by_place',
      'actor_set_by_name',
      'sqlite_autoindex_object_1',
    ])
      assert.ok(
        trees.some((tree) => tree.name === name),
        name,
      );
    assert.ok(
      (expected.head as number[][]).some((row) => row[8] === 1),
      'a heartbeat',
    );
    assert.deepEqual(readFrom(WHOLE, unsoundTables), []);
  });

  for (const { name, table, leaf } of trees.filter((one) => one.name !== one.table || !HELD_ONCE.includes(one.table)))
    it(`one of ${name}`, async () => {
      const file = damaged(name, leaf);
      const before = await checkDatabase({ file });
      assert.deepEqual([before.ok, before.repairable, before.unreadable], [false, [table], []]);
      assert.deepEqual(await repair({ file }), { rebuilt: [table], lost: [], rewritten: true });
      const { problems } = await checkDatabase({ file });
      assert.deepEqual(problems, []);
      // Those on the lost page have no heartbeats any more, and their first change is the first one kept.
      const rows = rowsOf(file);
      if (name === 'head') assertHeads(rows.head as number[][], expected.head as number[][]);
      else assert.deepEqual(withoutLevels(rows), withoutLevels(expected));
      assert.deepEqual(schemaOf(file), schema);
      assert.deepEqual(await repair({ file }), { rebuilt: [], lost: [], rewritten: false });
      using store = openSqliteStore({ file, ...OPTIONS });
      store.append({ changes: history('new', [{ a: 1 }, { [`x-${name}`]: 1 }], 90_000) });
      assert.equal(store.changes({ path: `/spec/x-${name}`, limit: 5 }).items.length, 1);
      assert.equal([...store.heads('test', 'kafka.strimzi.io', 'Kafka')].length, NAMES + 1);
    });

  it('all indices and tables that follow from others, at once', async () => {
    const names = [
      'head',
      'path_pathset',
      'path_by_parent',
      'life_by_object',
      'block_by_place',
      'object',
      'sqlite_autoindex_pathset_1',
    ];
    const file = damaged('many', ...trees.filter(({ name }) => names.includes(name)).map(({ leaf }) => leaf));
    const { rebuilt, lost, rewritten } = await repair({ file });
    assert.deepEqual(rebuilt.toSorted(), ['block', 'head', 'life', 'object', 'path', 'path_pathset', 'pathset']);
    assert.deepEqual([lost, rewritten], [[], true]);
    assert.deepEqual((await checkDatabase({ file })).problems, []);
  });

  it('where it was stopped before the file was written anew, the next one does that', async () => {
    const file = damaged(
      'stopped',
      ...trees.filter(({ name }) => ['object', 'path_by_parent'].includes(name)).map(({ leaf }) => leaf),
    );
    const { db, close } = openDatabase({ file });
    for (const one of unsoundTables(db)) rebuild(db, one, createValueSeal(undefined, file));
    close();
    assert.ok((await checkDatabase({ file })).problems.every(({ area }) => area === 'pages'));
    assert.deepEqual(await repair({ file }), { rebuilt: [], lost: [], rewritten: true });
    assert.deepEqual((await checkDatabase({ file })).problems, []);
    assert.deepEqual(rowsOf(file), expected);
    assert.deepEqual(schemaOf(file), schema);
  });

  it('one that says to which page each belongs', async () => {
    const file = damaged('pointers', 2);
    const before = await checkDatabase({ file });
    assert.equal(before.ok, false);
    assert.deepEqual(await repair({ file }), { rebuilt: [], lost: [], rewritten: true });
    assert.deepEqual((await checkDatabase({ file })).problems, []);
    assert.deepEqual(rowsOf(file), expected);
  });
});

/** Blocks do not say how often they were merged. Columns of `span`: last, first, level, … */
function withoutLevels(rows: Record<string, unknown[]>): Record<string, unknown[]> {
  return { ...rows, span: (rows.span as number[][]).map((row) => row.toSpliced(2, 1)) };
}

/** Columns: object, life, seq, rv, generation, deleted, depth, changes, heartbeats, first, last. */
function assertHeads(rows: number[][], before: number[][]): void {
  assert.equal(rows.length, before.length);
  const ofChanges = (row: number[]) => [...row.slice(0, 3), ...row.slice(4, 8), row[10]];
  assert.deepEqual(rows.map(ofChanges), before.map(ofChanges));
  const same = rows.filter((row, i) => row[3] === before[i]?.[3] && row[8] === before[i]?.[8] && row[9] === before[i]?.[9]);
  assert.ok(same.length >= rows.length - 1, `${same.length} of ${rows.length}`);
}

describe('what is readable and wrong is made anew:', () => {
  const WRONG: [string, string, string][] = [
    ['head', 'a head that is gone', 'DELETE FROM head WHERE object_id = 7'],
    ['head', 'a head of another change', 'UPDATE head SET seq = 1 WHERE object_id = 9'],
    ['head', 'a head that counts wrong', 'UPDATE head SET changes = 3 WHERE object_id = 9'],
    ['path_pathset', 'a path that leads to no set', 'DELETE FROM path_pathset WHERE rowid_is = 0'],
    ['path_pathset', 'a path that leads to a set too many', 'INSERT INTO path_pathset VALUES (1, 99999)'],
  ];
  for (const [table, what, sql] of WRONG)
    it(what, async () => {
      const file = join(folder, `${what.replaceAll(' ', '-')}.db`);
      copyFileSync(WHOLE, file);
      const db = new Database(file);
      db.exec(sql.replace('rowid_is = 0', '(path_id, pathset_id) IN (SELECT path_id, pathset_id FROM path_pathset LIMIT 1)'));
      db.close();
      assert.equal((await checkDatabase({ file })).ok, false);
      assert.deepEqual((await repair({ file })).rebuilt, [table]);
      assert.deepEqual((await checkDatabase({ file })).problems, []);
      const rows = rowsOf(file);
      if (table === 'head') assertHeads(rows.head as number[][], expected.head as number[][]);
      else assert.deepEqual(rows, expected);
    });
});

it('an object of which no change is left is forgotten, and recorded again when it is met', async () => {
  const file = join(folder, 'none-left.db');
  const append = (from: number) => {
    using store = openSqliteStore({ file, ...OPTIONS });
    store.append({ changes: [...history('lost', [{ a: from }], from), ...history('kept', [{ a: from }], from + 1)] });
  };
  append(1);
  const db = new Database(file);
  db.exec('DELETE FROM change WHERE seq = 1');
  db.close();
  assert.deepEqual((await repair({ file })).rebuilt, ['head']);
  const { problems } = await checkDatabase({ file });
  assert.deepEqual(
    problems.map(({ area }) => area),
    ['tallies'],
  );
  append(11);
  assert.deepEqual((await repair({ file })).rebuilt, []);
  using store = openSqliteStore({ file, ...OPTIONS });
  assert.deepEqual(store.head(refTo('lost'))?.state.spec, { a: 11 });
});

it('what follows from the record is made anew once where an object is lost, and what is left of it stays', async () => {
  const file = join(folder, 'object-lost.db');
  const CHAINS = 2_200;
  {
    using store = openSqliteStore({ file, ...OPTIONS });
    const lives = ['lost', 'kept'].map((name, i) =>
      history(
        name,
        Array.from({ length: CHAINS }, (_, r) => ({ r })),
        1 + i * 10_000,
      ),
    );
    for (let r = 0; r < CHAINS; r += 100) store.append({ changes: lives.flatMap((changes) => changes.slice(r, r + 100)) });
    store.maintain();
  }
  const db = new Database(file);
  db.exec(`DELETE FROM object WHERE name = 'lost'`);
  db.close();
  assert.deepEqual((await repair({ file })).rebuilt.toSorted(), ['head', 'newest_mark', 'posting']);
  assert.deepEqual((await repair({ file })).rebuilt, []);
  const { problems } = await checkDatabase({ file });
  assert.deepEqual([...new Set(problems.map(({ area }) => area))].toSorted(), ['log', 'names', 'revisions']);
  assert.equal(
    readFrom(file, (one) => one.prepare('SELECT count(*) FROM change').pluck().get()),
    2 * CHAINS,
  );
  using store = openSqliteStore({ file, ...OPTIONS });
  assert.equal(store.changes({ name: 'kept', limit: 5_000 }).items.length, CHAINS);
});

it('an index of words that is readable and wrong is named, and the file not written anew for it', async () => {
  const file = join(folder, 'words.db');
  {
    using store = openSqliteStore({ file, ...OPTIONS, fullText: true });
    store.append({ changes: history('words', [{ text: 'some' }, { text: 'other' }], 1) });
  }
  const db = new Database(file);
  db.unsafeMode(true);
  db.exec('UPDATE value_text_data SET block = zeroblob(length(block)) WHERE id > 10');
  db.close();
  const { repairable, unreadable } = await checkDatabase({ file });
  assert.deepEqual([repairable, unreadable], [[], ['value_text']]);
  assert.deepEqual(await repair({ file }), { rebuilt: [], lost: ['value_text'], rewritten: false });
});

describe('what the file holds once is named, and left as it is:', () => {
  for (const { name, leaf } of trees.filter(
    (one) => one.name === one.table && HELD_ONCE.includes(one.table) && one.name !== 'small_state',
  ))
    it(`a page of ${name}`, async () => {
      const index = trees.find((one) => one.name === 'sqlite_autoindex_version_1') as Tree;
      const file = damaged(`${name}-once`, leaf, index.leaf);
      const before = await checkDatabase({ file });
      assert.deepEqual([before.repairable, before.unreadable], [['version'], [name]]);
      const { rebuilt, lost, rewritten } = await repair({ file });
      assert.deepEqual([rebuilt, lost, rewritten], [['version'], [name], false]);
      assert.deepEqual(readFileSync(file).subarray((leaf - 1) * size, leaf * size), Buffer.alloc(size, 0xa5));
      using store = openSqliteStore({ file, ...OPTIONS });
      assert.equal(store.counts().changes, CHANGES);
      const ref = refTo(nameOf(0), { namespace: namespaceOf(0) });
      const readable = [() => store.head(ref), () => store.objects({ limit: 5 }).items.length, () => store.cursors('')].filter(
        (read) => {
          try {
            return read() !== undefined;
          } catch {
            return false;
          }
        },
      );
      assert.ok(readable.length >= 1);
    });
});
