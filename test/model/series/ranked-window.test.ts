import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countBelow, makeWindow, pushWindow, quantileOf } from '../../../src/model/series/ranked-window.ts';
import { makeRandom } from '../stream.ts';

test('holds the last values, ranked, through growth and wrap-around', () => {
  const window = makeWindow(100);
  const random = makeRandom(3);
  const all: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    const value = Math.round(random() * 40);
    all.push(value);
    pushWindow(window, value);
    const rising = all.slice(-100).sort((a, b) => a - b);
    assert.deepEqual([...window.rising.subarray(0, window.n)], rising);
    assert.equal(countBelow(window, 3), rising.filter((each) => each < 3).length);
  }
  assert.equal(quantileOf(window, 0), Math.min(...all.slice(-100)));
  assert.equal(quantileOf(makeWindow(4), 0.5), undefined);
});
