/** From an answer of Prometheus' query API to scrapes as we would have made them ourselves. Pure. */
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Scrape } from '../../domain/series/series.ts';
import type { ScrapeSample } from './exposition.ts';
import { classicFromRanges, type RangeBucket } from './native-histogram.ts';
import { isKept } from './reconcile-metrics.ts';

export interface RawSample extends ScrapeSample {
  tsMs: number;
}

/** Labels of the target or of the Prometheus; `instance` tells targets apart. Two replicas of one Prometheus must not count as two. */
const TARGET_LABELS = ['job', 'pod', 'container', 'endpoint', 'service', 'node', 'prometheus', 'prometheus_replica', 'replica'];
/** What Prometheus calls a label of the page that it has a target label of that name for. */
const EXPORTED = 'exported_';

/** Samples of a matrix with their own times; undefined for what is no answer of that kind. */
export function readMatrix(answer: Json): RawSample[] | undefined {
  if (!isJsonObject(answer) || answer.status !== 'success' || !isJsonObject(answer.data)) return undefined;
  const { resultType, result } = answer.data;
  if (resultType !== 'matrix' || !Array.isArray(result)) return undefined;
  return result.filter(isJsonObject).flatMap(samplesOfSeries);
}

function samplesOfSeries(series: JsonObject): RawSample[] {
  const given = isJsonObject(series.metric) ? series.metric : {};
  const metric = given.__name__;
  if (typeof metric !== 'string') return [];
  const labels = labelsOf(given);
  const samples: RawSample[] = [];
  for (const [seconds, value] of pairsIn(series.values)) {
    if (isKept(metric)) push(samples, { metric, labels, value: Number(value), tsMs: seconds * 1000 });
  }
  for (const [seconds, histogram] of pairsIn(series.histograms)) {
    if (isKept(metric) && isJsonObject(histogram)) pushHistogram(samples, metric, labels, seconds * 1000, histogram);
  }
  return samples;
}

/** Labels as the page has them: the target's are dropped, and those it covered come back under their own names. */
function labelsOf(given: JsonObject): Record<string, string> {
  const labels: Record<string, string> = {};
  const isExported = Object.keys(given).some((name) => name.startsWith(EXPORTED));
  for (const [name, value] of Object.entries(given)) {
    if (name === '__name__' || typeof value !== 'string' || TARGET_LABELS.includes(name) || name.startsWith(EXPORTED)) continue;
    labels[name] = value;
  }
  if (!isExported) return labels;
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith(EXPORTED) && typeof value === 'string' && name !== `${EXPORTED}instance`)
      labels[name.slice(EXPORTED.length)] = value;
  }
  return labels;
}

function pushHistogram(
  samples: RawSample[],
  metric: string,
  labels: Record<string, string>,
  tsMs: number,
  given: JsonObject,
): void {
  const [count, sum] = [Number(given.count), Number(given.sum)];
  const ranges = (Array.isArray(given.buckets) ? given.buckets : []).flatMap((bucket): RangeBucket[] => {
    if (!Array.isArray(bucket)) return [];
    const [, lower, upper, observations] = bucket.map(Number);
    return lower === undefined || upper === undefined || observations === undefined
      ? []
      : [{ lower, upper, count: observations }];
  });
  for (const { le, cumulative } of classicFromRanges(ranges, count)) {
    const text = le === Number.POSITIVE_INFINITY ? '+Inf' : String(le);
    push(samples, { metric: `${metric}_bucket`, labels: { ...labels, le: text }, value: cumulative, tsMs });
  }
  push(samples, { metric: `${metric}_sum`, labels, value: sum, tsMs });
  push(samples, { metric: `${metric}_count`, labels, value: count, tsMs });
}

function push(samples: RawSample[], sample: RawSample): void {
  const tsMs = Math.round(sample.tsMs);
  if (Number.isFinite(sample.value) && Number.isFinite(tsMs)) samples.push({ ...sample, tsMs });
}

function pairsIn(value: Json | undefined): [seconds: number, value: Json][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((pair) => (Array.isArray(pair) && typeof pair[0] === 'number' ? [[pair[0], pair[1] ?? null]] : []));
}

/** All samples of one target at one time are one scrape, as they were when Prometheus made it; in the order of time. */
export function scrapesFrom(samples: readonly RawSample[], cluster: string): Scrape[] {
  const scrapes = new Map<string, Scrape>();
  const seen = new Set<string>();
  for (const { metric, labels, value, tsMs } of samples) {
    const { instance = 'unknown', ...own } = labels;
    const key = `${instance}\u0000${tsMs}`;
    const identity = `${key}\u0000${metric}\u0000${JSON.stringify(Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    const scrape = scrapes.get(key) ?? { cluster, target: `prometheus ${instance}`, tsMs, samples: [] };
    scrape.samples.push({ metric, labels: { ...own, instance }, value });
    scrapes.set(key, scrape);
  }
  return [...scrapes.values()].sort((a, b) => a.tsMs - b.tsMs);
}
