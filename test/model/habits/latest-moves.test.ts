import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CAME_MAX,
  countCame,
  latestShare,
  missedLately,
  noteChance,
  timesCame,
  wasMissedLast,
} from '../../../src/model/habits/latest-moves.ts';

test('only the last four chances are remembered, and every time that it came', () => {
  let moves = 1;
  for (const came of [false, false, true, false, true, true]) {
    moves = noteChance(moves, came);
    if (came) moves = countCame(moves);
  }
  assert.deepEqual([timesCame(moves), missedLately(moves), wasMissedLast(moves)], [4, 1, false]);
  moves = noteChance(moves, false);
  assert.deepEqual([timesCame(moves), missedLately(moves), wasMissedLast(moves)], [4, 2, true]);
});

test('it stays a small whole number however often it came', () => {
  let moves = 1;
  for (let i = 0; i < 1.6 * CAME_MAX; i++) moves = countCame(noteChance(moves, i % 3 > 0));
  assert.equal(timesCame(moves), CAME_MAX);
  assert.ok(moves > CAME_MAX && moves < 2 ** 24);
});

test('missed once of four is missed again about every third time, all four nearly always', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((missed) => latestShare(missed).toFixed(1)),
    ['0.1', '0.3', '0.5', '0.7', '0.9'],
  );
});
