/** How often a band held, by horizon, with what chance leaves open: values of one series are alike, so whole series are drawn again. */
import { type BandTally, heldShare } from '../../src/model/neural/forecast-pool.ts';
import { seededChance } from '../../src/model/neural/seeded.ts';
import { HORIZONS, STEP_MS } from '../../src/model/neural/series-window.ts';

export interface Coverage {
  hours: number;
  series: number;
  /** Forecasts with a band; in one series most overlap. */
  forecasts: number;
  held: number;
  /** Of 1,000 drawings of as many series, the middle 95 of 100. */
  interval: [number, number];
  below: number;
  above: number;
  /** Of the series: the lowest share that held, and the middle one. */
  lowest: number;
  median: number;
}

const DRAWS = 1_000;
const HOUR_MS = 3_600_000;
/** A series with fewer is not counted: its share would be a matter of one afternoon. */
const FORECASTS_MIN = 300;

/** By series, by horizon. */
export function coverageOf(bySeries: readonly (readonly BandTally[])[]): Coverage[] {
  const chance = seededChance(1);
  return HORIZONS.map((steps, horizon) => {
    const tallies = bySeries.map((bands) => bands[horizon] as BandTally).filter(({ n }) => n >= FORECASTS_MIN);
    const sum = (of: (tally: BandTally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
    const drawn = rising(
      Array.from({ length: DRAWS }, () =>
        heldShare(tallies.map(() => tallies[Math.floor(chance() * tallies.length)] as BandTally)),
      ),
    );
    const shares = rising(tallies.map((tally) => heldShare([tally])));
    const forecasts = sum(({ n }) => n);
    return {
      hours: (steps * STEP_MS) / HOUR_MS,
      series: tallies.length,
      forecasts,
      held: heldShare(tallies),
      interval: [drawn[Math.floor(0.025 * DRAWS)] as number, drawn[Math.floor(0.975 * DRAWS)] as number],
      below: sum(({ below }) => below) / forecasts,
      above: sum(({ above }) => above) / forecasts,
      lowest: shares[0] ?? Number.NaN,
      median: shares[shares.length >> 1] ?? Number.NaN,
    };
  });
}

export function coverageText({ hours, series, forecasts, held, interval, below, above, lowest, median }: Coverage): string {
  const percent = (share: number) => (100 * share).toFixed(1);
  const [from, to] = interval.map(percent);
  return `${hours} h ahead the band of 80 % held ${percent(held)} % (${from} to ${to}) of ${forecasts} in ${series} series, ${percent(below)} below and ${percent(above)} above; of a series ${percent(lowest)} at least, ${percent(median)} in the middle`;
}

function rising(values: number[]): number[] {
  return values.sort((a, b) => a - b);
}
