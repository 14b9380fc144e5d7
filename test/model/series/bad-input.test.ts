/**
 * What comes of series that no well-behaved controller writes: after it as well as during it shifts are told, nothing is told that is not so,
 * and what is kept does not grow.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judgement } from '../../../src/domain/finding.ts';
import type { Scrape } from '../../../src/domain/series/series.ts';
import { createModel } from '../../../src/model/ensemble.ts';
import type { Model } from '../../../src/model/model.ts';
import { type Course, pages, ROW_MS, START_MS } from './synthetic.ts';

const HOUR_ROWS = 60;
const DAY_MS = 86_400_000;
const SETTLED = 15 * HOUR_ROWS;

const feed = (model: Model, scrapes: readonly Scrape[]): Judgement[] => scrapes.flatMap((page) => model.observeScrape(page));
const detectorsOf = (found: readonly Judgement[]) => new Set(found.map(({ detector }) => detector));
const loud = (found: readonly Judgement[]) => found.filter(({ score }) => score >= 2.5);

/** A course that ends with a shift that stays, and how the pages before it are spoilt. */
function withShiftAfter(rows: number, spoil: (page: Scrape, row: number) => Scrape[]): Scrape[] {
  const course = (row: number): Course => (row >= rows ? { errors: 0.6, slow: 0.5 } : {});
  return pages(rows + HOUR_ROWS, course).flatMap((page, row) => (row < rows ? spoil(page, row) : [page]));
}

const sample = (value: number) => (metric: string, labels: Record<string, string>) => ({ metric, labels, value });
const ABSURD: Record<string, number> = {
  NaN: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  'minus infinity': Number.NEGATIVE_INFINITY,
  'less than nothing': -1e9,
  'the largest number there is': Number.MAX_VALUE,
};

for (const [name, value] of Object.entries(ABSURD)) {
  test(`ten pages full of ${name} leave nothing behind: a later shift is told, as what it is`, () => {
    const scrapes = withShiftAfter(SETTLED, (page, row) =>
      row < 300 || row >= 310
        ? [page]
        : [{ ...page, samples: page.samples.map(({ metric, labels }) => sample(value)(metric, labels)) }],
    );
    const model = createModel();
    const before = loud(feed(model, scrapes.slice(0, SETTLED)));
    const found = feed(model, scrapes.slice(SETTLED));
    assert.deepEqual(before, [], 'nobody is told of what is no figure');
    const told = detectorsOf(found);
    for (const detector of ['series-error-share', 'series-duration-p99', 'reconcile-error-share'])
      assert.ok(told.has(detector), `${detector} is missing among ${[...told]}`);
    for (const { score, reasons } of found) {
      assert.ok(Number.isFinite(score));
      for (const { sentence } of reasons) assert.doesNotMatch(sentence, /NaN|Infinity|e\+|null/);
    }
  });
}

for (const [name, backMs] of [
  ['an hour and a half', 1.5 * 3_600_000],
  ['a week', 7 * DAY_MS],
  ['a year', 365 * DAY_MS],
] as const) {
  test(`a clock set back by ${name} is no shift, and a shift after it is told within the hour`, () => {
    const backAt = SETTLED;
    const rows = SETTLED + HOUR_ROWS;
    const scrapes = pages(rows + HOUR_ROWS, (row) => (row >= rows ? { errors: 0.6, slow: 0.5 } : {})).map((page, row) =>
      row < backAt ? page : { ...page, tsMs: page.tsMs - backMs },
    );
    const model = createModel();
    assert.deepEqual(loud(feed(model, scrapes.slice(0, rows))), []);
    const told = detectorsOf(feed(model, scrapes.slice(rows)));
    for (const detector of ['series-error-share', 'series-duration-p99', 'reconcile-error-share'])
      assert.ok(told.has(detector), `${detector} is missing among ${[...told]}`);
  });
}

test('a clock that is a week ahead for one page costs that page', () => {
  const scrapes = withShiftAfter(SETTLED, (page, row) => [row === 600 ? { ...page, tsMs: page.tsMs + 7 * DAY_MS } : page]);
  const model = createModel();
  assert.deepEqual(loud(feed(model, scrapes.slice(0, SETTLED))), []);
  const told = detectorsOf(feed(model, scrapes.slice(SETTLED)));
  assert.ok(told.has('series-error-share') && told.has('reconcile-error-share'), [...told].join());
});

test('pages that come up to an hour late change nothing', () => {
  const clean = withShiftAfter(SETTLED, (page) => [page]);
  const late = clean.flatMap((page, row) => (row % 7 === 6 && row >= 50 ? [page, clean[row - 50] as Scrape] : [page]));
  assert.deepEqual(feed(createModel(), late), feed(createModel(), clean));
});

// Counters that are all higher than before by the next page, though they began anew, cannot be told from such that went on: what is told of fewest counters, the
// reconciles alone, is too noisy then to see a shift.
test('counters that start again each minute tell nothing while nothing happens, and a shift when it does', () => {
  const course = (row: number): Course => ({ reset: true, ...(row >= SETTLED ? { errors: 0.6 } : {}) });
  const scrapes = pages(SETTLED + HOUR_ROWS, course);
  const model = createModel();
  assert.deepEqual(loud(feed(model, scrapes.slice(0, SETTLED))), []);
  const size = model.snapshot().length;
  const told = detectorsOf(feed(model, scrapes.slice(SETTLED)));
  assert.ok(told.has('series-error-share'), [...told].join());
  const steady = createModel();
  feed(
    steady,
    pages(SETTLED, () => ({})),
  );
  assert.ok(size < 1.1 * steady.snapshot().length, 'a restart leaves no more behind than a reading');
});

const QUARTER_MS = 15 * ROW_MS;
const [REST, MONTH] = [15 * 96, 30 * 96];
const stepsOf = (row: number, rows: number) => Math.floor(Math.max(0, row - REST) / rows);
/** Rises in steps of one in a hundred, and how often each may be told in a month: once where it matters, never each day. */
const DRIFTS: [name: string, course: (row: number) => Course, detectors: RegExp, told: [least: number, most: number]][] = [
  ['a queue, each hour', (row) => ({ queue: Math.round(20 * 1.01 ** stepsOf(row, 4)) }), /queue/, [1, 6]],
  ['a queue, each day', (row) => ({ queue: Math.round(200 * 1.01 ** stepsOf(row, 96)) }), /queue/, [1, 6]],
  ['errors, each four hours', (row) => ({ errors: 0.05 * 1.01 ** stepsOf(row, 16) }), /error/, [1, 6]],
  // Of all workers, so that after a month six of ten are busy where it were three: not worth a word, as long as it stays at that.
  ['busy workers, each day', (row) => ({ busy: 0.3 + 0.01 * stepsOf(row, 96) }), /saturation|outlook/, [0, 0]],
];

for (const [name, course, detectors, [least, most]] of DRIFTS) {
  test(`steps of 1 % for a month (${name}) are told ${least === 0 ? 'never' : 'a few times'}, hide no shift and cost no more than rest`, () => {
    const scrapes = pages(
      REST + MONTH + 16,
      (row) => (row >= REST + MONTH ? { errors: 0.9, busy: 1, queue: 5_000_000 } : course(row)),
      {
        rowMs: QUARTER_MS,
      },
    );
    const [model, steady] = [createModel(), createModel()];
    const found = feed(model, scrapes.slice(0, REST + MONTH)).filter(({ detector }) => detectors.test(detector));
    feed(
      steady,
      pages(REST + MONTH, () => course(REST), { rowMs: QUARTER_MS }),
    );
    assert.ok(found.every(({ tsMs }) => tsMs >= START_MS + REST * QUARTER_MS));
    assert.ok(found.length >= least && found.length <= most, `told ${found.length} times`);
    assert.ok(model.snapshot().length < 1.5 * steady.snapshot().length, 'packed figures that differ take a little more');
    const shift = feed(model, scrapes.slice(REST + MONTH)).filter(({ detector }) => detectors.test(detector));
    assert.ok(shift.length > 0, 'the shift at the end is not told');
  });
}
