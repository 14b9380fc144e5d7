/** Forecasters side by side on the later part of series that nothing was learnt from: with a network among them and without. */
import { type BandTally, type Expert, ForecastPool, heldShare, type Tally } from './forecast-pool.ts';
import { forecastAll } from './forecaster.ts';
import type { ForecastFigures } from './forecaster-standing.ts';
import { type EvenSeries, windowAt } from './series-window.ts';
import type { Weights } from './weights.ts';

/** `onSeries`: what the forecasts of each series that moves came to. */
export function measureForecasts(
  series: readonly EvenSeries[],
  share: number,
  weights: Weights,
  onSeries: (tallies: { withNetwork: Tally; without: Tally }) => void = () => {},
): ForecastFigures {
  const each = new Map<Expert | 'with' | 'without', number[]>();
  const add = (name: Expert | 'with' | 'without', { sum, n }: { sum: number; n: number }, unit: number) => {
    each.set(name, [...(each.get(name) ?? []), sum / n / unit]);
  };
  let [measured, forecasts] = [0, 0];
  const bands: BandTally[] = [];
  for (const one of series) {
    const from = Math.floor(one.values.length * share);
    const steps = Array.from({ length: one.values.length - from }, (_, i) => from + i);
    const windows = steps.map((at) => windowAt(one, at));
    const said = forecastAll(
      weights,
      windows.filter((window) => window !== undefined),
    );
    let next = 0;
    const [without, withNetwork] = [new ForecastPool(false), new ForecastPool(true)];
    steps.forEach((at, i) => {
      const network = windows[i] === undefined ? undefined : said[next++];
      without.step(one, at);
      withNetwork.step(one, at, network);
    });
    const still = withNetwork.tally.errors.get('last value');
    // Of a series that stays where it is there is nothing to forecast.
    if (still === undefined || still.sum === 0) continue;
    measured++;
    forecasts += withNetwork.tally.n;
    bands.push(...withNetwork.tally.bands);
    onSeries({ withNetwork: withNetwork.tally, without: without.tally });
    const unit = still.sum / still.n;
    add('without', without.tally.errors.get('chosen') as { sum: number; n: number }, unit);
    for (const [name, sum] of withNetwork.tally.errors) add(name === 'chosen' ? 'with' : name, sum, unit);
  }
  const mean = (name: Expert | 'with' | 'without') => {
    const values = each.get(name) ?? [];
    return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const errors: ForecastFigures['errors'] = {};
  for (const name of each.keys()) if (name !== 'with' && name !== 'without') errors[name] = mean(name);
  return {
    series: measured,
    forecasts,
    errors,
    chosenWithout: mean('without'),
    chosenWith: mean('with'),
    inBand: bands.every(({ n }) => n === 0) ? 0 : heldShare(bands),
  };
}
