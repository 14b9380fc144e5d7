/** Samples on disk: columns, rollups, questions over tiers, and what must not upset them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import type { Scrape, ScrapedSample } from '../../../src/domain/series/series.ts';
import { parseSelector } from '../../../src/domain/series/series-match.ts';
import { type StepWindow, StepWindows } from '../../../src/domain/series/span-summary.ts';
import { ByteWriter } from '../../../src/store/pack/varint.ts';
import { decodeRollups, encodeRollups, joinRollups, rollUp } from '../../../src/store/series/rollup-codec.ts';
import { decodeRun, decodeScrape, encodeRun, encodeScrape, type StoredScrape } from '../../../src/store/series/sample-codec.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LIMITS = { seriesMax: 1_000, workMax: 1e9 };

function scrape(tsMs: number, values: Record<string, number>, target = 'a'): Scrape {
  const samples = Object.entries(values).map(([name, value]): ScrapedSample => ({ metric: 'm', labels: { name }, value }));
  return { cluster: 'test', target, tsMs, samples };
}

function ask(store: SqliteStore, stepMs: number, fromMs = 0, toMs = 1_000 * HOUR) {
  return store.seriesWindows({ matchers: parseSelector('m'), fromMs, toMs, stepMs, ...LIMITS });
}

function maintainFully(store: SqliteStore): void {
  for (let i = 0; i < 1_000; i++) store.maintain();
}

const anyFloat = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 2 ** 53, -(2 ** 49), Number.MIN_VALUE),
);

describe('samples in bytes', () => {
  const sample = fc.record({ seriesId: fc.integer({ min: 1, max: 6 }), value: anyFloat, stale: fc.boolean() });
  const scrapes = fc.array(
    fc.record({
      tsMs: fc.integer({ min: -1_000, max: 1e13 }),
      targetId: fc.nat(3),
      samples: fc.uniqueArray(sample, { selector: (one) => one.seriesId, maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 20 },
  );
  const stored = scrapes.map((given) =>
    given.map(
      ({ samples, ...rest }, i): StoredScrape => ({
        ...{ id: i + 1, ...rest },
        samples: samples
          .sort((a, b) => a.seriesId - b.seriesId)
          .map(({ seriesId, value, stale }) => (stale ? { seriesId, value: Number.NaN, stale } : { seriesId, value })),
      }),
    ),
  );

  it('come back as they were, a series that ended apart from a value that is no number', () => {
    fc.assert(
      fc.property(stored, (run) => {
        assert.deepEqual(decodeRun(encodeRun(run, 3)), run);
        for (const { samples } of run) assert.deepEqual(decodeScrape(encodeScrape(samples)), samples);
      }),
    );
  });

  it('are read as they were written before they were compressed', () => {
    const writer = new ByteWriter();
    writer.varint(2);
    writer.varint(40);
    writer.float64(0.5);
    writer.varint(2);
    writer.float64(Infinity);
    assert.deepEqual(decodeScrape(writer.finish()), [
      { seriesId: 40, value: 0.5 },
      { seriesId: 42, value: Infinity },
    ]);
  });

  it('roll up to the same bytes and back', () => {
    fc.assert(
      fc.property(stored, fc.constantFrom(1, 60_000, 3_600_000), (run, spanMs) => {
        const later = run.filter(({ tsMs }) => tsMs >= 0);
        const rollups = rollUp(later, spanMs);
        assert.deepEqual(decodeRollups(encodeRollups(rollups, 3)), rollups);
        const only = new Set([2, 5]);
        assert.deepEqual(decodeRollups(encodeRollups(rollups, 3), only), new Map([...rollups].filter(([id]) => only.has(id))));
      }),
    );
  });

  it('a damaged block of rollups is an error, never other figures', () => {
    const frame = encodeRollups(rollUp([{ id: 1, targetId: 1, tsMs: 5, samples: [{ seriesId: 1, value: 2 }] }], 1), 3);
    for (let at = 0; at < frame.length; at++) {
      const damaged = Buffer.from(frame);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      try {
        assert.deepEqual(decodeRollups(damaged), decodeRollups(frame), `byte ${at}`);
      } catch (error) {
        assert.ok(!(error instanceof assert.AssertionError), String(error));
      }
    }
  });

  it('rollups of runs join to the rollup of them all, and minutes to hours', () => {
    const whole = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(whole, fc.nat(60), (values, cut) => {
        const run = values.map(
          (value, i): StoredScrape => ({ id: i + 1, targetId: 1, tsMs: i * 40_000, samples: [{ seriesId: 1, value }] }),
        );
        const joined = rollUp(run.slice(0, cut), MINUTE);
        joinRollups(joined, rollUp(run.slice(cut), MINUTE));
        assert.deepEqual(joined, rollUp(run, MINUTE));
        const hours = new Map();
        joinRollups(hours, joined, 60);
        assert.deepEqual(hours, rollUp(run, HOUR));
      }),
    );
  });
});

describe('questions over tiers', () => {
  const step = fc.record({
    // The clock goes on, stands or goes back.
    moveMs: fc.constantFrom(15_000, 15_000, 60_000, 0, -30_000, 2 * HOUR, -3 * HOUR),
    values: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.integer({ min: -50, max: 1_000 }), { noNullPrototype: true }),
    target: fc.constantFrom('a', 'b'),
    maintains: fc.nat(3),
  });

  it('get the same figures from raw samples and from rollups, whatever was sealed, rolled up or merged when', () => {
    let coarse = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 30, maxLength: 200 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(1, 300, 200_000),
        (steps, samplesPerRun, mergeBytesMax) => {
          using store = openSqliteStore({ file: ':memory:', samplesPerRun, mergeBytesMax, scrapesPerRun: 1 });
          const stepsMs = [15_000, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR];
          const expected = stepsMs.map(() => new Map<string, StepWindows>());
          let nowMs = 500 * HOUR;
          for (const { moveMs, values, target, maintains } of steps) {
            nowMs += moveMs;
            store.append({ changes: [], scrapes: [scrape(nowMs, values, target)] });
            for (const [name, value] of Object.entries(values)) {
              expected.forEach((byName, i) => {
                const windows = byName.get(name) ?? new StepWindows(stepsMs[i] as number);
                byName.set(name, windows);
                windows.addSample(nowMs, value);
              });
            }
            for (let i = 0; i < maintains; i++) store.maintain();
          }
          for (let round = 0; round < 2; round++) {
            stepsMs.forEach((stepMs, i) => {
              const { series, tier } = ask(store, stepMs, 0, 10_000 * HOUR);
              if (tier === '1h' && store.samples.blocks('1h').length > 0) coarse += 1;
              const found = new Map(series.map(({ labels, windows }) => [labels.name as string, windows]));
              const wanted = new Map<string, [number, StepWindow][]>();
              for (const [name, windows] of expected[i] as Map<string, StepWindows>)
                wanted.set(name, windows.between(0, 10_000 * HOUR));
              assert.deepEqual(new Map([...found].sort()), new Map([...wanted].sort()), `step ${stepMs}, ${tier}`);
            });
            maintainFully(store);
          }
        },
      ),
      { numRuns: 40 },
    );
    assert.ok(coarse > 0, 'rollups of an hour were asked');
  });

  function filled(scrapes: number, options: object = {}): SqliteStore {
    const store = openSqliteStore({ file: ':memory:', samplesPerRun: 20, scrapesPerRun: 1, ...options });
    for (let i = 0; i < scrapes; i++) {
      store.append({ changes: [], scrapes: [scrape(i * MINUTE, { total: i, depth: i % 7 })] });
      store.maintain();
    }
    maintainFully(store);
    return store;
  }

  it('are answered from the coarsest tier that the step allows', () => {
    using store = filled(200);
    assert.equal(ask(store, 15_000, 0, HOUR).tier, 'raw');
    assert.equal(ask(store, 15 * MINUTE).tier, '5m');
    assert.equal(ask(store, 7 * MINUTE).tier, 'raw');
    assert.equal(ask(store, 2 * HOUR).tier, '1h');
  });

  it('count what a counter rose by just before the time too', () => {
    using store = filled(200);
    for (const stepMs of [MINUTE, 5 * MINUTE, HOUR]) {
      const { series } = ask(store, stepMs, 2 * HOUR, 3 * HOUR);
      const windows = series.find(({ labels }) => labels.name === 'total')?.windows ?? [];
      assert.equal(windows.length, HOUR / stepMs);
      for (const [, { increase }] of windows) assert.equal(increase, stepMs / MINUTE);
    }
  });

  it('are refused with what to do when they match too many series or need too much work', () => {
    using store = filled(100);
    const query = { matchers: parseSelector('m'), fromMs: 0, toMs: HOUR, stepMs: MINUTE, ...LIMITS };
    for (const limit of [{ seriesMax: 1 }, { workMax: 10 }]) {
      assert.throws(
        () => store.seriesWindows({ ...query, ...limit }),
        (error: unknown) => isCrowsnestError(error, 'QUERY_TOO_LARGE') && error.todo !== undefined,
      );
    }
    assert.equal(store.seriesWindows({ ...query, matchers: parseSelector('{name=~"to.*"}'), seriesMax: 1 }).series.length, 1);
  });

  it('find nothing where there is nothing', () => {
    using store = filled(10);
    assert.deepEqual(
      store.seriesWindows({ matchers: parseSelector('other'), fromMs: 0, toMs: HOUR, stepMs: MINUTE, ...LIMITS }).series,
      [],
    );
    assert.deepEqual(ask(store, MINUTE, 500 * HOUR).series, []);
  });
});

describe('tiers grow old', () => {
  function aged(): SqliteStore {
    const store = openSqliteStore({ file: ':memory:', samplesPerRun: 10, scrapesPerRun: 1 });
    for (let i = 0; i < 600; i++)
      store.append({ changes: [], scrapes: [scrape(i * MINUTE, { total: i, [`pod-${Math.floor(i / 200)}`]: 1 })] });
    maintainFully(store);
    return store;
  }

  it('in small batches, of raw samples only what is rolled up and analysed', () => {
    using store = aged();
    const before = ask(store, HOUR);
    assert.equal(store.samples.deleteBefore('raw', 5 * HOUR, 3), 3);
    assert.equal(store.samples.deleteBefore('raw', 5 * HOUR, 1_000, 30), 3, 'of scrapes up to 30 three runs more');
    let batches = 0;
    while (store.samples.deleteBefore('raw', 5 * HOUR, 4) === 4) batches += 1;
    assert.ok(batches > 5);
    assert.ok(store.samples.blocks('raw').every(({ msMax }) => msMax >= 5 * HOUR));
    assert.deepEqual(ask(store, HOUR), before, 'rollups tell what they told');
  });

  it('and a fine step over old times is answered as finely as there are figures', () => {
    using store = aged();
    store.samples.deleteBefore('raw', 330 * MINUTE, 1_000);
    const coarser = ask(store, MINUTE, 0, 8 * HOUR);
    assert.equal(coarser.tier, '5m');
    assert.equal(coarser.stepMs, 5 * MINUTE);
    assert.equal(ask(store, MINUTE, 6 * HOUR, 8 * HOUR).tier, 'raw');
    store.samples.deleteBefore('5m', 330 * MINUTE, 1_000);
    const hours = ask(store, MINUTE, 0, 8 * HOUR);
    assert.equal(hours.tier, '1h');
    assert.equal(hours.series.find(({ labels }) => labels.name === 'total')?.windows.length, 8);
  });

  it('by upkeep, each at its age from the newest sample, raw ones not before they are analysed', () => {
    const ages = { keepSamplesMs: 2 * HOUR, keepSamplesFineMs: 4 * HOUR, keepSamplesCoarseMs: 6 * HOUR };
    using store = openSqliteStore({ file: ':memory:', samplesPerRun: 10, scrapesPerRun: 1, ...ages });
    const fill = (from: number, to: number) => {
      for (let i = from; i < to; i++)
        store.append({ changes: [], scrapes: [scrape(i * MINUTE, { total: i, [`pod-${Math.floor(i / 200)}`]: 1 })] });
      maintainFully(store);
    };
    store.commitAnalysis({ findings: [], cursors: { 'analysis.samples': '100' } });
    fill(0, 600);
    const oldest = (tier: 'raw' | '5m' | '1h') => (store.samples.blocks(tier)[0]?.msMin ?? Number.NaN) / HOUR;
    assert.ok(oldest('raw') > 1 && oldest('raw') < 2, 'not analysed yet');
    store.commitAnalysis({ findings: [], cursors: { 'analysis.samples': '900' } });
    fill(600, 900);
    const newest = 899 / 60;
    assert.ok(oldest('raw') <= newest - 2 && oldest('raw') > newest - 3, `raw from hour ${oldest('raw')}`);
    assert.ok(oldest('5m') <= newest - 4 && oldest('5m') > newest - 9, `fine from hour ${oldest('5m')}`);
    assert.ok(oldest('1h') > 0, `coarse from hour ${oldest('1h')}`);
    assert.deepEqual(
      ask(store, HOUR, 0, 15 * HOUR).series.flatMap(({ labels }) => (labels.name === 'pod-0' ? [labels.name] : [])),
      [],
      'what is gone has no name any more',
    );
  });

  it('and numbers of scrapes are never given twice', () => {
    using store = aged();
    const { position } = store.samplesAfter(0, 1e6);
    assert.equal(position, 600);
    store.samples.deleteBefore('raw', 1_000 * HOUR, 1_000);
    store.append({ changes: [], scrapes: [scrape(700 * MINUTE, { total: 700 })] });
    assert.deepEqual(
      store.samplesAfter(position, 1e6).samples.map(({ value }) => value),
      [700],
    );
  });

  it('and names without samples are forgotten, and may come again', () => {
    using store = aged();
    assert.equal(store.samples.forgetUnused(10), 0);
    for (const tier of ['raw', '5m', '1h'] as const) store.samples.deleteBefore(tier, 330 * MINUTE, 1_000);
    const gone = store.samples.forgetUnused(10);
    assert.ok(gone >= 1, `${gone} forgotten`);
    assert.equal(store.counts().series, 4 - gone);
    store.append({ changes: [], scrapes: [scrape(800 * MINUTE, { 'pod-0': 5 })] });
    assert.deepEqual(
      ask(store, MINUTE, 800 * MINUTE, 801 * MINUTE).series.map(({ labels }) => labels.name),
      ['pod-0'],
    );
  });
});

describe('what must not upset the record of samples', () => {
  it('new series without end: what is known goes on, the rest is counted and named once', () => {
    using store = openSqliteStore({ file: ':memory:', seriesMax: 3 });
    for (let i = 0; i < 50; i++) store.append({ changes: [], scrapes: [scrape(i, { known: i, [`pod-${i}`]: 1 })] });
    const { samples, samplesDropped, series } = store.counts();
    assert.deepEqual({ samples, samplesDropped, series }, { samples: 52, samplesDropped: 48, series: 3 });
    assert.deepEqual(
      store.rejects(10).map(({ code, where }) => [code, where]),
      [['SERIES_LIMIT', 'a']],
    );
    const known = ask(store, MINUTE).series.find(({ labels }) => labels.name === 'known');
    assert.equal(known?.windows[0]?.[1].summary.count, 50);
  });

  it('a series twice on a page: the first sample counts', () => {
    using store = openSqliteStore({ file: ':memory:' });
    const twice = { cluster: 'test', target: 'a', tsMs: 1, samples: [1, 2].map((value) => ({ metric: 'm', labels: {}, value })) };
    store.append({ changes: [], scrapes: [twice] });
    assert.deepEqual(
      store.series({ metric: 'm', fromMs: 0, toMs: 9, limit: 9 }).map(({ samples }) => samples),
      [[[1, 1]]],
    );
    assert.equal(store.counts().samples, 1);
  });

  it('the same millisecond twice: both scrapes are kept, in the order in which they came', () => {
    using store = openSqliteStore({ file: ':memory:' });
    for (const value of [5, 3]) store.append({ changes: [], scrapes: [scrape(1_000, { x: value })] });
    const [window] = ask(store, MINUTE).series[0]?.windows ?? [];
    assert.deepEqual([window?.[1].summary.count, window?.[1].summary.last, window?.[1].increase], [2, 3, 3]);
  });

  it('a mark that a series ended is kept and is no value', () => {
    using store = openSqliteStore({ file: ':memory:', samplesPerRun: 1, scrapesPerRun: 1 });
    const ended: Scrape = {
      ...scrape(2_000, {}),
      samples: [{ metric: 'm', labels: { name: 'x' }, value: Number.NaN, stale: true }],
    };
    store.append({ changes: [], scrapes: [scrape(1_000, { x: 1 }), ended, scrape(3_000, { x: Number.NaN })] });
    for (let i = 0; i < 2; i++) {
      const samples = store.series({ metric: 'm', fromMs: 0, toMs: 9_000, limit: 9 })[0]?.samples;
      assert.deepEqual(samples, [
        [1_000, 1],
        [3_000, Number.NaN],
      ]);
      assert.equal(store.samplesAfter(0, 100).samples.length, 2);
      assert.equal(ask(store, MINUTE).series[0]?.windows[0]?.[1].summary.count, 1);
      maintainFully(store);
    }
  });

  it('a damaged run: it is named, later ones are rolled up all the same', (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'crowsnest-series-'));
    test.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'store.db');
    const options = { file, samplesPerRun: 4, scrapesPerRun: 1 };
    {
      using store = openSqliteStore(options);
      for (let i = 0; i < 12; i++) store.append({ changes: [], scrapes: [scrape(i * HOUR, { x: i, y: i })] });
      store.maintain();
    }
    const db = new Database(file);
    db.exec('DELETE FROM rollup; DELETE FROM rollup_progress');
    db.prepare('UPDATE scrape_block SET data = zeroblob(length(data)) WHERE last_scrape = 4').run();
    db.close();
    using store = openSqliteStore(options);
    maintainFully(store);
    assert.throws(
      () => ask(store, MINUTE),
      (error: unknown) => isCrowsnestError(error, 'STORE_CORRUPT'),
    );
    assert.equal(ask(store, MINUTE, 5 * HOUR).series.length, 2);
    assert.equal(store.samples.blocks('5m').length, 5);
  });

  it('a database from before there were rollups: they are made of what it holds', () => {
    using store = openSqliteStore({ file: ':memory:', samplesPerRun: 4, scrapesPerRun: 1 });
    for (let i = 0; i < 40; i++) store.append({ changes: [], scrapes: [scrape(i * MINUTE, { x: i })] });
    assert.equal(store.samples.blocks('5m').length, 0);
    maintainFully(store);
    assert.ok(store.samples.blocks('1h').length > 0);
    assert.equal(ask(store, 10 * HOUR).series[0]?.windows[0]?.[1].increase, 39);
  });
});
