/**
 * Answers what series come to in each step of a time, from the coarsest tier that the step allows: rollups where there are any, and the
 * samples that are not rolled up yet. Which it was makes no difference to the figures (span-summary); the work is bounded.
 */
import { CrowsnestError } from '../../domain/errors.ts';
import type { SeriesKey } from '../../domain/series/series.ts';
import { matchesAll, metricOf } from '../../domain/series/series-match.ts';
import { StepWindows } from '../../domain/series/span-summary.ts';
import type { SampleTier } from '../series-retention.ts';
import type { WindowQuery, WindowResult } from '../store.ts';
import type { Rollups } from './rollup-codec.ts';
import { type RollupTable, type RollupTier, SPAN_MS } from './rollups.ts';
import type { StoredScrape } from './sample-codec.ts';
import type { SeriesNames } from './series-names.ts';

export interface WindowSources {
  names: SeriesNames;
  rollups: RollupTable;
  /** The time of the oldest that a tier holds. */
  begins(tier: SampleTier): number | undefined;
  /** Sealed runs after a scrape that may tell of the time, in their order. */
  runs(afterScrape: number, fromMs: number, toMs: number): Iterable<Buffer>;
  open(fromMs: number, toMs: number): StoredScrape[];
  decodeRun(data: Buffer, only: ReadonlySet<number>): StoredScrape[];
}

/** What reading a block costs beside its samples, in samples. */
const BLOCK_WORK = 5_000;

export function readWindows(query: WindowQuery, sources: WindowSources): WindowResult {
  const wanted = selected(query, sources.names);
  const { tier, stepMs } = chooseTier(query, sources.begins);
  const ids = new Set(wanted.keys());
  const work = new Work(query.workMax);
  const [fromMs, toMs] = [Math.floor(query.fromMs / stepMs) * stepMs, Math.ceil(query.toMs / stepMs) * stepMs];
  if (ids.size > 0) {
    const windows = new Map([...wanted.keys()].map((id) => [id, new StepWindows(stepMs)]));
    // One step more, for what a counter stood at before the first.
    gather({ tier, fromMs: fromMs - stepMs, toMs, ids, windows, work }, sources);
    for (const [id, each] of windows) (wanted.get(id) as WindowResult['series'][number]).windows = each.between(fromMs, toMs);
  }
  return { tier, stepMs, series: [...wanted.values()].filter(({ windows }) => windows.length > 0) };
}

function selected({ matchers, seriesMax }: WindowQuery, names: SeriesNames): Map<number, WindowResult['series'][number]> {
  const wanted = new Map<number, SeriesKey & { windows: [] }>();
  const ofName = matchers.filter(({ label }) => label === '__name__');
  const metric = metricOf(matchers) ?? ((name: string) => ofName.every(({ test }) => test(name)));
  for (const { id, ...key } of names.select(metric)) {
    if (!matchesAll(matchers, key)) continue;
    if (wanted.size >= seriesMax) throw tooMuch(`more than ${seriesMax} series match`, 'Narrow the matchers');
    wanted.set(id, { ...key, windows: [] });
  }
  return wanted;
}

/**
 * The coarsest tier whose spans make up the step. Where the time begins before what a finer tier still has, the coarser one answers, and
 * the step becomes a multiple of its spans.
 */
function chooseTier({ stepMs, fromMs }: WindowQuery, begins: WindowSources['begins']): { tier: SampleTier; stepMs: number } {
  if (stepMs % SPAN_MS[2] === 0) return { tier: '1h', stepMs };
  const misses = (tier: SampleTier, coarser: SampleTier) => {
    const [firstMs, coarserMs] = [begins(tier), begins(coarser)];
    return (
      coarserMs !== undefined &&
      fromMs < (firstMs ?? Number.POSITIVE_INFINITY) &&
      coarserMs < (firstMs ?? Number.POSITIVE_INFINITY)
    );
  };
  let [tier, step]: [SampleTier, number] = stepMs % SPAN_MS[1] === 0 ? ['5m', stepMs] : ['raw', stepMs];
  if (tier === 'raw' && misses('raw', '5m')) [tier, step] = ['5m', Math.ceil(step / SPAN_MS[1]) * SPAN_MS[1]];
  if (tier === '5m' && misses('5m', '1h')) [tier, step] = ['1h', Math.ceil(step / SPAN_MS[2]) * SPAN_MS[2]];
  return { tier, stepMs: step };
}

interface Gathering {
  tier: SampleTier;
  fromMs: number;
  toMs: number;
  ids: ReadonlySet<number>;
  windows: ReadonlyMap<number, StepWindows>;
  work: Work;
}

/** In the order in which samples came: each tier goes on where the one above it ends. */
function gather({ tier, fromMs, toMs, ids, windows, work }: Gathering, { rollups, runs, open, decodeRun }: WindowSources): void {
  const tiers: RollupTier[] = tier === '1h' ? [2, 1] : tier === '5m' ? [1] : [];
  let after = 0;
  for (const each of tiers) {
    for (const block of rollups.between(each, after, fromMs, toMs, ids)) addRollups(block, SPAN_MS[each]);
    after = rollups.through(each);
  }
  for (const run of runs(after, fromMs, toMs)) {
    work.add(BLOCK_WORK);
    for (const scrape of decodeRun(run, ids)) addScrape(scrape);
  }
  for (const scrape of open(fromMs, toMs)) addScrape(scrape);

  function addRollups(block: Rollups, spanMs: number): void {
    work.add(BLOCK_WORK);
    for (const [id, { spans, summaries }] of block) {
      work.add(spans.length);
      const to = windows.get(id);
      spans.forEach((span, i) => {
        const ms = span * spanMs;
        if (ms >= fromMs && ms < toMs) to?.addSummary(ms, summaries[i] as (typeof summaries)[number]);
      });
    }
  }

  function addScrape({ tsMs, samples }: StoredScrape): void {
    if (tsMs < fromMs || tsMs >= toMs) return;
    work.add(samples.length);
    for (const { seriesId, value } of samples) windows.get(seriesId)?.addSample(tsMs, value);
  }
}

class Work {
  readonly #max: number;
  #done = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(samples: number): void {
    this.#done += samples;
    if (this.#done > this.#max)
      throw tooMuch(
        `more than ${this.#max} samples would have to be read`,
        'Ask for a shorter time, a coarser step or fewer series',
      );
  }
}

function tooMuch(what: string, todo: string): CrowsnestError {
  return new CrowsnestError({ code: 'QUERY_TOO_LARGE', what, todo });
}
