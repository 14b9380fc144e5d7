import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { history, newChange, state } from '../new-changes.ts';

test('members whose names are one in UTF-8 are recorded as one path, and stop nothing', () => {
  using store = openSqliteStore({ file: ':memory:' });
  store.append({ changes: history('k', [{ a: 1 }, { a: 2, '\ud800': 1, '\ud801': 2 }], 1) });
  assert.deepEqual(store.change(2)?.diff.length, 3);
  assert.deepEqual(store.changes({ limit: 1 }).items[0]?.paths, ['/spec/a', '/spec/\ufffd']);
});

test('a line feed in the name of a member does not make its path pass for several others', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const of = (rv: number, spec: JsonObject, status: JsonObject) => ({ ...state('k', String(rv), spec), status }) as KubeObject;
  const states = [
    of(1, { a: 1 }, { y: 1 }),
    of(2, { a: 1, 'a\n': { status: { x: 1 } } }, { y: 1 }),
    of(3, { a: 2, 'a\n': { status: { x: 1 } } }, { x: 1, y: 1 }),
  ];
  store.append({
    changes: states.map((object, i) => newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { before: states[i - 1] })),
  });
  assert.deepEqual(
    store.changes({ limit: 2 }).items.map(({ paths }) => paths),
    [['/spec/a', '/status/x'], ['/spec/a\n/status/x']],
  );
  assert.deepEqual(
    store.changes({ path: '/status/x', limit: 5 }).items.map(({ seq }) => seq),
    [3],
  );
});
