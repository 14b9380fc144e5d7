/** What a query makes of the windows of its series: one value for each step. */
import type { SeriesKey } from './series.ts';
import { averageOf, type StepWindow } from './span-summary.ts';

export const SERIES_FUNCTIONS = ['last', 'avg', 'min', 'max', 'count', 'increase', 'rate', 'quantile'] as const;
export type SeriesFunction = (typeof SERIES_FUNCTIONS)[number];

/** Windows of one series by rising time. */
export interface SeriesWindows extends SeriesKey {
  windows: [fromMs: number, window: StepWindow][];
}

export interface SeriesPoints extends SeriesKey {
  points: [fromMs: number, value: number][];
}

export function stepValue(name: Exclude<SeriesFunction, 'quantile'>, { summary, increase }: StepWindow, stepMs: number): number {
  switch (name) {
    case 'last':
      return summary.last;
    case 'avg':
      return averageOf(summary);
    case 'min':
      return summary.min;
    case 'max':
      return summary.max;
    case 'count':
      return summary.count;
    case 'increase':
      return increase;
    case 'rate':
      return increase / (stepMs / 1000);
  }
}

/**
 * The quantile of what a histogram observed in each step, from the increases of its classic buckets (native histograms are kept as such
 * buckets too). Series that differ in nothing but `le` are one histogram; with `by`, all that agree in those labels are.
 */
export function quantiles(series: readonly SeriesWindows[], q: number, by?: readonly string[]): SeriesPoints[] {
  const histograms = new Map<string, { key: SeriesKey; byTime: Map<number, Map<number, number>> }>();
  for (const { cluster, metric, labels, windows } of series) {
    const bound = boundOf(labels.le);
    if (bound === undefined) continue;
    const kept = Object.entries(labels).filter(([name]) => name !== 'le' && (by === undefined || by.includes(name)));
    const name = JSON.stringify([cluster, metric, kept.sort(([a], [b]) => (a < b ? -1 : 1))]);
    let histogram = histograms.get(name);
    if (histogram === undefined) {
      histogram = { key: { cluster, metric, labels: Object.fromEntries(kept) }, byTime: new Map() };
      histograms.set(name, histogram);
    }
    for (const [ms, { increase }] of windows) {
      const buckets = histogram.byTime.get(ms) ?? new Map<number, number>();
      buckets.set(bound, (buckets.get(bound) ?? 0) + increase);
      histogram.byTime.set(ms, buckets);
    }
  }
  return [...histograms.values()].map(({ key, byTime }) => ({
    ...key,
    points: [...byTime]
      .sort(([a], [b]) => a - b)
      .flatMap(([ms, buckets]): [number, number][] => {
        const value = quantileOf([...buckets], q);
        return value === undefined ? [] : [[ms, value]];
      }),
  }));
}

/**
 * By straight lines within buckets, as it is usual: the lowest begins at 0 where its bound is above 0; what lies beyond the highest finite
 * bound is taken for that bound. Undefined where nothing was observed, or the count of all (`+Inf`) is missing.
 */
export function quantileOf(buckets: [bound: number, cumulative: number][], q: number): number | undefined {
  buckets.sort(([a], [b]) => a - b);
  const total = buckets.at(-1);
  if (total === undefined || total[0] !== Number.POSITIVE_INFINITY) return undefined;
  // Buckets are read one after the other while observations come in, and scrapes may be cut: counts must not fall with rising bounds.
  let highest = 0;
  const counts = buckets.map(([bound, count]): [number, number] => {
    highest = Math.max(highest, count);
    return [bound, highest];
  });
  if (!(highest > 0)) return undefined;
  const rank = q * highest;
  const at = counts.findIndex(([, count]) => count >= rank);
  const [bound, count] = counts[at] as [number, number];
  if (bound === Number.POSITIVE_INFINITY) return counts.at(-2)?.[0];
  const [below, countBelow] = at === 0 ? [bound > 0 ? 0 : bound, 0] : (counts[at - 1] as [number, number]);
  return count === countBelow ? bound : below + (bound - below) * ((rank - countBelow) / (count - countBelow));
}

function boundOf(le: string | undefined): number | undefined {
  if (le === undefined || le.trim() === '') return undefined;
  const bound = /^\+?inf$/i.test(le) ? Number.POSITIVE_INFINITY : Number(le);
  return Number.isNaN(bound) ? undefined : bound;
}
