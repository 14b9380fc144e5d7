/**
 * Counters of metrics pages as increases. Counters of a page fall together, when their process starts again at zero; those that have passed where they
 * were by then do not show it themselves. Event time only, and no trust in clocks: what is a little late is left out, what is much too early means that
 * the clock was set back, and from there it goes on.
 */
import type { Scrape } from '../../domain/series/series.ts';
import { seriesId } from '../../domain/series/series.ts';
import { DAY_MS, HOUR_MS } from '../detector.ts';
import { touch } from '../habits/counts.ts';

/** By cluster, target and series. */
export type CounterSights = Map<string, { value: number; atMs: number }>;

/** What came between is not what happened since the last reading. */
const ABSENT_MS = DAY_MS;
/** Pages that were held up somewhere come late by minutes; a clock is set back by the zone's hour or by days. */
const LATE_MS = HOUR_MS;

/** No counter counts beyond this, and sums of larger figures leave all bounds. */
export function isFigure(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

/** Seen already, or overtaken by a later one: to be left out. */
export function isLate(atMs: number, lastMs: number): boolean {
  return atMs <= lastMs && atMs > lastMs - LATE_MS;
}

/** By how much the clock was set back between the two; 0 otherwise. */
export function setBackMs(atMs: number, lastMs: number): number {
  return atMs <= lastMs - LATE_MS ? lastMs - atMs : 0;
}

export function hasRestarted(scrape: Scrape, sights: CounterSights): boolean {
  return scrape.samples.some(({ metric, labels, value }) => {
    const before = sights.get(idOf(scrape, seriesId(metric, labels)));
    return before !== undefined && isFigure(value) && !isLate(scrape.tsMs, before.atMs) && value < before.value;
  });
}

/** Since the last sight; undefined of the first, of a late one, and after a long absence or where the clock was set back. */
export function increaseOf(
  sights: CounterSights,
  scrape: Scrape,
  { series, value, restarted, max }: { series: string; value: number; restarted: boolean; max: number },
): number | undefined {
  const { tsMs } = scrape;
  const id = idOf(scrape, series);
  const before = sights.get(id);
  touch(sights, id, max, () => ({ value, atMs: tsMs }));
  if (before === undefined || isLate(tsMs, before.atMs)) return undefined;
  const increase = restarted ? value : value - before.value;
  const sinceMs = tsMs - before.atMs;
  before.value = value;
  before.atMs = tsMs;
  return sinceMs > 0 && sinceMs <= ABSENT_MS ? increase : undefined;
}

function idOf({ cluster, target }: Scrape, series: string): string {
  return `${cluster}\u0000${target}\u0000${series}`;
}
