import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCKS, GAPS_MAX, GapLog } from '../../../src/model/habits/gap-log.ts';

test('keeps the last gaps of each clock in order, and no more than it may', () => {
  const log = new GapLog();
  assert.deepEqual([...log.on(0, CLOCKS.time)], []);
  for (let i = 1; i <= 37; i++) log.push(0, [i * 1_000, i, 2 * i]);
  const last = Array.from({ length: GAPS_MAX }, (_, i) => i + 8);
  assert.deepEqual(
    [...log.on(0, CLOCKS.time)],
    last.map((i) => i * 1_000),
  );
  assert.deepEqual([...log.on(0, CLOCKS.visits)], last);
  assert.deepEqual(
    [...log.on(0, CLOCKS.kind)],
    last.map((i) => 2 * i),
  );
});

test('keys that grow side by side keep apart, one that is forgotten begins anew, and rooms given back are used again', () => {
  const log = new GapLog();
  const KEYS = 50;
  for (let round = 0; round < 20; round++) for (let key = 0; key < KEYS; key++) log.push(key, [key, round, 1]);
  for (let key = 0; key < KEYS; key++) {
    assert.deepEqual([...log.on(key, CLOCKS.time)], new Array(20).fill(key));
    assert.deepEqual(
      [...log.on(key, CLOCKS.visits)],
      Array.from({ length: 20 }, (_, round) => round),
    );
  }
  const roomsBefore = log.save().rooms.map(({ used }) => used);
  for (let key = 0; key < KEYS; key++) log.forget(key);
  assert.equal(log.count(3), 0);
  for (let round = 0; round < 20; round++) for (let key = 0; key < KEYS; key++) log.push(key, [1, 1, round]);
  assert.deepEqual([...log.on(3, CLOCKS.kind)].at(-1), 19);
  assert.deepEqual(
    log.save().rooms.map(({ used }) => used),
    roomsBefore,
  );
});

test('goes on from a copy of its state', () => {
  const log = new GapLog();
  for (let i = 0; i < 9; i++) log.push(i % 2, [i, i, i]);
  const copy = new GapLog();
  copy.load(structuredClone(log.save()));
  copy.push(1, [9, 9, 9]);
  assert.deepEqual([...copy.on(1, CLOCKS.time)], [1, 3, 5, 7, 9]);
  assert.deepEqual([...log.on(1, CLOCKS.time)], [1, 3, 5, 7]);
});
