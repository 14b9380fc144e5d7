import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnPool, makePool, tailOfScores } from '../../../src/model/tails/calibrate.ts';

test('what every second visit reaches is no rarer than that, though none goes beyond', () => {
  const pool = makePool();
  const visits = 400;
  for (let i = 1; i <= visits; i++) learnPool(pool, i % 2 === 0 ? 0.9 : 0.1, { key: `object-${i}`, atMs: i * 60_000, visits: i });
  assert.ok(tailOfScores(pool, 0.9, visits) > 0.4);
  assert.ok(tailOfScores(pool, 1, visits) < 0.01);
  assert.ok(Math.abs(Math.log10(tailOfScores(pool, 1, visits) / tailOfScores(pool, 2, visits)) - 1) < 1e-9);
});
