/**
 * The score of the Numenta Anomaly Benchmark, from its definition (Lavin and Ahmad 2015, arXiv:1510.03336). Of an anomaly window only the
 * earliest detection counts, the more the earlier; a detection outside costs, the more the further behind the last window it lies; a missed
 * window costs. 0 is saying nothing, 100 is naming every window at its first row and nothing else.
 */
export const PROFILES = {
  standard: { hit: 1, falseAlarm: 0.11, miss: 1 },
  reward_low_FP_rate: { hit: 1, falseAlarm: 0.22, miss: 1 },
  reward_low_FN_rate: { hit: 1, falseAlarm: 0.11, miss: 2 },
} as const;
export type Profile = keyof typeof PROFILES;

/** First and last row of each anomaly window, in order. */
export type Windows = readonly (readonly [number, number])[];

/** What the detections of one file come to, before a profile's prices. */
export interface Tally {
  windows: number;
  hit: number;
  hitWorth: number;
  falseAlarms: number;
  /** At or below zero. */
  falseWorth: number;
}

const PROBATION_SHARE = 0.15;
const PROBATION_ROWS_MAX = 5_000;

/** The rows at the head of a file that are not scored. */
export function probationRows(rows: number): number {
  return Math.floor(PROBATION_SHARE * Math.min(rows, PROBATION_ROWS_MAX));
}

/** `detections` are row numbers, rising. */
export function tallyFile(detections: readonly number[], rows: number, windows: Windows): Tally {
  const from = probationRows(rows);
  const tally: Tally = { windows: windows.length, hit: 0, hitWorth: 0, falseAlarms: 0, falseWorth: 0 };
  let seen = -1;
  for (const row of detections) {
    if (row < from) continue;
    const at = windows.findLastIndex(([first]) => first <= row);
    const window = windows[at];
    if (window === undefined) {
      tally.falseAlarms++;
      tally.falseWorth -= 1;
      continue;
    }
    const [first, last] = window;
    if (row > last) {
      tally.falseAlarms++;
      tally.falseWorth += sigmoid((row - last) / Math.max(1, last - first));
    } else if (seen !== at) {
      seen = at;
      tally.hit++;
      tally.hitWorth += sigmoid(-(last - row + 1) / (last - first + 1)) / sigmoid(-1);
    }
  }
  return tally;
}

/** Of several files together. */
export function nabScore(tallies: readonly Tally[], profile: Profile): number {
  const { hit, falseAlarm, miss } = PROFILES[profile];
  let raw = 0;
  let windows = 0;
  for (const tally of tallies) {
    raw += hit * tally.hitWorth + falseAlarm * tally.falseWorth - miss * (tally.windows - tally.hit);
    windows += tally.windows;
  }
  return windows === 0 ? 0 : (100 * (raw + miss * windows)) / ((hit + miss) * windows);
}

/** From 1 far ahead of a window's end to -1 far behind it. */
function sigmoid(y: number): number {
  return y > 3 ? -1 : 2 / (1 + Math.exp(5 * y)) - 1;
}
