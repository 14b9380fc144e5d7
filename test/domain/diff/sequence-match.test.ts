import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commonSequence, longestRise } from '../../../src/domain/diff/sequence-match.ts';

/** The length of a longest common subsequence, by the table. */
function longest(a: readonly unknown[], b: readonly unknown[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    b.forEach((y, j) => {
      next.push(x === y ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    });
    row = next;
  }
  return row[b.length]!;
}

test('pairs equal items in rising order, as many as possible', () => {
  const list = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 24 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      const pairs = commonSequence(a, b);
      pairs.forEach(([i, j], n) => {
        assert.equal(a[i], b[j]);
        const [beforeI, beforeJ] = pairs[n - 1] ?? [-1, -1];
        assert.ok(i > beforeI && j > beforeJ);
      });
      assert.equal(pairs.length, longest(a, b));
    }),
    { numRuns: 2_000 },
  );
});

test('two long sequences with nothing in common but their ends cost no more than the bound', () => {
  const a = ['start', ...Array.from({ length: 20_000 }, (_, i) => `a${i}`), 'end'];
  const b = ['start', ...Array.from({ length: 20_000 }, (_, i) => `b${i}`), 'end'];
  assert.deepEqual(commonSequence(a, b), [
    [0, 0],
    [20_001, 20_001],
  ]);
});

test('a longest rise keeps what need not move', () => {
  assert.deepEqual([...longestRise([3, 0, 1, 2])].sort(), [1, 2, 3]);
  assert.equal(longestRise([]).size, 0);
  assert.equal(longestRise([4, 3, 2, 1]).size, 1);
});
