/**
 * Forecasters of a series some hours ahead, of which the one that erred least lately speaks, with the band that the errors of those chosen leave. A network
 * is one more of them: where it is no better it is not heard.
 */
import { type Band, type BandErrors, bandOf, learnError, makeBandErrors } from './conformal-band.ts';
import { clipped, type EvenSeries, HORIZONS, LAGS, windowAt } from './series-window.ts';

export const FORMS = ['last value', 'short mean', 'long mean', 'straight line', 'damped line', 'a day ago'] as const;
export type Expert = (typeof FORMS)[number] | 'network';

const DAY_STEPS = 288;
const SHORT_STEPS = 6;
const DISCOUNT = 0.01;
const ERRORS_MIN = 30;
const DAMPING = 0.5;

/** Of the closed forms, in units of the series, by horizon; undefined where one has nothing to say. */
export function formsAt(series: EvenSeries, at: number): (readonly number[] | undefined)[] {
  const { values } = series;
  const last = values[at] as number;
  const slope = slopeAt(values, at);
  const dayAgo = HORIZONS.map(
    (steps) => last + (values[at + steps - DAY_STEPS] ?? Number.NaN) - (values[at - DAY_STEPS] ?? Number.NaN),
  );
  return [
    HORIZONS.map(() => last),
    HORIZONS.map(() => meanAt(values, at, SHORT_STEPS)),
    HORIZONS.map(() => meanAt(values, at, LAGS)),
    HORIZONS.map((steps) => last + slope * steps),
    HORIZONS.map((steps) => last + DAMPING * slope * steps),
    dayAgo.every(Number.isFinite) ? dayAgo : undefined,
  ];
}

/** Of the last `steps`; the value at `at` is known. */
function meanAt(values: Float64Array, at: number, steps: number): number {
  let [sum, n] = [0, 0];
  for (let i = 0; i < steps; i++) {
    const value = values[at - i] as number;
    if (!Number.isFinite(value)) continue;
    sum += value;
    n++;
  }
  return sum / n;
}

/** By least squares over the window, per step. */
function slopeAt(values: Float64Array, at: number): number {
  let [n, x, y, xx, xy] = [0, 0, 0, 0, 0];
  for (let i = 0; i <= LAGS; i++) {
    const value = values[at - i] as number;
    if (!Number.isFinite(value)) continue;
    n++;
    x -= i;
    y += value;
    xx += i * i;
    xy -= i * value;
  }
  const spread = n * xx - x * x;
  return spread > 0 ? (n * xy - x * y) / spread : 0;
}

export interface Forecast {
  expert: Expert;
  /** By horizon, in units of the series. */
  median: number[];
  low: number[];
  high: number[];
}

/** A forecast until its time has come; all in units of its window. */
interface Waiting {
  last: number;
  scale: number;
  due: number;
  horizon: number;
  said: (number | undefined)[];
  /** Of the one chosen, in units of the series. */
  median: number;
  chosen: number;
  /** Around the chosen forecast. */
  band: Band | undefined;
}

/** What a series' forecasts came to, for figures. Errors are absolute, in units of how much the series moves. */
export interface Tally {
  n: number;
  /** Of each expert that spoke, and of the one chosen. */
  errors: Map<Expert | 'chosen', { sum: number; n: number }>;
  /** By horizon, what came of the bands. */
  bands: BandTally[];
}

export interface BandTally {
  n: number;
  /** Values below the band and above it. */
  below: number;
  above: number;
  /** Sum of widths, and of those and ten times what lay outside: Winkler's score of a band of 80 %, the lower the better. In units of the series. */
  width: number;
  score: number;
}

const OUTSIDE_PRICE = 2 / 0.2;

export class ForecastPool {
  readonly #experts: readonly Expert[];
  /** Discounted error by expert and horizon. */
  readonly #recent: Float64Array;
  readonly #seen: Float64Array;
  /** By horizon, of whoever was chosen. */
  readonly #errors: BandErrors[];
  #waiting: Waiting[] = [];
  readonly tally: Tally = { n: 0, errors: new Map(), bands: HORIZONS.map(emptyBandTally) };

  constructor(withNetwork: boolean) {
    this.#experts = withNetwork ? [...FORMS, 'network'] : FORMS;
    const cells = this.#experts.length * HORIZONS.length;
    this.#recent = new Float64Array(cells);
    this.#seen = new Float64Array(cells);
    this.#errors = HORIZONS.map(() => makeBandErrors());
  }

  /** Says what is expected from step `at` on; later steps tell how it was. `network`: its medians in units of the series. */
  step(series: EvenSeries, at: number, network?: readonly number[]): Forecast | undefined {
    this.#settle(series, at);
    const window = windowAt(series, at);
    if (window === undefined) return undefined;
    const said = [...formsAt(series, at), ...(this.#experts.length > FORMS.length ? [network] : [])];
    const out: Forecast = { expert: 'last value', median: [], low: [], high: [] };
    HORIZONS.forEach((steps, horizon) => {
      const chosen = this.#chosen(said, horizon);
      const values = said.map((one) => one?.[horizon]);
      const median = values[chosen] as number;
      const band = bandOf(this.#errors[horizon] as BandErrors, steps);
      const { last, scale } = window;
      const inUnits = values.map((one) => (one === undefined ? undefined : clipped((one - last) / scale)));
      this.#waiting.push({ last, scale, due: at + steps, horizon, said: inUnits, median, chosen, band });
      out.expert = this.#experts[chosen] as Expert;
      out.median.push(median);
      out.low.push(band === undefined ? Number.NaN : median + scale * band.low);
      out.high.push(band === undefined ? Number.NaN : median + scale * band.high);
    });
    return out;
  }

  #cell(expert: number, horizon: number): number {
    return expert * HORIZONS.length + horizon;
  }

  #chosen(said: readonly (readonly number[] | undefined)[], horizon: number): number {
    let best = 0;
    for (let i = 1; i < said.length; i++) {
      if (said[i] === undefined) continue;
      const [mine, its] = [this.#cell(best, horizon), this.#cell(i, horizon)];
      if ((this.#seen[its] as number) >= ERRORS_MIN && (this.#recent[its] as number) < (this.#recent[mine] as number)) best = i;
    }
    return best;
  }

  #settle(series: EvenSeries, at: number): void {
    const due = this.#waiting.filter((one) => one.due <= at);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => one.due > at);
    for (const one of due) this.#learn(one, series.values[one.due] as number);
  }

  #learn(one: Waiting, value: number): void {
    if (!Number.isFinite(value)) return;
    const actual = clipped((value - one.last) / one.scale);
    const count = (name: Expert | 'chosen', error: number) => {
      const sum = this.tally.errors.get(name) ?? { sum: 0, n: 0 };
      this.tally.errors.set(name, { sum: sum.sum + error, n: sum.n + 1 });
    };
    this.tally.n++;
    one.said.forEach((said, expert) => {
      if (said === undefined) return;
      const cell = this.#cell(expert, one.horizon);
      const error = Math.abs(actual - said);
      count(this.#experts[expert] as Expert, error);
      if (expert === one.chosen) count('chosen', error);
      const seen = this.#seen[cell] as number;
      this.#recent[cell] =
        (this.#recent[cell] as number) + Math.max(DISCOUNT, 1 / (seen + 1)) * (error - (this.#recent[cell] as number));
      this.#seen[cell] = seen + 1;
    });
    // As the band holds errors, else one that comes again would be beyond itself by a rounding.
    const error = Math.fround((value - one.median) / one.scale);
    learnError(this.#errors[one.horizon] as BandErrors, error);
    if (one.band !== undefined) addToTally(this.tally.bands[one.horizon] as BandTally, { error, scale: one.scale }, one.band);
  }
}

/** Of several horizons or series together; NaN of none. */
export function heldShare(bands: readonly BandTally[]): number {
  const sum = (of: (tally: BandTally) => number) => bands.reduce((total, tally) => total + of(tally), 0);
  return 1 - sum(({ below, above }) => below + above) / sum(({ n }) => n);
}

export function emptyBandTally(): BandTally {
  return { n: 0, below: 0, above: 0, width: 0, score: 0 };
}

function addToTally(tally: BandTally, { error, scale }: { error: number; scale: number }, { low, high }: Band): void {
  const outside = Math.max(0, low - error, error - high);
  tally.n++;
  if (error < low) tally.below++;
  if (error > high) tally.above++;
  tally.width += scale * (high - low);
  tally.score += scale * (high - low + OUTSIDE_PRICE * outside);
}
