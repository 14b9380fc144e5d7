import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom } from '../../src/demo/random.ts';

describe('seeded chance', () => {
  it('gives these numbers for this seed, on every machine and for good', () => {
    const random = createRandom('crowsnest');
    assert.deepEqual(
      Array.from({ length: 4 }, () => random.int(0, 999_999)),
      [892985, 338309, 482187, 258],
    );
  });

  it('is spread evenly', () => {
    const random = createRandom(7);
    const bins = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 20_000; i++) bins[Math.floor(random.next() * 10)]! += 1;
    for (const bin of bins) assert.ok(Math.abs(bin - 2000) < 200, `${bins}`);
  });

  it('forks streams that do not depend on what was drawn before', () => {
    const fresh = createRandom(3).fork('a');
    const used = createRandom(3);
    used.hex(50);
    const forked = used.fork('a');
    assert.equal(forked.hex(32), fresh.hex(32));
    assert.notEqual(createRandom(3).fork('a').hex(32), createRandom(3).fork('b').hex(32));
    assert.notEqual(createRandom(3).hex(32), createRandom(4).hex(32));
  });

  it('samples without repeating', () => {
    const random = createRandom(5);
    const sample = random.sample([1, 2, 3, 4, 5], 9);
    assert.deepEqual(sample.toSorted(), [1, 2, 3, 4, 5]);
    assert.throws(() => random.pick([]), RangeError);
  });
});
