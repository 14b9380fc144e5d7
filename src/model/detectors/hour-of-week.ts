/**
 * The hours of the week an actor keeps: 168 bins around the circle, each sighting spread over its neighbours and, thinner, over the
 * same hour of other days. People only: machines keep no hours. Backs off to all people of the cluster, then to the uniform week.
 */

import { DAY_MS, type Detector, type Evidence, type Explanation, type Group, HOUR_MS } from '../detector.ts';
import type { ChangeEvent } from '../features.ts';
import { touch } from '../habits/counts.ts';
import type { Echoes } from '../habits/echoes.ts';
import { makeWeekClock, type WeekClock } from '../week-clock.ts';
import { many } from '../words.ts';

const HOURS = 168;
const ACTORS_MAX = 2_000;
const HALF_LIFE_MS = 365 * DAY_MS;
const SPREAD_HOURS = 1.3;
const DAILY_SHARE = 0.25;
const EVERYONE_MIN = 60;
const OWN_MIN = 8;
const SPAN_MIN_MS = 21 * DAY_MS;
const BACKOFF = 6;
const SITTING_MS = 2 * HOUR_MS;
const SITTING_SURPRISE = 1;
/** What a change keeps of its surprise that repeats what was done elsewhere lately. */
const ECHO = 0.5;
const EVERYONE = '*';
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

interface Habit {
  n: number;
  lastMs: number;
  firstMs: number;
  bins: Float64Array;
}

export interface HourOfWeekState {
  habits: Map<string, Habit>;
}

export class HourOfWeek implements Detector<HourOfWeekState> {
  readonly name = 'hour-of-week';
  readonly #kernel = makeKernel();
  readonly #clock: WeekClock;
  readonly #timeZone: string;
  readonly #echoes: Pick<Echoes, 'repeats'> | undefined;
  #state: HourOfWeekState = { habits: new Map() };

  constructor(options: { timeZone: string; echoes?: Pick<Echoes, 'repeats'> }) {
    this.#clock = makeWeekClock(options.timeZone);
    this.#timeZone = options.timeZone;
    this.#echoes = options.echoes;
  }

  score(event: ChangeEvent): Evidence | undefined {
    const all = this.#state.habits.get(EVERYONE);
    if (event.machine || !event.timed || all === undefined || all.n < EVERYONE_MIN) return undefined;
    const hour = this.#clock(event.atMs);
    const everyone = ((all.bins[hour] as number) + 10 / HOURS) / (all.n + 10);
    const own = this.#state.habits.get(event.actor.name);
    const density = ((own?.bins[hour] ?? 0) + BACKOFF * everyone) / ((own?.n ?? 0) + BACKOFF);
    const lone = -Math.log(HOURS * density);
    // Who is at work goes on working, whatever the hour: after a change shortly before, only that anybody goes on at all can surprise.
    const goesOn = own !== undefined && event.atMs - own.lastMs <= SITTING_MS;
    const sitting = goesOn ? Math.min(lone, SITTING_SURPRISE) : lone;
    const surprise = sitting > 0 && this.#echoes?.repeats(event) ? ECHO * sitting : sitting;
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, hour, own) } : undefined;
  }

  #explain(event: ChangeEvent, hour: number, own: Habit | undefined): Explanation {
    const when = `${WEEKDAYS[Math.floor(hour / 24)]} between ${clockHour(hour)} and ${clockHour(hour + 1)}`;
    const known = own !== undefined && own.n >= 5;
    const habit = known ? own : (this.#state.habits.get(EVERYONE) as Habit);
    const who = known ? event.actor.name : 'people in this cluster';
    const hours = usualHours(habit.bins);
    const samples = Math.round(habit.n);
    return {
      sentence: `${event.actor.name} made this change on a ${when} (${this.#timeZone}); ${many(samples, 'past change')} of ${who} came mostly ${hours}.`,
      observed: when,
      usual: hours,
      samples,
      scope: known ? 'actor' : 'cluster',
      counterfactual: `the same change ${hours}`,
    };
  }

  /** Once per group. */
  learn(event: ChangeEvent, group: Group): void {
    if (event.machine || !event.timed || event !== group.events[0]) return;
    const hour = this.#clock(event.atMs);
    for (const key of [event.actor.name, EVERYONE]) {
      const habit = touch(this.#state.habits, key, ACTORS_MAX, () => ({
        n: 0,
        lastMs: event.atMs,
        firstMs: event.atMs,
        bins: new Float64Array(HOURS),
      }));
      const fade = 0.5 ** (Math.max(0, event.atMs - habit.lastMs) / HALF_LIFE_MS);
      for (let i = 0; i < HOURS; i++) {
        habit.bins[i] = (habit.bins[i] as number) * fade + (this.#kernel[(i - hour + HOURS) % HOURS] as number);
      }
      habit.n = habit.n * fade + 1;
      habit.lastMs = Math.max(habit.lastMs, event.atMs);
    }
  }

  mature(event: ChangeEvent): boolean {
    const own = this.#state.habits.get(event.actor.name);
    const all = this.#state.habits.get(EVERYONE);
    if (all === undefined || event.atMs - all.firstMs < SPAN_MIN_MS) return false;
    return own !== undefined && own.n >= OWN_MIN;
  }

  samples(): number {
    return Math.round(this.#state.habits.get(EVERYONE)?.n ?? 0);
  }

  save(): HourOfWeekState {
    return this.#state;
  }

  load(state: HourOfWeekState): void {
    this.#state = state;
  }
}

/** The weight of a sighting `i` hours away around the circle; sums to 1. */
function makeKernel(): Float64Array {
  const near = new Float64Array(HOURS);
  for (let i = 0; i < HOURS; i++) {
    const away = Math.min(i, HOURS - i);
    near[i] = Math.exp(-(away ** 2) / (2 * SPREAD_HOURS ** 2));
  }
  const sum = near.reduce((a, b) => a + b, 0);
  const kernel = new Float64Array(HOURS);
  for (let i = 0; i < HOURS; i++) {
    let daily = 0;
    for (let day = 0; day < 7; day++) daily += near[(i + 24 * day) % HOURS] as number;
    kernel[i] = ((1 - DAILY_SHARE) * (near[i] as number)) / sum + (DAILY_SHARE * daily) / (7 * sum);
  }
  return kernel;
}

function clockHour(hour: number): string {
  return `${String(hour % 24).padStart(2, '0')}:00`;
}

/** The shortest band of the day that holds four fifths of the habit, in words. */
export function usualHours(bins: Float64Array): string {
  const day = new Float64Array(24);
  let weekend = 0;
  let total = 0;
  for (let i = 0; i < HOURS; i++) {
    const mass = bins[i] as number;
    day[i % 24] = (day[i % 24] as number) + mass;
    total += mass;
    if (i >= 120) weekend += mass;
  }
  let best = { start: 0, length: 24 };
  for (let start = 0; start < 24; start++) {
    let mass = 0;
    for (let length = 1; length < best.length; length++) {
      mass += day[(start + length - 1) % 24] as number;
      if (mass >= 0.8 * total) {
        best = { start, length };
        break;
      }
    }
  }
  const days = weekend < 0.1 * total ? 'on weekdays ' : '';
  return `${days}between ${clockHour(best.start)} and ${clockHour(best.start + best.length)}`;
}
