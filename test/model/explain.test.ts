import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reasonOf } from '../../src/model/explain.ts';

test('bits are given in thousandths, as toFixed rounds them', () => {
  const nearHalf = fc
    .tuple(fc.integer({ min: 0, max: 40_000 }), fc.constantFrom(-1e-9, -1e-12, -1e-16, 0, 1e-16, 1e-12, 1e-9))
    .map(([thousandths, off]) => (thousandths + 0.5) / 1000 + off);
  fc.assert(
    fc.property(fc.oneof(fc.double({ min: 0, max: 40, noNaN: true }), nearHalf), (bits) => {
      assert.equal(reasonOf('leap', bits, { sentence: '' }).bits, Number(bits.toFixed(3)));
    }),
    { seed: 5, numRuns: 5_000 },
  );
  for (const bits of [Number.POSITIVE_INFINITY, 1e21, 2 ** 31]) {
    assert.equal(reasonOf('leap', bits, { sentence: '' }).bits, Number(bits.toFixed(3)));
  }
});
