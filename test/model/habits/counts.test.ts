import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dropOldest, touch } from '../../../src/model/habits/counts.ts';
import { AskedMap } from '../asked-map.ts';

const CAP = 50;

/** What `touch` does, the oldest found anew each time. */
function touchAnew(map: Map<string, number>, key: string, make: () => number): number {
  const known = map.get(key);
  if (known !== undefined && map.size <= CAP / 2) return known;
  map.delete(key);
  const [oldest] = map.keys();
  if (known === undefined && map.size >= CAP && oldest !== undefined) map.delete(oldest);
  const value = known ?? make();
  map.set(key, value);
  return value;
}

describe('the least recently used of a full map', () => {
  it('gives way, whatever was touched, taken out or cleared meanwhile', () => {
    const [map, expected] = [new Map<string, number>(), new Map<string, number>()];
    let state = 1;
    const below = (n: number) => {
      state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647;
      return state % n;
    };
    for (let i = 0; i < 20_000; i++) {
      const key = `key ${below(3 * CAP)}`;
      const what = below(2_000);
      if (what === 0) for (const each of [map, expected]) each.clear();
      else if (what < 100) for (const each of [map, expected]) each.delete(key);
      else
        assert.equal(
          touch(map, key, CAP, () => i),
          touchAnew(expected, key, () => i),
        );
      if (i % 100 === 0) assert.deepEqual([...map], [...expected]);
    }
    assert.deepEqual([...map], [...expected]);
  });

  it('is none of an empty map', () => {
    const map = new Map([['only', 1]]);
    assert.deepEqual(dropOldest(map), ['only', 1]);
    assert.equal(dropOldest(map), undefined);
    map.set('next', 2);
    assert.deepEqual(dropOldest(map), ['next', 2]);
  });

  it('is not looked for anew each time', () => {
    const map = new AskedMap<string, number>();
    for (let i = 0; i < 100 * CAP; i++) touch(map, `key ${i}`, CAP, () => i);
    assert.deepEqual(
      [...map.values()],
      Array.from({ length: CAP }, (_, i) => 99 * CAP + i),
    );
    assert.equal(map.asked, 1);
  });
});
