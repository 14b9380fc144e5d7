/**
 * False alarms of the detectors on series, on days on which nothing is wrong: the demo's controllers with nothing planted, driven by writes
 * that follow the working day. A finding of score s says "once in 10^s hours of this cluster", so 24 x days x 10^-s are due; more are
 * too many. Every finding here is false.
 */
import { HOUR, hourOf, isWorkday, START_MS } from '../../src/demo/calendar.ts';
import { CONTROLLERS, ControllerMetrics } from '../../src/demo/controller-metrics.ts';
import { createRandom, type Random } from '../../src/demo/random.ts';
import type { Judgement } from '../../src/domain/finding.ts';
import type { Scrape } from '../../src/domain/series/series.ts';
import { createModel } from '../../src/model/ensemble.ts';

const DAY_MS = 24 * HOUR;
const LEVELS = [2, 2.5, 3] as const;

export interface QuietOptions {
  clusters: number;
  days: number;
  scrapeMs: number;
  seed: number;
}

export interface QuietLevel {
  level: number;
  /** Findings that would page at this level: mature, of at least this score. */
  told: number;
  /** As many as the score says. */
  nominal: number;
  ratio: number;
  perWeek: number;
  byDetector: Record<string, number>;
}

export interface QuietResult extends QuietOptions {
  /** Days of clusters whose findings are mature. */
  judgedDays: number;
  levels: QuietLevel[];
}

/** One cluster after the other, each with chance of its own. */
export function measureQuiet(options: QuietOptions): QuietResult {
  const { clusters, days, scrapeMs, seed } = options;
  const found: Judgement[] = [];
  let judgedMs = 0;
  for (let i = 0; i < clusters; i++) {
    const model = createModel({ kindOf: (_, controller) => kindOf(controller) });
    let matureMs: number | undefined;
    for (const scrape of quietScrapes({ days, scrapeMs, random: createRandom(`quiet/${seed + i}`) })) {
      found.push(...model.observeScrape(scrape).filter(({ mature }) => mature));
      if (matureMs === undefined && model.maturity().detectors['series-watch']?.mature) matureMs = scrape.tsMs;
    }
    if (matureMs !== undefined) judgedMs += START_MS + days * DAY_MS - matureMs;
  }
  const judgedDays = round(judgedMs / DAY_MS);
  return { ...options, judgedDays, levels: LEVELS.map((level) => levelOf(found, level, judgedDays)) };
}

function levelOf(found: readonly Judgement[], level: number, judgedDays: number): QuietLevel {
  const over = found.filter(({ score }) => score >= level);
  const nominal = 24 * judgedDays * 10 ** -level;
  const byDetector: Record<string, number> = {};
  for (const { detector } of over) byDetector[detector] = (byDetector[detector] ?? 0) + 1;
  return {
    level,
    told: over.length,
    nominal: round(nominal),
    ratio: round(over.length / nominal),
    perWeek: round((7 * over.length) / judgedDays),
    byDetector,
  };
}

export function* quietScrapes(of: { days: number; scrapeMs: number; random: Random }): Generator<Scrape> {
  const { days, scrapeMs, random } = of;
  const controllers = CONTROLLERS.map((spec) => ({
    metrics: new ControllerMetrics(spec, random.fork(spec.target)),
    chance: random.fork(`writes/${spec.target}`),
  }));
  for (let tsMs = START_MS; tsMs < START_MS + days * DAY_MS; tsMs += scrapeMs) {
    const writes = (writesPerHourAt(tsMs) * scrapeMs) / HOUR;
    for (const { metrics, chance } of controllers) {
      for (let due = writes; due > 0; due--) if (chance.chance(Math.min(1, due))) metrics.noteWrite();
      yield metrics.scrape(tsMs);
    }
  }
}

function writesPerHourAt(tsMs: number): number {
  const hour = hourOf(tsMs);
  return isWorkday(Math.floor((tsMs - START_MS) / DAY_MS)) && hour > 8 && hour < 18 ? 4 : 0.5;
}

function kindOf(controller: string): { group: string; kind: string } {
  return { group: 'example.org', kind: CONTROLLERS.find((spec) => spec.controller === controller)?.kind ?? '' };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
