import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { mergeSorted, type OpenSource, openSource } from '../../../src/store/log/sorted-merge.ts';

it('goes through sorted sources as if they were one, equal items in the order of their sources', () => {
  const source = fc.array(fc.nat(9)).map((numbers) => numbers.toSorted((a, b) => a - b));
  fc.assert(
    fc.property(fc.array(source, { maxLength: 6 }), (sources) => {
      const items = sources.map((numbers, from) => numbers.map((n) => ({ n, from })));
      const open = items
        .map((each) => openSource(each))
        .filter((each): each is OpenSource<{ n: number; from: number }> => each !== undefined);
      const merged = [...mergeSorted(open, (a, b) => a.n - b.n)];
      assert.deepEqual(
        merged,
        items.flat().toSorted((a, b) => a.n - b.n),
      );
    }),
  );
});
