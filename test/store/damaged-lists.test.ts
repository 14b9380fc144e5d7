/** A list of changes tells all that can be read, and which changes cannot, whichever page of changes, lives or objects is damaged. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { searchSteps } from '../../src/api/change-search.ts';
import { parseChangeFilter } from '../../src/domain/change-filter.ts';
import { compileChangeFilter } from '../../src/domain/change-match.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import type { ChangeQuery } from '../../src/store/store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { FLUX, HUMAN, newChange, refTo, state } from './new-changes.ts';
import { middleLeafOf, overwritePages } from './overwritten-pages.ts';
import { pageAbout } from './page-about.ts';

const folder = temporaryFolder();
const WHOLE = join(folder, 'whole.db');
const OBJECTS = 700;
const CHANGES = 5_600;
const EVERY_MS = 60_000;
const nameOf = (n: number) => `object-with-a-long-name-${n % OBJECTS}`;

{
  using store = openSqliteStore({ file: WHOLE, changesPerSpan: 256 });
  const states = new Map<string, KubeObject>();
  for (let n = 1; n <= CHANGES; ) {
    const changes = Array.from({ length: 400 }, () => {
      const before = states.get(nameOf(n));
      const object = state(nameOf(n), String(n), { n, [`f${n % 5}`]: n }, { namespace: `ns-${n % 3}` });
      states.set(nameOf(n), object);
      n += 1;
      return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: n * EVERY_MS });
    });
    store.append({ changes });
    for (let rounds = 0; rounds < 8; rounds++) store.maintain();
  }
}

const QUERIES: Record<string, Omit<ChangeQuery, 'limit'>> = {
  all: {},
  'of a kind': { kind: 'Kafka' },
  'of a namespace': { namespace: 'ns-1' },
  'with a path': { path: '/spec/f3' },
  'of a name': { name: nameOf(350) },
  'of a time': { fromMs: 1_000 * EVERY_MS, toMs: 4_000 * EVERY_MS },
};

function listed(store: SqliteStore, query: Omit<ChangeQuery, 'limit'>, limit: number): { seqs: number[]; lost: number[] } {
  const [seqs, lost]: [number[], number[]] = [[], []];
  for (let position = {}; ; ) {
    const page = store.changes({ ...query, ...position, limit });
    seqs.push(...page.items.map(({ seq }) => seq));
    lost.push(...(page.lost ?? []));
    if (page.continue === undefined) return { seqs, lost };
    position = { continue: page.continue };
  }
}

/** A copy of which a leaf in the middle of a table is overwritten. */
function damaged(table: string, whole = WHOLE): string {
  const file = join(folder, `${table}.db`);
  copyFileSync(whole, file);
  overwritePages(file, (db) => [middleLeafOf(db, table)]);
  return file;
}

function withoutRows(table: string): string {
  const file = join(folder, `without-${table}.db`);
  copyFileSync(WHOLE, file);
  const db = new Database(file);
  db.pragma('foreign_keys = OFF');
  db.prepare(`DELETE FROM ${table} WHERE id BETWEEN 340 AND 360`).run();
  db.close();
  return file;
}

describe('lists of changes', () => {
  using whole = openSqliteStore({ file: WHOLE });
  const expected = Object.fromEntries(Object.entries(QUERIES).map(([what, query]) => [what, listed(whole, query, 10_000).seqs]));

  it('are of many pages to begin with', () => {
    assert.equal(expected.all?.length, CHANGES);
    for (const seqs of Object.values(expected)) assert.ok(seqs.length >= CHANGES / OBJECTS);
  });

  const hit: [what: string, file: string][] = [
    ...['change', 'life', 'object'].map((table): [string, string] => [`a leaf of ${table} is damaged`, damaged(table)]),
    ...['life', 'object'].map((table): [string, string] => [`rows of ${table} are missing`, withoutRows(table)]),
  ];
  for (const [where, file] of hit)
    it(`tell what can be read and what cannot where ${where}`, () => {
      using store = openSqliteStore({ file });
      const all = listed(store, {}, 10_000);
      assert.ok(all.lost.length > 0 && all.lost.length < CHANGES / 4, `${all.lost.length} are lost`);
      assert.ok(store.losses > 0, 'it was told');
      // An object that is in no index is one that never was.
      const isNameless = where === 'rows of object are missing';
      for (const [what, query] of Object.entries(QUERIES).filter(([what]) => !isNameless || what !== 'of a name'))
        for (const limit of [10_000, 37]) {
          const { seqs, lost } = listed(store, query, limit);
          assert.deepEqual(
            lost,
            [...new Set(lost)].sort((a, b) => b - a),
            `${what}: each once`,
          );
          const missed = new Set(all.lost);
          assert.deepEqual(
            seqs,
            expected[what]?.filter((seq) => !missed.has(seq)),
            `${what}, ${limit} at once`,
          );
          const told = new Set(lost);
          for (const seq of expected[what] ?? []) assert.equal(told.has(seq), missed.has(seq), `${what}: change ${seq}`);
        }
      store.append({ changes: [newChange('ADDED', state('new', '99999', { n: 1 }))] });
      assert.deepEqual(store.head(refTo('new'))?.state.spec, { n: 1 });
    });

  it('are of one object without the paths where those cannot be read, and its changes and states are told', () => {
    const file = join(folder, 'paths.db');
    copyFileSync(WHOLE, file);
    const db = new Database(file);
    db.exec('DELETE FROM path');
    db.close();
    using store = openSqliteStore({ file });
    using undamaged = openSqliteStore({ file: WHOLE });
    const ref = refTo(nameOf(350), { namespace: 'ns-2' });
    const seqs = [...undamaged.history(ref)].map(({ seq }) => seq);
    assert.ok(seqs.length > 1);
    assert.deepEqual(
      [...store.history(ref)].map(({ seq, paths }) => [seq, paths]),
      seqs.map((seq) => [seq, []]),
    );
    for (const seq of seqs) assert.deepEqual(store.change(seq)?.state, undamaged.change(seq)?.state);
    assert.ok(store.losses > 0, 'it was told');
  });

  it('tell all but what somebody did of whom the text is garbled, and of one object that too', () => {
    const file = join(folder, 'garbled.db');
    const whole = openSqliteStore({ file });
    const changes = [HUMAN, FLUX].flatMap((actor, a) =>
      Array.from({ length: 40 }, (_, i) => {
        const object = state('shared', String(a * 40 + i + 1), { n: i });
        return newChange(a + i === 0 ? 'ADDED' : 'MODIFIED', object, { actor, candidates: [actor] });
      }),
    );
    const seqs = whole.append({ changes }).map(({ seq }) => seq);
    whole.close();
    const [garbled, others] = [seqs.slice(0, 40), seqs.slice(40)];
    const db = new Database(file);
    db.prepare("UPDATE actor_set SET candidates = replace(candidates, '[', '{') WHERE name = ?").run(HUMAN.name);
    db.close();
    using store = openSqliteStore({ file });
    const { seqs: told, lost } = listed(store, {}, 30);
    assert.deepEqual(told.toReversed(), others);
    assert.deepEqual(lost.toReversed(), garbled);
    assert.deepEqual([...store.history(refTo('shared'))].map(({ seq }) => seq).toReversed(), seqs);
    // What goes through the record does not end there.
    assert.deepEqual(
      store.changesAfter(0, 1_000).map(({ seq }) => seq),
      others,
    );
    assert.ok(store.losses > 0, 'it was told');
  });

  it('come to an end in a search too, which tells what is lost', async () => {
    using store = openSqliteStore({ file: hit[0]?.[1] as string });
    const { lost } = listed(store, {}, 10_000);
    const filter = compileChangeFilter(parseChangeFilter('kind:Kafka -type:DELETED', 0));
    const [found, missing]: [number[], number[]] = [[], []];
    for await (const step of searchSteps(asAsync(store), filter, {})) {
      found.push(...step.found.map(({ seq }) => seq));
      missing.push(...step.lost);
    }
    assert.deepEqual(missing, lost);
    assert.equal(new Set([...found, ...missing]).size, store.counts().changes);
  });
});

for (const table of ['finding', 'finding_by_time', 'finding_block', 'sqlite_autoindex_finding_1'])
  it(`a list of findings tells what can be read where a leaf of ${table} is damaged`, () => {
    const whole = join(folder, 'findings.db');
    if (!existsSync(whole)) {
      using store = openSqliteStore({ file: whole });
      for (let n = 0; n < 40; n++) {
        const changes = Array.from({ length: 50 }, (_, i) =>
          newChange('ADDED', state(`k${n * 50 + i}`, String(n * 50 + i + 1), { n })),
        );
        const found = store.append({ changes }).map((change) => ({ ...pageAbout(change), id: `finding-${change.seq}` }));
        store.commitAnalysis({ findings: found });
        for (let rounds = 0; rounds < 4; rounds++) store.maintain();
      }
    }
    using store = openSqliteStore({ file: damaged(table, whole) });
    const { items } = store.findings({ limit: 10_000 });
    assert.ok(items.length >= 1_000, `${items.length} are told`);
    assert.deepEqual(
      items,
      items.toSorted((a, b) => b.tsMs - a.tsMs),
    );
    const seen: string[] = [];
    for (let position = {}; ; ) {
      const page = store.findings({ kind: 'Kafka', limit: 300, ...position });
      seen.push(...page.items.map(({ id }) => id));
      if (page.continue === undefined) break;
      position = { continue: page.continue };
    }
    assert.deepEqual(
      seen,
      items.map(({ id }) => id),
    );
    if (table !== 'sqlite_autoindex_finding_1') assert.ok(store.losses > 0, 'it was told');
    if (table.endsWith('_by_time')) assert.equal(items.length, 2_000);
  });

it('a search for words reads the values of those changes alone of which the rows fit', async () => {
  using store = openSqliteStore({ file: ':memory:', fullText: true });
  for (let n = 1; n <= 200; n++)
    store.append({ changes: [newChange('ADDED', state(`k${n}`, String(n), { note: 'ready' }, { namespace: `ns-${n % 50}` }))] });
  let read = 0;
  const counting = new Proxy(asAsync(store), {
    get: (target, name) => {
      if (name === 'change') read += 1;
      return Reflect.get(target, name) as unknown;
    },
  });
  const filter = compileChangeFilter(parseChangeFilter('text:ready namespace:ns-7', 0));
  const found: number[] = [];
  for await (const step of searchSteps(counting, filter, {})) found.push(...step.found.map(({ seq }) => seq));
  assert.deepEqual(found, [157, 107, 57, 7]);
  assert.equal(read, 0);
});
