/** How a forecaster of series stands beside closed forms, and whether it may compete with them. */
import type { Expert } from './forecast-pool.ts';

export interface ForecastFigures {
  /** Series that were measured, and forecasts of them. */
  series: number;
  forecasts: number;
  /** Mean over series of the mean absolute error, that of the last value being 1. */
  errors: Partial<Record<Expert, number>>;
  /** Of the one that erred least lately, without the network in the choice and with it. */
  chosenWithout: number;
  chosenWith: number;
  /** Share of values within the band of 80 %. */
  inBand: number;
}

/** With what it was trained on. */
export interface ForecasterFigures extends ForecastFigures {
  windows: number;
  loss: number;
}

const GAIN = 0.97;

/** A network competes only where the choice with it was better on what it had not learnt. */
export function hasEarned({
  chosenWith,
  chosenWithout,
  series,
}: Pick<ForecastFigures, 'chosenWith' | 'chosenWithout' | 'series'>): boolean {
  return series > 0 && chosenWith <= GAIN * chosenWithout;
}
