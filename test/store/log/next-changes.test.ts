/** The first change behind a span, as the chain itself says. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { NextChanges } from '../../../src/store/log/next-changes.ts';

it('is the one that points back to the last of a life in a span, and none where that is gone or lies elsewhere', () => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE change (seq INTEGER PRIMARY KEY, life_id, previous)');
  const add = db.prepare('INSERT INTO change VALUES (?, ?, ?)');
  for (const row of [
    [1, 1, null],
    [2, 2, null],
    [3, 1, 2],
    [4, 3, null],
    [5, 1, 2],
    [6, 2, 4],
    [7, 1, 2],
  ])
    add.run(row);
  const next = new NextChanges(db);
  assert.deepEqual([next.after(3, 1, 4), next.after(2, 2, 4), next.after(4, 3, 4)], [5, 6, undefined]);
  assert.equal(next.after(1, 1, 4), undefined, 'not its last in the span');
  db.exec('DELETE FROM change WHERE seq = 3; UPDATE change SET previous = 4 WHERE seq = 5; DELETE FROM change WHERE seq = 6');
  assert.deepEqual([next.after(1, 1, 4), next.after(2, 2, 4)], [5, undefined], 'a link that moved, a change that is gone');
  assert.equal(next.after(5, 1, 6), 7, 'behind another span');
});
