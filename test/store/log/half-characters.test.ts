import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { history } from '../new-changes.ts';

test('members whose names are one in UTF-8 are recorded as one path, and stop nothing', () => {
  using store = openSqliteStore({ file: ':memory:' });
  store.append({ changes: history('k', [{ a: 1 }, { a: 2, '\ud800': 1, '\ud801': 2 }], 1) });
  assert.deepEqual(store.change(2)?.diff.length, 3);
  assert.deepEqual(store.changes({ limit: 1 }).items[0]?.paths, ['/spec/a', '/spec/\ufffd']);
});
