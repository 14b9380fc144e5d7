/**
 * The MetricFamily messages of Prometheus' protobuf exposition format, the only one that carries native histograms. The descriptor names
 * the fields that are read; field numbers are those of the format's public schema, io.prometheus.client.
 */
import { createRequire } from 'node:module';
import type { INamespace, Type } from 'protobufjs/light.js';
import type { ScrapeSample } from './exposition.ts';
import { classicBuckets, fromDeltas, type NativeHistogram } from './native-histogram.ts';

const field = (id: number, type: string, rule?: 'repeated') => ({ id, type, ...(rule === undefined ? {} : { rule }) });

const SCHEMA: INamespace = {
  nested: {
    LabelPair: { fields: { name: field(1, 'string'), value: field(2, 'string') } },
    Value: { fields: { value: field(1, 'double') } },
    Quantile: { fields: { quantile: field(1, 'double'), value: field(2, 'double') } },
    Summary: { fields: { count: field(1, 'uint64'), sum: field(2, 'double'), quantile: field(3, 'Quantile', 'repeated') } },
    Bucket: { fields: { count: field(1, 'uint64'), bound: field(2, 'double'), countFloat: field(4, 'double') } },
    Span: { fields: { offset: field(1, 'sint32'), length: field(2, 'uint32') } },
    Histogram: {
      fields: {
        count: field(1, 'uint64'),
        sum: field(2, 'double'),
        bucket: field(3, 'Bucket', 'repeated'),
        countFloat: field(4, 'double'),
        schema: field(5, 'sint32'),
        zeroThreshold: field(6, 'double'),
        zeroCount: field(7, 'uint64'),
        zeroCountFloat: field(8, 'double'),
        negativeSpan: field(9, 'Span', 'repeated'),
        negativeDelta: field(10, 'sint64', 'repeated'),
        negativeCount: field(11, 'double', 'repeated'),
        positiveSpan: field(12, 'Span', 'repeated'),
        positiveDelta: field(13, 'sint64', 'repeated'),
        positiveCount: field(14, 'double', 'repeated'),
      },
    },
    Metric: {
      fields: {
        label: field(1, 'LabelPair', 'repeated'),
        gauge: field(2, 'Value'),
        counter: field(3, 'Value'),
        summary: field(4, 'Summary'),
        untyped: field(5, 'Value'),
        histogram: field(7, 'Histogram'),
      },
    },
    MetricFamily: { fields: { name: field(1, 'string'), metric: field(4, 'Metric', 'repeated') } },
    /** The same message read for its name only, to pass over what is not kept without building it. */
    FamilyName: { fields: { name: field(1, 'string') } },
  },
};
let types: { family: Type; familyName: Type } | undefined;

/** Made when the first page in this format comes: 42 files to load, which few need. */
function typesOf(): { family: Type; familyName: Type } {
  if (types !== undefined) return types;
  const protobuf = createRequire(import.meta.url)('protobufjs/light.js') as typeof import('protobufjs/light.js');
  const root = protobuf.Root.fromJSON(SCHEMA);
  types = { family: root.lookupType('MetricFamily'), familyName: root.lookupType('FamilyName') };
  return types;
}

interface Family {
  name?: string;
  metric?: Metric[];
}

interface Metric {
  label?: { name?: string; value?: string }[];
  gauge?: { value?: number };
  counter?: { value?: number };
  untyped?: { value?: number };
  summary?: { count?: number; sum?: number; quantile?: { quantile?: number; value?: number }[] };
  histogram?: Histogram;
}

interface Histogram {
  count?: number;
  countFloat?: number;
  sum?: number;
  bucket?: { count?: number; countFloat?: number; bound?: number }[];
  schema?: number;
  zeroThreshold?: number;
  zeroCount?: number;
  zeroCountFloat?: number;
  negativeSpan?: { offset?: number; length?: number }[];
  negativeDelta?: number[];
  negativeCount?: number[];
  positiveSpan?: { offset?: number; length?: number }[];
  positiveDelta?: number[];
  positiveCount?: number[];
}

/** Throws when the bytes are not such a message. */
export function familyName(bytes: Uint8Array): string {
  return (typesOf().familyName.decode(bytes) as { name?: string }).name ?? '';
}

/** The samples of a message, named as the text format names them. Throws when the bytes are not such a message. */
export function samplesOfFamily(bytes: Uint8Array): ScrapeSample[] {
  const type = typesOf().family;
  const family = type.toObject(type.decode(bytes), { longs: Number }) as Family;
  return (family.metric ?? []).flatMap((metric) => samplesOfMetric(family.name ?? '', metric));
}

function samplesOfMetric(name: string, metric: Metric): ScrapeSample[] {
  const labels: Record<string, string> = {};
  for (const { name: label = '', value = '' } of metric.label ?? []) {
    Object.defineProperty(labels, label, { value, enumerable: true, configurable: true, writable: true });
  }
  if (metric.histogram !== undefined) return samplesOfHistogram(name, labels, metric.histogram);
  if (metric.summary !== undefined) {
    const { count = 0, sum = 0, quantile = [] } = metric.summary;
    return [
      ...quantile.map((each) => ({
        metric: name,
        labels: { ...labels, quantile: numberText(each.quantile ?? 0) },
        value: each.value ?? 0,
      })),
      { metric: `${name}_sum`, labels, value: sum },
      { metric: `${name}_count`, labels, value: count },
    ];
  }
  const plain = metric.counter ?? metric.gauge ?? metric.untyped;
  return plain === undefined ? [] : [{ metric: name, labels, value: plain.value ?? 0 }];
}

/** A histogram that has classic buckets keeps those, whether or not it has native ones: the same observations are in both. */
function samplesOfHistogram(name: string, labels: Record<string, string>, histogram: Histogram): ScrapeSample[] {
  const count = histogram.countFloat || (histogram.count ?? 0);
  const classic = (histogram.bucket ?? []).map((bucket) => ({
    le: bucket.bound ?? 0,
    cumulative: bucket.countFloat || (bucket.count ?? 0),
  }));
  if (classic.length > 0 && classic.at(-1)?.le !== Number.POSITIVE_INFINITY)
    classic.push({ le: Number.POSITIVE_INFINITY, cumulative: count });
  const buckets = classic.length > 0 ? classic : (classicBuckets(nativeOf(histogram, count)) ?? []);
  return [
    ...buckets.map(({ le, cumulative }) => ({
      metric: `${name}_bucket`,
      labels: { ...labels, le: numberText(le) },
      value: cumulative,
    })),
    { metric: `${name}_sum`, labels, value: histogram.sum ?? 0 },
    { metric: `${name}_count`, labels, value: count },
  ];
}

function nativeOf(histogram: Histogram, count: number): NativeHistogram {
  const spans = (given: Histogram['positiveSpan'] = []) => given.map(({ offset = 0, length = 0 }) => ({ offset, length }));
  const counts = (absolute: number[] = [], deltas: number[] = []) => (absolute.length > 0 ? absolute : fromDeltas(deltas));
  return {
    schema: histogram.schema ?? 0,
    zeroThreshold: histogram.zeroThreshold ?? 0,
    zeroCount: histogram.zeroCountFloat || (histogram.zeroCount ?? 0),
    count,
    sum: histogram.sum ?? 0,
    negative: {
      spans: spans(histogram.negativeSpan),
      counts: counts(histogram.negativeCount, histogram.negativeDelta),
    },
    positive: {
      spans: spans(histogram.positiveSpan),
      counts: counts(histogram.positiveCount, histogram.positiveDelta),
    },
  };
}

/** As the text format writes bounds, so that a series is the same whichever way it came. */
function numberText(number: number): string {
  if (number === Number.POSITIVE_INFINITY) return '+Inf';
  return number === Number.NEGATIVE_INFINITY ? '-Inf' : String(number);
}
