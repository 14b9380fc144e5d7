/** What a tie between a controller and a kind rests on, and what it is worth. Pure. */
export type TieEvidence = 'declared' | 'series' | 'name' | 'writer' | 'time';

export interface ControllerTie {
  group: string;
  kind: string;
  source: 'declared' | 'learnt';
  /** 0 to 1. */
  confidence: number;
  evidence: { type: TieEvidence; confidence: number; words: string }[];
}

/** Fewer intervals together prove nothing. */
const TOGETHER_MIN = 5;
const STRENGTH_MIN = 5;
const STRENGTH_SURE = 10;
const TIME_MAX = 0.7;

/** Counts of intervals between the scrapes of one controller. */
export interface Intervals {
  intervals: number;
  /** How many of them were busier than usual. */
  busy: number;
  /** By `group/Kind`: intervals in which the kind changed, and in how many of those it was busy. */
  together: Record<string, { changed: number; both: number }>;
}

/**
 * Kinds that change when it is busy, far more often than by chance: the statistic is the phi coefficient of the four counts times the root of the
 * intervals, which chance seldom brings above 3. Kinds that change together share what it proves.
 */
export function timeEvidence({
  intervals,
  busy,
  together: counts,
}: Intervals): { key: string; confidence: number; words: string }[] {
  const telling = Object.entries(counts).flatMap(([key, { changed, both }]) => {
    const spread = Math.sqrt(busy * (intervals - busy) * changed * (intervals - changed));
    const strength =
      both < TOGETHER_MIN || spread === 0 ? 0 : ((both * intervals - busy * changed) / spread) * Math.sqrt(intervals);
    const words = `busy in ${both} of the ${changed} intervals in which it changed, in ${busy} of all ${intervals}`;
    return strength < STRENGTH_MIN ? [] : [{ key, strength, words }];
  });
  const all = telling.reduce((total, { strength }) => total + strength, 0);
  return telling.map(({ key, strength, words }) => {
    return { key, words, confidence: TIME_MAX * Math.min(1, strength / STRENGTH_SURE) * (strength / all) };
  });
}

/** All of it together: each piece takes its share of the doubt that the others leave. */
export function combined(evidence: ControllerTie['evidence']): number {
  return round(1 - evidence.reduce((doubt, { confidence }) => doubt * (1 - confidence), 1));
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
