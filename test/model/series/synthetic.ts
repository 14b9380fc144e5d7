/** Made series: a usual course from a seed, and something that happens to it. */
import type { Scrape } from '../../../src/domain/series/series.ts';
import { makeRandom } from '../stream.ts';

export const ROW_MS = 60_000;
export const START_MS = Date.UTC(2026, 0, 5);

/** `noise` lies between -0.5 and 0.5. */
export function made(rows: number, value: (row: number, noise: number) => number, seed = 7): number[] {
  const random = makeRandom(seed);
  return Array.from({ length: rows }, (_, row) => value(row, random() - 0.5));
}

export interface Course {
  errors?: number;
  slow?: number;
  busy?: number;
  queue?: number;
  reset?: boolean;
}

/** A page with all that is read: about 60 reconciles a minute, most under 0.1 s. */
export function pages(rows: number, course: (row: number) => Course, { seed = 1, rowMs = ROW_MS } = {}): Scrape[] {
  const random = makeRandom(seed);
  let [good, bad, quick, retries] = [0, 0, 0, 0];
  return Array.from({ length: rows }, (_, row): Scrape => {
    const { errors = 0.02, slow = 0.001, busy = 0.2, queue = 0, reset = false } = course(row);
    if (reset) good = bad = quick = retries = 0;
    for (let i = 0; i < 50 + Math.floor(random() * 20); i++) {
      const failed = random() < errors;
      if (failed) bad++;
      else good++;
      if (random() >= slow) quick++;
      if (failed && random() < 0.5) retries++;
    }
    const controller = 'kafka';
    const bucket = 'controller_runtime_reconcile_time_seconds_bucket';
    const values: [string, Record<string, string>, number][] = [
      ['controller_runtime_reconcile_total', { result: 'success' }, good],
      ['controller_runtime_reconcile_total', { result: 'error' }, bad],
      [bucket, { le: '0.1' }, quick],
      [bucket, { le: '1' }, quick + (good + bad - quick) / 2],
      [bucket, { le: '+Inf' }, good + bad],
      ['workqueue_retries_total', {}, retries],
      ['workqueue_depth', {}, queue + Math.floor(random() * 3)],
      ['controller_runtime_active_workers', {}, 10 * busy],
      ['controller_runtime_max_concurrent_reconciles', {}, 10],
    ];
    const samples = values.map(([metric, labels, value]) => ({ metric, labels: { ...labels, controller }, value }));
    return { cluster: 'c', target: 't', tsMs: START_MS + row * rowMs, samples };
  });
}
