/** The forecaster on series of five minutes: learnt from the first half of each, measured on the second, both halves of the corpus apart. */
import { chooseBackend } from '../../src/model/neural/backend.ts';
import { measureForecasts } from '../../src/model/neural/forecast-figures.ts';
import type { Tally } from '../../src/model/neural/forecast-pool.ts';
import { trainForecaster } from '../../src/model/neural/forecaster.ts';
import type { ForecastFigures } from '../../src/model/neural/forecaster-standing.ts';
import { type EvenSeries, STEP_MS } from '../../src/model/neural/series-window.ts';
import { wasmFolder } from '../../src/pipeline/neural/wasm-folder.ts';
import { type NabFile, readCorpus, splitHalves } from '../quality/nab-corpus.ts';
import { type Coverage, coverageOf, coverageText } from './coverage.ts';

const LEARNT_SHARE = 0.5;
const STEPS_MAX = 20_000;

export interface ForecastBench {
  halves: Record<'a' | 'b', { windows: number; seconds: number; bands: Coverage[]; bandsWithout: Coverage[] } & ForecastFigures>;
}

/** Throws where the corpus holds nothing to learn from. */
export async function measureForecaster(data: string, note: (text: string) => void): Promise<ForecastBench> {
  await chooseBackend({ wanted: 'wasm', wasmFolder: wasmFolder() });
  const halves = splitHalves(readCorpus(data));
  const measure = async (files: readonly NabFile[]) => {
    const series = files.map(evenOf);
    const beganMs = performance.now();
    const trained = trainForecaster({ series, share: LEARNT_SHARE, seed: 1 });
    if (trained === undefined) throw new Error('there is too little to learn from');
    const seconds = (performance.now() - beganMs) / 1000;
    note(`${files.length} series, ${trained.windows} windows in ${seconds.toFixed(1)} s`);
    const tallies: { withNetwork: Tally; without: Tally }[] = [];
    const figures = measureForecasts(series, LEARNT_SHARE, trained.weights, (each) => tallies.push(each));
    const bands = coverageOf(tallies.map(({ withNetwork }) => withNetwork.bands));
    const bandsWithout = coverageOf(tallies.map(({ without }) => without.bands));
    return { windows: trained.windows, seconds, bands, bandsWithout, ...figures };
  };
  return { halves: { a: await measure(halves.a), b: await measure(halves.b) } };
}

function evenOf({ atMs, values }: NabFile): EvenSeries {
  const fromMs = Math.floor((atMs[0] as number) / STEP_MS) * STEP_MS;
  const steps = Math.floor(((atMs.at(-1) as number) - fromMs) / STEP_MS) + 1;
  const even = new Float64Array(Math.min(STEPS_MAX, steps)).fill(Number.NaN);
  atMs.forEach((ms, i) => {
    const step = Math.floor((ms - fromMs) / STEP_MS);
    if (step < even.length) even[step] = values[i] as number;
  });
  return { fromMs, values: even };
}

export function forecastText({ halves }: ForecastBench): string {
  const lines = ['mean absolute error one, three and six hours ahead, that of the last value being 1'];
  for (const [name, { series, forecasts, errors, chosenWithout, chosenWith, inBand, bands, bandsWithout }] of Object.entries(
    halves,
  )) {
    const each = Object.entries(errors).map(([expert, error]) => `${expert} ${error.toFixed(2)}`);
    lines.push(
      `half ${name} (${series} series, ${forecasts} forecasts): ${each.join(', ')}`,
      `  the best so far without the network ${chosenWithout.toFixed(3)}, with it ${chosenWith.toFixed(3)}; within the band of 80 %: ${(100 * inBand).toFixed(1)} %`,
      ...bands.map((band) => `  ${coverageText(band)}`),
      ...bandsWithout.map((band) => `  without the network ${coverageText(band)}`),
    );
  }
  return `${lines.join('\n')}\n`;
}
