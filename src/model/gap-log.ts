/**
 * The last gaps between a key's beats on three clocks, packed: there are tens of thousands of keys, and three growing arrays each would be most of
 * what the model takes in memory. Single precision: a gap of a week is kept to a few hundredths of a second.
 */

export interface GapLog {
  n: number;
  /** Rows of one value for each clock, oldest first; undefined before the first, as most keys never beat twice. */
  rows: Float32Array | undefined;
}

export const CLOCKS = { time: 0, visits: 1, kind: 2 } as const;
const COLUMNS = 3;
const FIRST_ROWS = 4;

export function makeGapLog(): GapLog {
  return { n: 0, rows: undefined };
}

/** Adds a gap; beyond `max` the oldest goes. */
export function pushGap(log: GapLog, gap: readonly [time: number, visits: number, kind: number], max: number): void {
  let rows = log.rows ?? new Float32Array(FIRST_ROWS * COLUMNS);
  if (log.n === max) {
    rows.copyWithin(0, COLUMNS);
    log.n--;
  } else if (log.n * COLUMNS === rows.length) {
    const grown = new Float32Array(Math.min(max, log.n * 2) * COLUMNS);
    grown.set(rows);
    rows = grown;
  }
  rows.set(gap, log.n * COLUMNS);
  log.rows = rows;
  log.n++;
}

/** On one clock, oldest first. */
export function gapsOn({ n, rows }: GapLog, clock: number): Float64Array {
  const gaps = new Float64Array(n);
  if (rows !== undefined) for (let i = 0; i < n; i++) gaps[i] = rows[i * COLUMNS + clock] as number;
  return gaps;
}
