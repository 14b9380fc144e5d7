/**
 * A native histogram as buckets of the classic form. Its own buckets are many (up to 160 for each histogram), and their width changes
 * when the library has to save memory; as series they would be many, and would end and begin anew. Every bucket of schema 0 to 8 lies
 * whole within one power of two, so added up to powers of two the counts are exact and the bounds always the same.
 */
export interface NativeHistogram {
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  count: number;
  sum: number;
  negative: BucketRuns;
  positive: BucketRuns;
}

/** Counts of consecutive buckets, each span `offset` after the end of the one before. */
export interface BucketRuns {
  spans: { offset: number; length: number }[];
  counts: number[];
}

export interface ClassicBucket {
  le: number;
  cumulative: number;
}

/** 2^-10 s is about a millisecond, 2^12 s over an hour: what a reconcile or a wait in a queue can take. */
const EXPONENT_MIN = -10;
const EXPONENT_MAX = 12;

/** Undefined for a schema that is not of powers of two: custom bounds are not exposed by client libraries. */
export function classicBuckets(histogram: NativeHistogram): ClassicBucket[] | undefined {
  const { schema, zeroThreshold, zeroCount, count, negative, positive } = histogram;
  if (!Number.isInteger(schema) || schema < -4 || schema > 8) return undefined;
  const byExponent = new Map<number, number>();
  for (const [index, observations] of bucketsOf(positive)) {
    const exponent = upperExponent(index, schema);
    byExponent.set(exponent, (byExponent.get(exponent) ?? 0) + observations);
  }
  // All that is below or about zero is below every bound.
  let cumulative = zeroCount + sum(negative.counts);
  for (const [exponent, observations] of byExponent) if (exponent < EXPONENT_MIN) cumulative += observations;
  const buckets: ClassicBucket[] = [];
  // Coarser schemas have borders at every fourth, sixteenth … power only; between them nothing is known.
  const step = schema < 0 ? 2 ** -schema : 1;
  for (let exponent = EXPONENT_MIN; exponent <= EXPONENT_MAX; exponent++) {
    cumulative += byExponent.get(exponent) ?? 0;
    const le = 2 ** exponent;
    if (exponent % step === 0 && le >= zeroThreshold) buckets.push({ le, cumulative });
  }
  buckets.push({ le: Number.POSITIVE_INFINITY, cumulative: count });
  return buckets;
}

/** The least power of two that no observation of a bucket is above: bucket i of schema s ends at 2^(i·2^-s). */
function upperExponent(index: number, schema: number): number {
  return schema >= 0 ? Math.ceil(index / 2 ** schema) : index * 2 ** -schema;
}

function* bucketsOf({ spans, counts }: BucketRuns): Generator<[index: number, observations: number]> {
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length && at < counts.length; i++) yield [index++, counts[at++] as number];
  }
}

/** Counts as integer libraries send them: each the difference to the one before. */
export function fromDeltas(deltas: readonly number[]): number[] {
  let count = 0;
  return deltas.map((delta) => {
    count += delta;
    return count;
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A bucket as Prometheus' API writes it: so many observations between two bounds. */
export interface RangeBucket {
  lower: number;
  upper: number;
  count: number;
}

/** The same for a histogram that is already in a Prometheus. Bounds that lie within a bucket are left out: nothing is known about them. */
export function classicFromRanges(ranges: readonly RangeBucket[], count: number): ClassicBucket[] {
  const buckets: ClassicBucket[] = [];
  for (let exponent = EXPONENT_MIN; exponent <= EXPONENT_MAX; exponent++) {
    const le = 2 ** exponent;
    // Bounds come as text, rounded.
    const isBelow = ({ upper }: RangeBucket) => upper <= le * (1 + 1e-9);
    if (ranges.some((range) => !isBelow(range) && range.lower < le * (1 - 1e-9))) continue;
    buckets.push({ le, cumulative: sum(ranges.filter(isBelow).map((range) => range.count)) });
  }
  buckets.push({ le: Number.POSITIVE_INFINITY, cumulative: count });
  return buckets;
}
