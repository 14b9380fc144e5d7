import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FewTexts } from '../../src/model/few-texts.ts';

test('a few texts are counted as in a Map, and come back from one', () => {
  const text = fc.constantFrom('', 'a', 'b', 'c');
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), fc.nat(8), (texts, kept) => {
      const expected = new Map<string, number>();
      let few = new FewTexts();
      texts.forEach((added, i) => {
        if (i === kept) few = FewTexts.from(few.toMap());
        few.add(added);
        expected.set(added, (expected.get(added) ?? 0) + 1);
      });
      assert.deepEqual([...few.toMap()], [...expected]);
      assert.equal(few.size, expected.size);
      for (const one of ['', 'a', 'b', 'c']) {
        assert.equal(few.get(one), expected.get(one));
        assert.equal(few.has(one), expected.has(one));
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});
