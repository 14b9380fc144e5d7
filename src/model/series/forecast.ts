/**
 * Several simple forecasters of the next row; the one that erred least lately speaks. Each is hopeless on some series and hard to beat
 * on others, and the choice among them costs one number each.
 */
import { learnSeason, makeSeason, type Season, seasonForecast } from './season.ts';

export const EXPERTS = ['last value', 'short mean', 'long mean', 'time of day', 'hour of week'] as const;
export type Expert = (typeof EXPERTS)[number];

export interface Forecaster {
  last: number;
  short: number;
  long: number;
  day: Season;
  week: Season;
  /** Discounted mean absolute error, in the order of EXPERTS. */
  errors: number[];
  rows: number;
}

const SHORT = 0.1;
const LONG = 0.01;
const ERROR_DISCOUNT = 0.005;
const DAY_MS = 86_400_000;

/** Slots of a day and of a week, and how many past rounds each remembers. */
export interface Seasons {
  day: { slots: number; rounds: number };
  week: { slots: number; rounds: number };
}

export function makeForecaster(seasons: Seasons): Forecaster {
  const day = makeSeason(DAY_MS, seasons.day.slots, seasons.day.rounds);
  const week = makeSeason(7 * DAY_MS, seasons.week.slots, seasons.week.rounds);
  return { last: 0, short: 0, long: 0, day, week, errors: EXPERTS.map(() => 0), rows: 0 };
}

/** What was expected of this row, by whom; then the row is learnt. Undefined of the first row. */
export function forecastAndLearn(
  state: Forecaster,
  atMs: number,
  value: number,
): { expected: number; expert: Expert } | undefined {
  const { errors } = state;
  const first = state.rows === 0;
  const said = first
    ? []
    : [state.last, state.short, state.long, seasonForecast(state.day, atMs), seasonForecast(state.week, atMs)];
  let best = -1;
  for (let i = 0; i < said.length; i++)
    if (said[i] !== undefined && (best < 0 || (errors[i] as number) < (errors[best] as number))) best = i;
  const expected = said[best];
  // Who says nothing is charged what the chosen one erred, so that a young season is neither ahead nor behind.
  for (let i = 0; i < said.length; i++) {
    const error = Math.abs(value - (said[i] ?? (expected as number)));
    errors[i] = (errors[i] as number) + ERROR_DISCOUNT * (error - (errors[i] as number));
  }
  state.last = value;
  state.short = first ? value : state.short + SHORT * (value - state.short);
  state.long = first ? value : state.long + LONG * (value - state.long);
  learnSeason(state.day, atMs, value);
  learnSeason(state.week, atMs, value);
  state.rows++;
  return expected === undefined ? undefined : { expected, expert: EXPERTS[best] as Expert };
}
