import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { mulberry32 } from '../../../bench/random.ts';
import { OwnPairs, type OwnPairsState } from '../../../src/model/habits/own-pairs.ts';

type Pairs = Map<string, Map<string, number>>;

/** At most 96 paths of an object, each with at most 20 partners. */
function countIn(pairs: Pairs, paths: ReadonlySet<string>): void {
  for (const a of paths) {
    if (!pairs.has(a) && pairs.size < 96) pairs.set(a, new Map());
    const partners = pairs.get(a);
    for (const b of paths) {
      if (a !== b && partners !== undefined && (partners.has(b) || partners.size < 20))
        partners.set(b, (partners.get(b) ?? 0) + 1);
    }
  }
}

function partIn(pairs: Pairs, path: string): void {
  for (const partner of pairs.get(path)?.keys() ?? []) pairs.get(partner)?.delete(path);
  pairs.get(path)?.clear();
}

test('it knows of each object what Maps of Maps know, in the same order, also out of a snapshot', () => {
  const random = mulberry32(11);
  const draw = (count: number) => Math.floor(count * random());
  let own = new OwnPairs();
  const rows: Pairs[] = Array.from({ length: 5 }, () => new Map());
  for (let step = 0; step < 3_000; step++) {
    const row = draw(rows.length);
    const pairs = rows[row] as Pairs;
    // Half of the time out of so many paths that the bounds are met.
    const paths = new Set(Array.from({ length: 2 + draw(8) }, () => `/spec/f${draw(step % 2 === 0 ? 12 : 130)}`));
    const [first = ''] = paths;
    if (step % 11 === 0) {
      own.part(row, first);
      partIn(pairs, first);
    } else if (step % 701 === 0) {
      own.forget(row);
      pairs.clear();
    } else {
      own.count(row, paths);
      countIn(pairs, paths);
    }
    for (const path of paths) {
      const expected = pairs.get(path);
      assert.deepEqual(own.partners(row, path, 0), expected && [...expected]);
      assert.deepEqual(own.partners(row, path, 3), expected && [...expected].filter(([, together]) => together >= 3));
    }
    if (step % 501 !== 0) continue;
    const saved = deserialize(serialize(own.save())) as OwnPairsState;
    own = new OwnPairs();
    own.load(saved);
  }
  for (let row = 0; row < rows.length; row++) own.forget(row);
  assert.equal(
    own.save().paths.uses.reduce((sum, uses) => sum + uses, 0),
    0,
  );
});
