/** Hour of the week (0 = Monday 00:00) of an instant in a time zone, daylight saving included. */
const HOUR_MS = 3_600_000;
/** Newfoundland's clocks are set in the middle of an hour of UTC. */
const OFFSET_LASTS_MS = HOUR_MS / 2;
const CACHE_MAX = 4_096;
// 1970-01-01 was a Thursday, the first Monday four days later.
const FIRST_MONDAY_HOURS = 96;

export type WeekClock = (atMs: number) => number;

/** Throws RangeError for a zone the runtime does not know. */
export function makeWeekClock(timeZone: string): WeekClock {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
  });
  const utc = timeZone === 'UTC';
  // Formatting costs microseconds, so it happens once in half an hour of event time.
  const offsets = new Map<number, number>();
  return (atMs) => {
    if (utc) return weekHour(Math.floor(atMs / HOUR_MS));
    const stretch = Math.floor(atMs / OFFSET_LASTS_MS);
    let offset = offsets.get(stretch);
    if (offset === undefined) {
      if (offsets.size >= CACHE_MAX) offsets.clear();
      offset = offsetMs(format, stretch * OFFSET_LASTS_MS);
      offsets.set(stretch, offset);
    }
    return weekHour(Math.floor((atMs + offset) / HOUR_MS));
  };
}

function weekHour(hours: number): number {
  return (((hours - FIRST_MONDAY_HOURS) % 168) + 168) % 168;
}

function offsetMs(format: Intl.DateTimeFormat, atMs: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(atMs)) part[type] = Number(value);
  return (
    Date.UTC(part.year ?? 1970, (part.month ?? 1) - 1, part.day, part.hour, part.minute) - Math.floor(atMs / 60_000) * 60_000
  );
}
