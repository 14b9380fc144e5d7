import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnPool, makePool } from '../../../src/model/tails/calibrate.ts';
import { makeRandom } from '../stream.ts';

test('of more askers than a pool knows the one seen longest ago gives way, also one that was new and came again before there were many', () => {
  const random = makeRandom(5);
  const pool = makePool();
  const seen = new Map<string, number>();
  for (let visits = 1; visits <= 12_000; visits++) {
    const key = `object ${Math.floor(random() * 2_600 * Math.min(1, visits / 6_000))}`;
    // Two hours apart, so that each is an episode of its own.
    const atMs = visits * 7_200_000;
    learnPool(pool, random(), { key, atMs, visits });
    seen.delete(key);
    seen.set(key, atMs);
    if (seen.size > 2_000) seen.delete(seen.keys().next().value as string);
  }
  assert.equal(pool.open.size, 2_000);
  assert.deepEqual(
    [...pool.open].map(([key, { sinceMs }]) => [key, sinceMs]),
    [...seen],
  );
});
