/**
 * What is usual at this time of the day or hour of the week: each round of the clock leaves one mean per slot, and the forecast is the
 * median over the last rounds of the slots around. Bounded by slots times rounds, whatever the rate
 * of rows. Times are UTC: a zone only shifts the slots.
 */
export interface Season {
  periodMs: number;
  slots: number;
  rounds: number;
  /** Means of past rounds, `rounds` per slot, as a ring; how many there are and where the next goes. */
  means: Float32Array;
  counts: Uint16Array;
  next: Uint16Array;
  /** The slot that is being filled. */
  open: { id: number; sum: number; n: number };
  /** Room to sort in. */
  gathered: Float32Array;
}

/** Slots on either side whose means have a say; a median of them keeps the steps of a schedule, which a mean would smear. */
const REACH = 2;
const MEANS_MIN = 3;

export function makeSeason(periodMs: number, slots: number, rounds: number): Season {
  return {
    periodMs,
    slots,
    rounds,
    means: new Float32Array(slots * rounds),
    counts: new Uint16Array(slots),
    next: new Uint16Array(slots),
    open: { id: -1, sum: 0, n: 0 },
    gathered: new Float32Array((2 * REACH + 1) * rounds),
  };
}

/** Undefined until a few slots around the moment have been filled in an earlier round. */
export function seasonForecast(season: Season, atMs: number): number | undefined {
  const { slots, rounds, means, counts, gathered } = season;
  const middle = Math.floor((atMs / season.periodMs) * slots);
  let n = 0;
  for (let id = middle - REACH; id <= middle + REACH; id++) {
    const slot = mod(id, slots);
    for (let i = 0; i < (counts[slot] as number); i++) gathered[n++] = means[slot * rounds + i] as number;
  }
  if (n < MEANS_MIN) return undefined;
  const sorted = gathered.subarray(0, n).sort();
  return ((sorted[(n - 1) >> 1] as number) + (sorted[n >> 1] as number)) / 2;
}

export function learnSeason(season: Season, atMs: number, value: number): void {
  const id = Math.floor((atMs / season.periodMs) * season.slots);
  if (id !== season.open.id) {
    close(season);
    season.open = { id, sum: 0, n: 0 };
  }
  season.open.sum += value;
  season.open.n++;
}

function close({ slots, rounds, means, counts, next, open }: Season): void {
  if (open.n === 0) return;
  const slot = mod(open.id, slots);
  means[slot * rounds + (next[slot] as number)] = open.sum / open.n;
  next[slot] = ((next[slot] as number) + 1) % rounds;
  counts[slot] = Math.min(rounds, (counts[slot] as number) + 1);
}

function mod(id: number, slots: number): number {
  return ((id % slots) + slots) % slots;
}
