import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { mulberry32 } from '../../../bench/random.ts';
import { commonest, countToken, makeTokenCounts, type TokenCounts, touch } from '../../../src/model/habits/counts.ts';
import { StepCounts, type StepCountsState } from '../../../src/model/habits/step-counts.ts';

test('it counts what Maps of token counts do, whose keys and tokens give way in the same order, also out of a snapshot', () => {
  const random = mulberry32(3);
  const bounds = { keysMax: 20, tokensMax: 6 };
  let counts = new StepCounts(bounds);
  const maps = new Map<string, TokenCounts>();
  for (let step = 0; step < 20_000; step++) {
    const key = Math.floor(30 * random() ** 2);
    const token = 1 + Math.floor(10 * random() ** 2);
    const expected = touch(maps, String(key), bounds.keysMax, makeTokenCounts);
    countToken(expected, String(token), bounds.tokensMax);
    const row = counts.rowOf(key);
    counts.count(row, token);
    assert.deepEqual([counts.n(row), counts.fresh(row)], [expected.n, expected.fresh]);
    for (let other = 1; other <= 10; other++) assert.equal(counts.seen(row, other), expected.seen.get(String(other)) ?? 0);
    assert.equal(String(counts.commonest(row)), commonest(expected)?.[0]);
    if (step % 1_777 !== 0) continue;
    for (let other = 0; other < 30; other++) assert.equal(counts.find(other) >= 0, maps.has(String(other)));
    const saved = deserialize(serialize(counts.save())) as StepCountsState;
    counts = new StepCounts(bounds);
    counts.load(saved);
  }
});

test('of a key that never was nothing is known', () => {
  const counts = new StepCounts({ keysMax: 2, tokensMax: 2 });
  assert.equal(counts.find(1), -1);
  assert.deepEqual([counts.n(-1), counts.fresh(-1), counts.seen(-1, 0), counts.commonest(-1)], [0, 0, 0, undefined]);
});

test('what has no name is something new each time', () => {
  const counts = new StepCounts({ keysMax: 2, tokensMax: 2 });
  const row = counts.rowOf(7);
  for (let i = 0; i < 3; i++) counts.count(row, 0);
  assert.deepEqual([counts.n(row), counts.fresh(row), counts.seen(row, 0), counts.commonest(row)], [3, 3, 0, undefined]);
});
