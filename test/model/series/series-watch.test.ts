import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../src/domain/change.ts';
import type { Judgement } from '../../../src/domain/finding.ts';
import type { Scrape } from '../../../src/domain/series/series.ts';
import { createModel } from '../../../src/model/ensemble.ts';
import { outlookOf } from '../../../src/model/series/outlook.ts';
import { makeCounters, quantileOfBuckets, readSignals } from '../../../src/model/series/read-signals.ts';
import { SERIES_MAX, SeriesWatch } from '../../../src/model/series/series-watch.ts';
import { makeRandom } from '../stream.ts';
import { pages, ROW_MS, START_MS } from './synthetic.ts';

const ROWS = 900;
const QUARTER_MS = 15 * ROW_MS;
const kindOf = () => ({ group: 'kafka.example.com', kind: 'Kafka' });

const watchAll = (watch: SeriesWatch, scrapes: readonly Scrape[]): Judgement[] => scrapes.flatMap((each) => watch.observe(each));

const after = (found: readonly Judgement[], row: number, rowMs = ROW_MS) =>
  found.filter(({ tsMs }) => tsMs >= START_MS + row * rowMs);

test('a controller that keeps its pace pages nobody over half a day', () => {
  const found = watchAll(
    new SeriesWatch(kindOf),
    pages(ROWS, () => ({})),
  );
  assert.deepEqual(
    found.filter(({ mature, score }) => mature && score >= 4),
    [],
  );
});

for (const [detector, course] of [
  ['series-error-share', { errors: 0.6 }],
  ['series-duration-p99', { slow: 0.5 }],
  ['series-retries', { errors: 0.6 }],
] as const) {
  test(`${detector} tells a shift that stays, with the kind`, () => {
    const found = after(
      watchAll(
        new SeriesWatch(kindOf),
        pages(ROWS + 60, (row) => (row >= ROWS ? course : {})),
      ),
      ROWS,
    );
    const told = found.find((each) => each.detector === detector);
    assert.ok(told, `found ${found.map((each) => each.detector)}`);
    assert.equal(told.subject.ref.kind, 'Kafka');
    assert.ok(told.score >= 2 && told.onceIn >= 100);
    assert.equal(told.mature, false, 'half a day cannot say what comes once in a hundred hours');
  });
}

test('after two weeks a shift is mature, and a smaller one that comes every night is not told at all', () => {
  const nightly = (row: number) => (row % 96 < 8 ? { errors: 0.2 } : {});
  const rows = 18 * 96;
  const scrapes = pages(rows + 20, (row) => (row >= rows ? { errors: 0.7 } : nightly(row)), { rowMs: QUARTER_MS });
  const told = after(watchAll(new SeriesWatch(kindOf), scrapes), 14 * 96, QUARTER_MS);
  assert.ok(told.length > 0);
  for (const { tsMs, mature, score } of told) {
    assert.ok(tsMs >= START_MS + rows * QUARTER_MS, 'no night is told');
    assert.ok(mature && score >= 2.5);
  }
});

const edit = (atRow: number): Change =>
  ({
    seq: 1,
    type: 'MODIFIED',
    ref: { cluster: 'c', group: 'kafka.example.com', version: 'v1', kind: 'Kafka', namespace: 'streaming', name: 'main' },
    uid: 'u',
    resourceVersion: '2',
    observedMs: START_MS + atRow * ROW_MS,
    actor: { name: 'alice', source: 'managed-fields', confidence: 1 },
    origin: 'watch',
    own: false,
    diff: [{ path: '/spec/replicas', op: 'replace', old: 3, new: 9 }],
  }) as unknown as Change;

test('names the change that came just before, and says so when it is the same as the last time', () => {
  const watch = new SeriesWatch(kindOf);
  const shifts = [400, 2_400];
  const course = (row: number) => (shifts.some((at) => row >= at && row < at + 30) ? { errors: row < 2_400 ? 0.5 : 0.95 } : {});
  const found = pages(2_500, course, { rowMs: QUARTER_MS }).flatMap((page, row) => {
    if (shifts.includes(row - 1)) watch.noteChange(edit(row * 15));
    return watch.observe(page);
  });
  const told = (row: number) => after(found, row, QUARTER_MS)[0]?.reasons[0]?.sentence ?? '';
  assert.match(told(400), /before came a change of spec\.replicas of a Kafka \(.*main.* by alice\)/);
  assert.match(told(2_400), /spec\.replicas.*, as .*before\.$/);
});

test('workers that fill up are told with the time that is left and its band', () => {
  const random = makeRandom(5);
  const climbing = (row: number) => ({ busy: row < 400 ? 0.2 : 0.2 + (row - 400) / 600 + 0.01 * random() });
  const found = watchAll(new SeriesWatch(kindOf), pages(700, climbing)).filter(({ detector }) => detector === 'series-outlook');
  assert.equal(found.length, 1, 'once in six hours');
  assert.match(
    found[0]?.reasons[0]?.sentence ?? '',
    /^At this rate all workers of controller kafka are busy in \d+ (h|min) \(\d+ (h|min) to \d+ (h|min|days)\)/,
  );
});

test('no outlook without a rise beyond doubt', () => {
  const random = makeRandom(2);
  const points = (value: (i: number) => number) => Array.from({ length: 60 }, (_, i) => ({ atMs: i * ROW_MS, value: value(i) }));
  assert.equal(
    outlookOf(
      points(() => 0.5 + 0.1 * random()),
      1,
    ),
    undefined,
  );
  assert.equal(
    outlookOf(
      points((i) => 0.9 - i / 100),
      1,
    ),
    undefined,
  );
  assert.equal(
    outlookOf(
      points(() => 0.5),
      1,
    ),
    undefined,
  );
  const sure = outlookOf(
    points((i) => i / 100 + 0.001 * random()),
    1,
  );
  assert.ok(sure !== undefined && Math.abs(sure.inMs / ROW_MS - 41) < 1);
  assert.ok(sure.earliestMs < sure.inMs && sure.inMs < sure.latestMs);
});

test('a restart continues exactly: equal findings through a snapshot at any row', () => {
  const scrapes = pages(700, (row) => (row > 500 ? { errors: 0.4 } : {}));
  const whole = createModel({ kindOf });
  const undisturbed = scrapes.map((page) => whole.observeScrape(page));
  let model = createModel({ kindOf });
  const restarted = scrapes.map((page, row) => {
    if (row % 14 === 13) model = createModel({ kindOf }, model.snapshot());
    return model.observeScrape(page);
  });
  assert.deepEqual(restarted, undisturbed);
  assert.ok(undisturbed.flat().some(({ detector }) => detector === 'series-error-share'));
});

test('what is no number, came twice or came late changes nothing', () => {
  const clean = pages(500, (row) => (row > 400 ? { errors: 0.5 } : {}));
  const dirty = clean.flatMap((page, row): Scrape[] => {
    const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1].map((value) => ({
      metric: 'workqueue_retries_total',
      labels: { controller: 'kafka' },
      value,
    }));
    return [{ ...page, samples: [...bad, ...page.samples] }, page, ...(row > 0 ? [clean[row - 1] as Scrape] : [])];
  });
  assert.deepEqual(watchAll(new SeriesWatch(kindOf), dirty), watchAll(new SeriesWatch(kindOf), clean));
});

test('counters that start again each minute are read as what they show', () => {
  const found = watchAll(
    new SeriesWatch(kindOf),
    pages(ROWS + 30, (row) => ({ reset: true, errors: row >= ROWS ? 0.6 : 0.02 })),
  );
  assert.ok(after(found, ROWS).some(({ detector }) => detector === 'series-error-share'));
});

test('series beyond the cap are counted and not followed', () => {
  const watch = new SeriesWatch(kindOf);
  const samples = Array.from({ length: SERIES_MAX + 10 }, (_, i) => ({
    metric: 'workqueue_depth',
    labels: { name: `c${i}` },
    value: 1,
  }));
  watch.observe({ cluster: 'c', target: 't', tsMs: START_MS, samples });
  assert.deepEqual(watch.size(), { series: SERIES_MAX, refusedRows: 10 });
});

test('the 99 % point lies within its bucket', () => {
  const increases = new Map([
    [0.1, 90],
    [1, 100],
    [Number.POSITIVE_INFINITY, 100],
  ]);
  assert.ok(Math.abs((quantileOfBuckets(increases) as number) - 0.91) < 1e-9);
  assert.equal(quantileOfBuckets(new Map([[Number.POSITIVE_INFINITY, 2]])), undefined);
  assert.equal(quantileOfBuckets(new Map()), undefined);
});

test('the first sight of a counter is no increase', () => {
  const [page] = pages(1, () => ({}));
  assert.deepEqual(
    readSignals(page as Scrape, makeCounters()).map(({ name }) => name),
    ['queue-depth', 'saturation'],
  );
});

/** A controller whose reconciles take 16 to 32 s, but for a share of them, which takes longer. */
function slowPages(rows: number, course: (row: number, random: () => number) => { upTo16: number; upTo32: number }): Scrape[] {
  const random = makeRandom(3);
  const done = { upTo16: 0, upTo32: 0, all: 0 };
  return Array.from({ length: rows }, (_, row): Scrape => {
    const { upTo16, upTo32 } = course(row, random);
    done.upTo16 += 1_000 * upTo16;
    done.upTo32 += 1_000 * upTo32;
    done.all += 1_000;
    const sample = (metric: string, labels: Record<string, string>, value: number) => ({
      metric: `controller_runtime_reconcile_${metric}`,
      labels: { ...labels, controller: 'kafka' },
      value,
    });
    const samples = [
      sample('total', { result: 'success' }, done.all),
      sample('time_seconds_bucket', { le: '16' }, done.upTo16),
      sample('time_seconds_bucket', { le: '32' }, done.upTo32),
      sample('time_seconds_bucket', { le: '64' }, done.all),
      sample('time_seconds_bucket', { le: '+Inf' }, done.all),
    ];
    return { cluster: 'c', target: 't', tsMs: START_MS + row * ROW_MS, samples };
  });
}

test('a 99 % point that moves within its bucket is no news, one that leaves it is', () => {
  const told = (then: { upTo16: number; upTo32: number }) => {
    const watch = new SeriesWatch();
    const course = (row: number, random: () => number) =>
      row < 900 ? { upTo16: 0.978 + 0.002 * random(), upTo32: 1 } : { ...then, upTo16: then.upTo16 + 0.002 * random() };
    return slowPages(1_000, course)
      .flatMap((page) => watch.observe(page))
      .map(({ detector }) => detector);
  };
  assert.deepEqual(told({ upTo16: 0.965, upTo32: 1 }), []);
  assert.ok(told({ upTo16: 0.9, upTo32: 0.95 }).includes('series-duration-p99'));
});
