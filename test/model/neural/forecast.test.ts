/** Forecasts of series: windows of any size and with gaps, forecasters in competition, bands, and when a limit is reached. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { chooseBackend } from '../../../src/model/neural/backend.ts';
import { type Band, bandOf, learnError, makeBandErrors } from '../../../src/model/neural/conformal-band.ts';
import { measureForecasts } from '../../../src/model/neural/forecast-figures.ts';
import { ForecastPool } from '../../../src/model/neural/forecast-pool.ts';
import { trainForecaster } from '../../../src/model/neural/forecaster.ts';
import { fullIn } from '../../../src/model/neural/full-in.ts';
import { seededChance } from '../../../src/model/neural/seeded.ts';
import { type EvenSeries, HORIZONS, windowAt } from '../../../src/model/neural/series-window.ts';
import { wasmFolder } from '../../../src/pipeline/neural/wasm-folder.ts';

const HOUR = 3_600_000;

function seriesOf(count: number, valueAt: (step: number) => number): EvenSeries {
  return { fromMs: 0, values: Float64Array.from({ length: count }, (_, i) => valueAt(i)) };
}

before(() => chooseBackend({ wanted: 'wasm', wasmFolder: wasmFolder() }));

test('a window is the same for a series in other units, and bridges gaps', () => {
  const wave = (i: number) => Math.sin(i / 5);
  const one = windowAt(seriesOf(100, wave), 80);
  const scaled = windowAt(
    seriesOf(100, (i) => 1e9 * wave(i)),
    80,
  );
  assert.ok(one !== undefined && scaled !== undefined);
  one.inputs.forEach((value, i) => {
    assert.ok(Math.abs(value - (scaled.inputs[i] as number)) < 1e-3);
  });
  const gappy = windowAt(
    seriesOf(100, (i) => (i % 3 === 0 ? Number.NaN : wave(i))),
    80,
  );
  assert.ok(gappy?.inputs.every(Number.isFinite));
});

test('what does not move, is not read or leaves all bounds has no window', () => {
  const cases: ((i: number) => number)[] = [
    () => 7,
    () => Number.NaN,
    () => Number.POSITIVE_INFINITY,
    (i) => (i === 99 ? 1 : Number.NaN),
  ];
  for (const valueAt of cases) assert.equal(windowAt(seriesOf(100, valueAt), 99), undefined);
  const huge = windowAt(
    seriesOf(100, (i) => (i % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE)),
    98,
  );
  assert.ok(huge === undefined || huge.inputs.every(Number.isFinite));
});

test('a series that rises steadily is left to the straight line, and says when it is full', () => {
  const chance = seededChance(1);
  const series = seriesOf(600, (i) => i + chance());
  const pool = new ForecastPool(false);
  let last: ReturnType<ForecastPool['step']>;
  for (let at = 0; at < 600; at++) last = pool.step(series, at) ?? last;
  assert.equal(last?.expert, 'straight line');
  const now = series.values[599] as number;
  const full = fullIn(now, last as NonNullable<typeof last>, now + 36);
  assert.ok(full?.inMs !== undefined && Math.abs(full.inMs - 3 * HOUR) < 0.2 * HOUR, JSON.stringify(full));
  assert.ok(full.earliestMs <= full.inMs && full.inMs <= (full.latestMs ?? Number.POSITIVE_INFINITY));
});

test('a limit that is reached already, or by no edge of the band, is none', () => {
  const flat = { median: HORIZONS.map(() => 5), low: HORIZONS.map(() => 4), high: HORIZONS.map(() => 6) };
  assert.equal(fullIn(5, flat, 5), undefined);
  assert.equal(fullIn(5, flat, 7), undefined);
  const maybe = fullIn(5, flat, 6);
  assert.equal(maybe?.inMs, undefined);
  assert.equal(maybe?.earliestMs, HOUR);
  assert.equal(fullIn(5, { median: [Number.NaN], low: [Number.NaN], high: [Number.NaN] }, 6), undefined);
});

/** Series on which the choice of the luckiest, or errors that overlap for hours, would leave a band of the last errors too narrow. */
const UNEVEN: Record<string, (chance: () => number) => (step: number) => number> = {
  noise: (chance) => () => chance(),
  'a walk': (chance) => {
    let at = 0;
    return () => {
      at += chance() - 0.5;
      return at;
    };
  },
  'a slow return to the middle': (chance) => {
    let at = 0;
    return () => {
      at = 0.98 * at + chance() - 0.5;
      return at;
    };
  },
  'days of rest and of work': (chance) => (step) => (step % 288 < 144 ? 1 : 9) * chance() + 20 * Math.sin((step * Math.PI) / 144),
  'steps now and then': (chance) => {
    let level = 0;
    return () => {
      if (chance() < 0.01) level = 30 * chance();
      return level + chance();
    };
  },
};

for (const [name, made] of Object.entries(UNEVEN)) {
  test(`bands of 80 % hold 80 % of ${name}, at every horizon and on both sides`, () => {
    // One series has few independent stretches of six hours; what is promised is promised of many.
    const bands = HORIZONS.map(() => ({ n: 0, below: 0, above: 0 }));
    for (let seed = 1; seed <= 8; seed++) {
      const pool = new ForecastPool(false);
      const series = seriesOf(4_000, made(seededChance(seed)));
      for (let at = 0; at < 4_000; at++) pool.step(series, at);
      pool.tally.bands.forEach(({ n, below, above }, horizon) => {
        const sum = bands[horizon] as (typeof bands)[number];
        [sum.n, sum.below, sum.above] = [sum.n + n, sum.below + below, sum.above + above];
      });
    }
    for (const { n, below, above } of bands) {
      assert.ok(n > 20_000);
      const held = 1 - (below + above) / n;
      assert.ok(held > 0.76 && held < 0.87, `held ${held}`);
      assert.ok(below / n < 0.14 && above / n < 0.14, `${below / n} below, ${above / n} above`);
    }
  });
}

test('a band says nothing of few errors, and errors without bound leave it finite', () => {
  const errors = makeBandErrors();
  for (let i = 0; i < 29; i++) learnError(errors, i % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE);
  assert.equal(bandOf(errors, 1), undefined);
  learnError(errors, 1);
  for (const edge of Object.values(bandOf(errors, 1) as Band)) assert.ok(Number.isFinite(edge));
  assert.equal(bandOf(errors, 12), undefined, 'thirty that overlap are three');
});

test('a network that learnt a rhythm no closed form knows makes the choice better, and a useless one no worse', {
  timeout: 120_000,
}, async () => {
  // Every two and a half hours a ramp that falls back: a line is wrong at its top, a mean everywhere.
  const saw = (seed: number) => {
    const chance = seededChance(seed);
    return seriesOf(3_000, (i) => ((i + 7 * seed) % 30) + chance());
  };
  const series = [saw(1), saw(2), saw(3)];
  const trained = trainForecaster({ series, share: 0.5, seed: 1 });
  assert.ok(trained !== undefined);
  const { chosenWith, chosenWithout } = measureForecasts(series, 0.5, trained.weights);
  assert.ok(chosenWith < 0.5 * chosenWithout, `with ${chosenWith}, without ${chosenWithout}`);
  const useless = trained.weights.map((layer) => ({ ...layer, bias: layer.bias.map(() => 50) }));
  const beside = measureForecasts(series, 0.5, useless);
  assert.ok(beside.chosenWith <= 1.02 * beside.chosenWithout, `with ${beside.chosenWith}, without ${beside.chosenWithout}`);
});

test('of nothing no network is made', async () => {
  assert.equal(trainForecaster({ series: [seriesOf(50, (i) => i)], share: 0.5, seed: 1 }), undefined);
});
