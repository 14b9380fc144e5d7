import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { mulberry32 } from '../../../bench/random.ts';
import { LatestNumbers, type LatestNumbersState } from '../../../src/model/habits/latest-numbers.ts';

test('it holds what a Map does that puts each entry last and lets the first go, also out of a snapshot', () => {
  const random = mulberry32(7);
  let numbers = new LatestNumbers();
  const map = new Map<number, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = Math.floor(random() * 400) * 2 ** (step % 2 === 0 ? 0 : 42);
    assert.equal(numbers.get(key), map.get(key));
    map.delete(key);
    map.set(key, step);
    numbers.put(key, step);
    for (const max = step % 5_000 < 2_500 ? 300 : 100; map.size > max; ) {
      const [oldest, value] = map.entries().next().value as [number, number];
      map.delete(oldest);
      assert.equal(numbers.shift(), value);
    }
    assert.equal(numbers.size, map.size);
    if (step % 1_777 !== 0) continue;
    const saved = deserialize(serialize(numbers.save())) as LatestNumbersState;
    numbers = new LatestNumbers();
    numbers.load(saved);
  }
});

test('where nothing is left there is nothing to let go of', () => {
  const numbers = new LatestNumbers();
  numbers.put(1, 10);
  assert.equal(numbers.shift(), 10);
  assert.equal(numbers.shift(), undefined);
  numbers.put(2, 20);
  assert.equal(numbers.get(1), undefined);
  assert.equal(numbers.get(2), 20);
});
