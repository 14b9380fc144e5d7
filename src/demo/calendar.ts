/** The demo's four weeks: event time, fixed, all UTC. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;

/** A Monday, midnight. */
export const START_MS = Date.UTC(2026, 4, 4);
export const DAYS = 28;
export const END_MS = START_MS + DAYS * DAY;
/** Nothing is planted before: three weeks of habit. */
export const LAST_WEEK_MS = START_MS + 3 * WEEK;

/** Milliseconds of a time on a day of the scenario, day 0 being the first Monday. */
export function timeOf(day: number, hour: number, minute = 0): number {
  return START_MS + day * DAY + hour * HOUR + minute * MINUTE;
}

/** 0 is Monday, 6 Sunday. */
export function weekdayOf(day: number): number {
  return day % 7;
}

export function isWorkday(day: number): boolean {
  return weekdayOf(day) < 5;
}

export function dayOf(tsMs: number): number {
  return Math.floor((tsMs - START_MS) / DAY);
}

/** Hour of the day with its fraction. */
export function hourOf(tsMs: number): number {
  return ((tsMs - START_MS) % DAY) / HOUR;
}

/** As Kubernetes writes times: whole seconds. */
export function timestamp(tsMs: number): string {
  return new Date(tsMs - (tsMs % SECOND)).toISOString().replace('.000Z', 'Z');
}
