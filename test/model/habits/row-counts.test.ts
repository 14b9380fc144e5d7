import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsIn, RowCounts } from '../../../src/model/habits/row-counts.ts';

test('counts names under each row, up to a number of names', () => {
  const counts = new RowCounts();
  for (const name of ['b', 'a', 'b', 'c']) counts.increment(2, name, 2);
  counts.increment(5, 'c', 2);
  assert.equal(counts.get(2, 'b'), 2);
  assert.equal(counts.get(2, 'a'), 1);
  assert.equal(counts.get(2, 'c'), 0);
  assert.equal(counts.get(5, 'c'), 1);
  assert.equal(counts.get(9, 'c'), 0);
  assert.equal(counts.size(2), 2);
  assert.equal(counts.nameAt(2, 0), 'b');
  assert.deepEqual(
    [...countsIn(counts.save(), 2)],
    [
      ['b', 2],
      ['a', 1],
    ],
  );
});

test('a row that is forgotten begins anew, the others stay', () => {
  const counts = new RowCounts();
  counts.increment(0, 'a', 8);
  counts.increment(1, 'a', 8);
  counts.forget(0);
  assert.equal(counts.get(0, 'a'), 0);
  assert.equal(counts.get(1, 'a'), 1);
  assert.deepEqual([...countsIn(counts.save(), 0)], []);
});

test('a count is raised to what it is at least, never set back', () => {
  const counts = new RowCounts();
  counts.raise(0, 'a', 7, 1);
  counts.raise(0, 'a', 3, 1);
  counts.raise(0, 'b', 3, 1);
  assert.equal(counts.get(0, 'a'), 7);
  assert.equal(counts.get(0, 'b'), 0);
  counts.increment(0, 'a', 1);
  assert.equal(counts.get(0, 'a'), 8);
});
