/** Blame against the plain way: every state, and the difference of each pair of neighbours. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { isBookkeepingPath } from '../../src/domain/diff/bookkeeping.ts';
import { diffValues, leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { history, newChange, refTo, state } from './new-changes.ts';

function plainly(states: readonly KubeObject[], firstSeq: number): Record<string, number> {
  const setBy = new Map(leavesOf(states[0]!).map(({ path }) => [path, firstSeq]));
  for (let i = 1; i < states.length; i++) {
    for (const { op, path } of diffValues(states[i - 1], states[i]!)) {
      if (op === 'remove') setBy.delete(path);
      else setBy.set(path, firstSeq + i);
    }
  }
  const last = leavesOf(states.at(-1)!).map(({ path }) => path);
  return Object.fromEntries(last.filter((path) => !isBookkeepingPath(path)).map((path) => [path, setBy.get(path)!]));
}

function blamed(store: Store, seq?: number): Record<string, number | undefined> | undefined {
  const found = store.blame(refTo('orders'), seq === undefined ? {} : { seq });
  return found && Object.fromEntries(found.fields.map((field) => [field.path, field.seq]));
}

const item = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), port: fc.integer({ min: 0, max: 2 }) });
const spec = fc.record(
  {
    replicas: fc.integer({ min: 0, max: 3 }),
    mode: fc.constantFrom('x', 'y'),
    nested: fc.dictionary(fc.constantFrom('p', 'q', 'a/b'), fc.constantFrom(1, 2), { maxKeys: 3 }),
    // Members that look like items of a list.
    odd: fc.dictionary(
      fc.constantFrom('[*]', '[0]', '[name=a]', '[*]x'),
      fc.record({
        size: fc.integer({ min: 0, max: 1 }),
        named: fc.uniqueArray(item, { selector: ({ name }) => name, maxLength: 3 }),
      }),
      { maxKeys: 3 },
    ),
    named: fc.uniqueArray(item, { selector: ({ name }) => name, maxLength: 4 }),
    plain: fc.array(fc.constantFrom('u', 'v'), { maxLength: 3 }),
  },
  { requiredKeys: ['mode'] },
);

/** Marks so often that most histories have several. */
const shape = fc.record({ changesPerMark: fc.integer({ min: 1, max: 9 }) });

test('says of each field what the differences of all states say, at every revision, whatever was asked before', () => {
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 40 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      shape,
      (specs, asked, options) => {
        const store = openSqliteStore({ file: ':memory:', changesPerSpan: 8, bytesPerSpan: 4_096, ...options });
        try {
          const changes = history('orders', specs as JsonObject[], 10);
          const states = changes.map((change) => change.state);
          for (let i = 0; i < changes.length; i += 5) {
            store.append({ changes: changes.slice(i, i + 5) });
            if (i % 3 === 0) store.maintain();
            assert.deepEqual(blamed(store), plainly(states.slice(0, Math.min(i + 5, states.length)), 1));
          }
          for (const one of asked) {
            const seq = (one % states.length) + 1;
            assert.deepEqual(blamed(store, seq), plainly(states.slice(0, seq), 1));
          }
        } finally {
          store.close();
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('what a long history needs to be remembered is little, and a restart loses none of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'blame-'));
  const file = join(folder, 'a.db');
  const conditions = (i: number) => [
    { type: 'Ready', status: i % 2 === 0 ? 'True' : 'False', at: i },
    { type: 'Healthy', status: 'True', at: 0 },
  ];
  const changes = history(
    'orders',
    Array.from({ length: 3_000 }, (_, i) => ({ kept: 1, conditions: conditions(i) })),
    1,
  );
  const expected = plainly(
    changes.map((change) => change.state),
    1,
  );
  try {
    const store = openSqliteStore({ file });
    for (let i = 0; i < changes.length; i += 100) {
      store.append({ changes: changes.slice(i, i + 100) });
      store.maintain();
    }
    assert.deepEqual(blamed(store), expected);
    store.close();
    const again = openSqliteStore({ file });
    assert.deepEqual(blamed(again), expected);
    again.close();
    const db = new Database(file, { readonly: true });
    const rows = db.prepare('SELECT count(*) AS rows, sum(length(data)) AS bytes FROM blame_mark').get() as {
      rows: number;
      bytes: number;
    };
    db.close();
    assert.equal(rows.rows, 11);
    assert.ok(rows.bytes / 3_000 < 1, `${rows.bytes} bytes`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('begins anew with each life, and goes on when only the version moves', () => {
  const store = openSqliteStore({ file: ':memory:' });
  const first = state('orders', '1', { a: 1, b: 1 });
  const gone = newChange('DELETED', first, { observedMs: 2 });
  const again = state('orders', '3', { a: 1, b: 1 }, { uid: 'uid-2' });
  const moved = { ...state('orders', '4', { a: 1, b: 2 }, { uid: 'uid-2' }), apiVersion: 'kafka.strimzi.io/v1' };
  store.append({ changes: [newChange('ADDED', first), gone, newChange('ADDED', again)] });
  store.append({ changes: [newChange('MODIFIED', moved, { before: again })] });
  assert.deepEqual(blamed(store, 2), { '/apiVersion': 1, '/spec/a': 1, '/spec/b': 1 });
  assert.deepEqual(blamed(store), { '/apiVersion': 4, '/spec/a': 3, '/spec/b': 4 });
  assert.equal(store.blame(refTo('nobody')), undefined);
  assert.equal(store.blame(refTo('orders'), { seq: 9 }), undefined);
  store.close();
});

/** As in a database of an earlier version: nothing but the changes themselves. */
const UNMARKED = { changesPerMark: Number.MAX_SAFE_INTEGER };

test('says what it did not get to in the time it has', () => {
  const store = openSqliteStore({ file: ':memory:', ...UNMARKED });
  store.append({
    changes: history(
      'orders',
      Array.from({ length: 300 }, (_, i) => ({ kept: 1, moved: i })),
      1,
    ),
  });
  const { fields } = store.blame(refTo('orders'), { msMax: -1 })!;
  assert.deepEqual(
    fields.map(({ path, notAfter }) => [path, notAfter]),
    [
      ['/apiVersion', 300],
      ['/spec/kept', 300],
      ['/spec/moved', 300],
    ],
  );
  assert.deepEqual(blamed(store), { '/apiVersion': 1, '/spec/kept': 1, '/spec/moved': 300 });
  store.close();
});

test('a change that stands for others of its day does not claim what one of them may have set', () => {
  const retention = { changesPerSpan: 4, spansPerMerge: 2, keepChangesMs: 86_400_000 };
  const store = openSqliteStore({ file: ':memory:', ...retention, ...UNMARKED });
  const specs = Array.from({ length: 80 }, (_, i) => ({ first: 1, early: i < 5 ? 0 : 1, late: i < 78 ? 0 : 1, moved: i }));
  for (const [i, change] of history('orders', specs, 1).entries()) {
    store.append({ changes: [{ ...change, observedMs: i * 3_600_000 }] });
    store.maintain();
  }
  assert.ok(store.counts().released > 0);
  const kept = [...store.history(refTo('orders'))].map(({ seq }) => seq);
  const checkpoint = kept.filter((seq) => seq >= 6).at(-1)!;
  const fields = store.blame(refTo('orders'))!.fields.map(({ path, seq, notAfter }) => [path, seq, notAfter]);
  assert.deepEqual(fields, [
    ['/apiVersion', undefined, kept.at(-1)],
    ['/spec/early', undefined, checkpoint],
    ['/spec/first', undefined, kept.at(-1)],
    ['/spec/late', 79, undefined],
    ['/spec/moved', 80, undefined],
  ]);
  store.close();
});

test('the history of an object is read newest first from any of its changes', () => {
  const store = openSqliteStore({ file: ':memory:' });
  store.append({ changes: history('orders', [{ a: 1 }, { a: 2 }, { a: 3 }], 1) });
  const seqs = (from?: { seq: number }) => [...store.history(refTo('orders'), from)].map(({ seq }) => seq);
  assert.deepEqual(seqs(), [3, 2, 1]);
  assert.deepEqual(seqs({ seq: 2 }), [2, 1]);
  assert.deepEqual(seqs({ seq: 7 }), []);
  assert.deepEqual([...store.history(refTo('nobody'))], []);
  store.close();
});
