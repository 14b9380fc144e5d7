import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Recent, RecentHeld } from '../../src/domain/recent.ts';

describe('Recent', () => {
  it('keeps what is used and forgets what is not', () => {
    const lru = new Recent<string, number>(10);
    lru.set('used', 0);
    for (let i = 1; i <= 50; i++) {
      lru.set(`k${i}`, i);
      assert.equal(lru.get('used'), 0);
    }
    assert.equal(lru.get('k1'), undefined);
    assert.equal(lru.get('k50'), 50);
  });

  it('forgets nothing of what fits, in whatever order it is used', () => {
    const lru = new Recent<number, number>(100);
    for (let round = 0; round < 5; round++) {
      for (let key = 0; key < 100; key++) {
        if (round > 0) assert.equal(lru.get(key), key);
        lru.set(key, key);
      }
    }
    assert.equal(lru.size, 100);
  });

  it('never gives a value that was replaced or deleted, and stays within its weight', () => {
    const action = fc.record({
      key: fc.integer({ min: 0, max: 9 }),
      weight: fc.integer({ min: 0, max: 8 }),
      verb: fc.constantFrom('set', 'get', 'delete'),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const lru = new Recent<number, { turn: number; weight: number }>(12);
        const truth = new Map<number, number>();
        actions.forEach(({ key, weight, verb }, turn) => {
          if (verb === 'set') {
            lru.set(key, { turn, weight }, weight);
            truth.set(key, turn);
          } else if (verb === 'delete') {
            lru.delete(key);
            truth.delete(key);
          }
          const found = lru.get(key);
          if (found !== undefined) assert.equal(found.turn, truth.get(key));
        });
        let total = 0;
        for (let key = 0; key < 10; key++) total += new Set([lru.get(key)]).values().next().value?.weight ?? 0;
        assert.ok(total <= 12, `holds ${total}`);
      }),
    );
  });

  it('says what it lets go of, each once, and neither what is replaced nor what is kept', () => {
    const action = fc.record({
      key: fc.integer({ min: 0, max: 9 }),
      weight: fc.integer({ min: 0, max: 8 }),
      verb: fc.constantFrom('set', 'get', 'delete'),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const held = new Set<string>();
        const lru = new Recent<number, string>(12, (value) => assert.ok(held.delete(value), `${value} went twice`));
        for (const { key, weight, verb } of actions) {
          if (verb === 'get') lru.get(key);
          else if (verb === 'delete') lru.delete(key);
          else {
            held.add(`of ${key}`);
            lru.set(key, `of ${key}`, weight);
          }
        }
        assert.equal(held.size, lru.size);
      }),
    );
  });
});

describe('RecentHeld', () => {
  const held = (name: string) => ({ name, weight: 0, used: false });

  it('weighs a value anew that it holds already, whichever generation it is in', () => {
    const gone: string[] = [];
    const map = new RecentHeld<string, ReturnType<typeof held>>(10, ({ name }) => gone.push(name));
    const [a, b, c] = [held('a'), held('b'), held('c')];
    map.set('a', a, 3);
    map.set('a', a, 5);
    assert.equal(map.weight, 5);
    map.set('b', b, 5);
    map.set('c', c, 5);
    assert.deepEqual(gone, ['a'], 'what was not used since goes first');
    map.set('b', b, 1);
    assert.equal(map.weight, 6);
    assert.equal(map.get('b'), b);
    map.delete('b');
    map.delete('c');
    assert.equal(map.weight, 0);
    assert.deepEqual(gone, ['a', 'b', 'c']);
  });

  it('lets go of a value that has become too heavy', () => {
    const gone: string[] = [];
    const map = new RecentHeld<string, ReturnType<typeof held>>(10, ({ name }) => gone.push(name));
    const a = held('a');
    map.set('a', a, 4);
    map.set('a', a, 6);
    assert.equal(map.get('a'), undefined);
    assert.equal(map.weight, 0);
    assert.deepEqual(gone, ['a']);
  });
});
