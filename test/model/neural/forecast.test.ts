/** Forecasts of series: windows of any size and with gaps, forecasters in competition, bands, and when a limit is reached. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { chooseBackend } from '../../../src/model/neural/backend.ts';
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

test('bands hold about what they say on noise', () => {
  const chance = seededChance(2);
  const series = seriesOf(3_000, () => chance());
  const pool = new ForecastPool(false);
  for (let at = 0; at < 3_000; at++) pool.step(series, at);
  const held = pool.tally.inBand / pool.tally.banded;
  assert.ok(held > 0.72 && held < 0.88, String(held));
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
  const trained = await trainForecaster({ series, share: 0.5, seed: 1 });
  assert.ok(trained !== undefined);
  const { chosenWith, chosenWithout } = measureForecasts(series, 0.5, trained.weights);
  assert.ok(chosenWith < 0.5 * chosenWithout, `with ${chosenWith}, without ${chosenWithout}`);
  const useless = trained.weights.map((layer) => ({ ...layer, bias: layer.bias.map(() => 50) }));
  const beside = measureForecasts(series, 0.5, useless);
  assert.ok(beside.chosenWith <= 1.02 * beside.chosenWithout, `with ${beside.chosenWith}, without ${beside.chosenWithout}`);
});

test('of nothing no network is made', async () => {
  assert.equal(await trainForecaster({ series: [seriesOf(50, (i) => i)], share: 0.5, seed: 1 }), undefined);
});
