import { readReconcileSample } from './reconcile-sample.ts';
import type { Scrape } from './series.ts';

/** What one page says of one controller. Counters are as they stand. */
export interface Sums {
  reconciles: number | undefined;
  errors: number;
  queue: number | undefined;
  kind: string | undefined;
}

/** What a page says of each controller; where it counts only how often a duration was taken, that stands for the reconciles. */
export function sumsOf(scrape: Scrape): Map<string, Sums> {
  const sums = new Map<string, Sums & { timed: number | undefined }>();
  for (const { metric, labels, value } of scrape.samples) {
    const read = Number.isFinite(value) ? readReconcileSample(metric, labels) : undefined;
    if (read === undefined) continue;
    const sum = sums.get(read.controller) ?? {
      reconciles: undefined,
      errors: 0,
      queue: undefined,
      kind: undefined,
      timed: undefined,
    };
    sum.kind ??= read.kind;
    if (read.role === 'errors') sum.errors += value;
    else if (read.role !== 'seconds') sum[read.role] = (sum[read.role] ?? 0) + value;
    sums.set(read.controller, sum);
  }
  return new Map([...sums].map(([name, { timed, ...sum }]) => [name, { ...sum, reconciles: sum.reconciles ?? timed }]));
}

/** A counter that fell was restarted at zero. */
export function risen(before: number, now: number): number {
  return now >= before ? now - before : now;
}
