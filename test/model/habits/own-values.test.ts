import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countToken, makeTokenCounts, type TokenCounts } from '../../../src/model/habits/counts.ts';
import { OwnValues } from '../../../src/model/habits/own-values.ts';

const name = (letters: string, most: number) => fc.integer({ min: 0, max: most }).map((i) => `${letters}${i}`);

test('packed counts are those that Maps would hold, whatever comes in which order', () => {
  const sighting = fc.record({ row: fc.integer({ min: 0, max: 2 }), path: name('/p', 60), token: name('word:', 20) });
  fc.assert(
    fc.property(fc.array(sighting, { maxLength: 600 }), (sightings) => {
      const own = new OwnValues();
      const expected = new Map<number, Map<string, TokenCounts>>();
      for (const { row, path, token } of sightings) {
        if (!own.count(row, path, token)) own.begin(row, path, token);
        const paths = expected.get(row) ?? new Map<string, TokenCounts>();
        expected.set(row, paths);
        const counts = paths.get(path) ?? makeTokenCounts();
        if (!paths.has(path) && paths.size >= 48) continue;
        paths.set(path, counts);
        countToken(counts, token, 12);
      }
      for (const [row, paths] of expected) {
        for (const [path, counts] of paths) {
          const packed = own.get(row, path);
          assert.deepEqual(packed, counts);
          assert.deepEqual([...(packed?.seen.keys() ?? [])], [...counts.seen.keys()]);
        }
        assert.equal(own.get(row, '/p61'), undefined);
      }
    }),
    { seed: 7, numRuns: 60 },
  );
});

test('an object that is forgotten begins anew', () => {
  const own = new OwnValues();
  own.begin(4, '/a', 'word:x');
  own.forget(4);
  assert.equal(own.count(4, '/a', 'word:x'), false);
});
