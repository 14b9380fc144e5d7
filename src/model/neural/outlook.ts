/** How gauges go on from now: each by the forecaster that erred least on it lately, with its band, and when a limit is reached. */
import { type Forecast, ForecastPool } from './forecast-pool.ts';
import { forecastAll } from './forecaster.ts';
import { type FullIn, fullIn } from './full-in.ts';
import { type EvenSeries, HORIZONS, STEP_MS, windowAt } from './series-window.ts';
import type { Weights } from './weights.ts';

const AHEAD_MS = HORIZONS.map((steps) => steps * STEP_MS);

export interface Gauge {
  cluster: string;
  target: string;
  controller: string;
  what: 'busy-workers' | 'queue-depth';
  /** A share of one where it is of workers; a queue has no limit. */
  limit: number | undefined;
  series: EvenSeries;
}

export interface Outlook extends Omit<Gauge, 'series'> {
  atMs: number;
  now: number;
  /** Of each value of the forecast. */
  aheadMs: readonly number[];
  forecast: Forecast;
  full: FullIn | undefined;
}

/** Of those that move and are read now; `weights` of a network that may compete. */
export function outlooksOf(gauges: readonly Gauge[], weights: Weights | undefined): Outlook[] {
  const out: Outlook[] = [];
  for (const { series, ...gauge } of gauges) {
    const windows = Array.from(series.values, (_, at) => windowAt(series, at));
    const said =
      weights === undefined
        ? []
        : forecastAll(
            weights,
            windows.filter((window) => window !== undefined),
          );
    const pool = new ForecastPool(weights !== undefined);
    let next = 0;
    let last: Forecast | undefined;
    windows.forEach((window, at) => {
      last = pool.step(series, at, window === undefined ? undefined : said[next++]);
    });
    if (last === undefined) continue;
    const at = series.values.length - 1;
    const now = series.values[at] as number;
    const full = gauge.limit === undefined ? undefined : fullIn(now, last, gauge.limit);
    out.push({ ...gauge, atMs: series.fromMs + (at + 1) * STEP_MS, now, aheadMs: AHEAD_MS, forecast: last, full });
  }
  return out;
}
