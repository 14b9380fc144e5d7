import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classicBuckets, fromDeltas, type NativeHistogram } from '../../src/collector/reconcile/native-histogram.ts';

const NONE = { spans: [], counts: [] };
const empty: NativeHistogram = {
  schema: 0,
  zeroThreshold: 2 ** -128,
  zeroCount: 0,
  count: 0,
  sum: 0,
  negative: NONE,
  positive: NONE,
};
const at = (histogram: NativeHistogram, le: number) => classicBuckets(histogram)?.find((bucket) => bucket.le === le)?.cumulative;

describe('native histogram as classic buckets', () => {
  it('has the same bounds whatever the resolution', () => {
    const bounds = (schema: number) => classicBuckets({ ...empty, schema })?.map(({ le }) => le);
    assert.deepEqual(bounds(3), bounds(0));
    assert.equal(bounds(0)?.length, 24);
  });

  it('adds the buckets of a finer schema up to the power of two they lie below', () => {
    // Schema 1: bucket 1 ends at √2, bucket 2 at 2, bucket 3 at 2·√2.
    const histogram = { ...empty, schema: 1, count: 6, positive: { spans: [{ offset: 1, length: 3 }], counts: [1, 2, 3] } };
    assert.equal(at(histogram, 1), 0);
    assert.equal(at(histogram, 2), 3);
    assert.equal(at(histogram, 4), 6);
  });

  it('follows gaps between spans, negative offsets among them', () => {
    const spans = [
      { offset: -2, length: 1 },
      { offset: 3, length: 2 },
    ];
    const histogram = { ...empty, count: 7, positive: { spans, counts: [4, 2, 1] } };
    // Schema 0: bucket -2 ends at 1/4, buckets 2 and 3 at 4 and 8.
    assert.deepEqual(
      [at(histogram, 0.125), at(histogram, 0.25), at(histogram, 2), at(histogram, 4), at(histogram, 8)],
      [0, 4, 4, 6, 7],
    );
  });

  it('counts zero and negative observations below every bound', () => {
    const negative = { spans: [{ offset: 0, length: 1 }], counts: [2] };
    const histogram = { ...empty, zeroCount: 3, count: 5, negative };
    assert.equal(at(histogram, 2 ** -10), 5);
  });

  it('leaves out bounds within the zero bucket, about which nothing is known', () => {
    const histogram = { ...empty, zeroThreshold: 0.01, zeroCount: 1, count: 1 };
    assert.equal(at(histogram, 2 ** -7), undefined);
    assert.equal(at(histogram, 2 ** -6), 1);
  });

  it('gives only the bounds that a coarse schema has', () => {
    // Schema -1: powers of four.
    const histogram = { ...empty, schema: -1, count: 3, positive: { spans: [{ offset: 0, length: 2 }], counts: [1, 2] } };
    assert.deepEqual([at(histogram, 1), at(histogram, 2), at(histogram, 4)], [1, undefined, 3]);
  });

  it('does not guess at a schema it does not know', () => {
    assert.equal(classicBuckets({ ...empty, schema: -53 }), undefined);
  });

  it('reads counts given as differences', () => {
    assert.deepEqual(fromDeltas([3, -1, 0, 5]), [3, 2, 2, 7]);
  });
});
