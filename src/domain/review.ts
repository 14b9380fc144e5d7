/**
 * Near-misses for review: what did not page, drawn each day so that a few answers say how much the level hides. Pages that people answer tell only
 * whether pages are right; whether what is not told matters is known only by asking about some of it, chosen without regard to how it looks.
 */
import type { Verdict, VerdictWord } from './verdict.ts';

/** One finding of one day that somebody should look at. */
export interface NearMiss {
  cluster: string;
  /** Of event time, UTC: 2026-05-04. */
  day: string;
  /** The most surprising of the day, or one of the draws from just under the level; one of each a day. */
  slot: 'highest' | `random-${number}`;
  findingId: string;
  tsMs: number;
  score: number;
  /** The level when it was judged. */
  level: number;
  /** Of its strongest reason: draws are spread over these. */
  detector: string;
  /** Findings of that day from just under the level, all detectors, without the highest: what its draws stand for together. */
  population: number;
  /** Findings of that day that this draw stands for; 1 for the highest. */
  weight: number;
}

export const REVIEW_DAYS = 90;

export interface Share {
  value: number;
  /** Bounds of a 95 % interval. */
  low: number;
  high: number;
}

export interface ReviewEstimate {
  pages: { all: number; answered: number; wrong: number };
  /** `all` are findings that the samples stand for; `wrong` is estimated from the answers. */
  notPaged: { all: number; sampled: number; answered: number; wrong?: number };
  /** Of pages, the share that was wrong indeed. Absent before any is answered. */
  precision?: Share;
  /** Of what was wrong indeed at the level or up to one decade under it, the share that paged. Absent before both were answered. */
  recall?: Share;
}

type Answer = VerdictWord | undefined;

/**
 * Precision is the plain share among answered pages. What was missed is a ratio estimate: the share of "wrong" among answered draws, each counted with
 * what it stands for, times all they stand for; so what is left unanswered is taken to be like what was answered.
 */
export function estimateReview(
  pages: readonly Answer[],
  samples: readonly { sample: NearMiss; answer: Answer }[],
): ReviewEstimate {
  const highest = samples.filter(({ sample }) => sample.slot === 'highest');
  const draws = samples.filter(({ sample }) => sample.slot !== 'highest');
  const told = shareOf(pages.map((answer) => ({ answer, weight: 1 })));
  const groups = [
    { all: highest.length, share: shareOf(highest.map(({ answer }) => ({ answer, weight: 1 }))) },
    { all: populationOf(draws), share: shareOf(draws.map(({ sample, answer }) => ({ answer, weight: sample.weight }))) },
  ].filter(({ all }) => all > 0);
  const answered = samples.filter(({ answer }) => answer !== undefined).length;
  const estimate: ReviewEstimate = {
    pages: {
      all: pages.length,
      answered: pages.filter((answer) => answer !== undefined).length,
      wrong: pages.filter((answer) => answer === 'wrong').length,
    },
    notPaged: { all: groups.reduce((sum, { all }) => sum + all, 0), sampled: samples.length, answered },
  };
  if (told !== undefined) estimate.precision = told;
  if (groups.length === 0 || groups.some(({ share }) => share === undefined)) return estimate;
  const missed = (bound: keyof Share) => groups.reduce((sum, { all, share }) => sum + all * (share?.[bound] ?? 0), 0);
  estimate.notPaged.wrong = missed('value');
  if (told === undefined) return estimate;
  const recall = (paged: number, missing: number) => (paged + missing === 0 ? undefined : paged / (paged + missing));
  const value = recall(pages.length * told.value, missed('value'));
  // The bounds are the worst of both, so the interval is rather too wide.
  const low = recall(pages.length * told.low, missed('high'));
  const high = recall(pages.length * told.high, missed('low'));
  if (value !== undefined) estimate.recall = { value, low: low ?? 0, high: high ?? 1 };
  return estimate;
}

function populationOf(draws: readonly { sample: NearMiss }[]): number {
  const days = new Map(draws.map(({ sample: { cluster, day, population } }) => [`${cluster} ${day}`, population]));
  let sum = 0;
  for (const population of days.values()) sum += population;
  return sum;
}

/** With Wilson's interval; unequal weights count as fewer answers (Kish: the square of the sum over the sum of squares). */
function shareOf(answers: readonly { answer: Answer; weight: number }[]): Share | undefined {
  let [all, wrong, squares] = [0, 0, 0];
  for (const { answer, weight } of answers) {
    if (answer === undefined) continue;
    all += weight;
    squares += weight ** 2;
    if (answer === 'wrong') wrong += weight;
  }
  if (all === 0) return undefined;
  const value = wrong / all;
  const n = all ** 2 / squares;
  const z = 1.96;
  const middle = (value + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((value * (1 - value)) / n + z ** 2 / (4 * n ** 2));
  return { value, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** The order in which the store lists them: newest day first, then cluster and slot. */
export function compareReview(
  a: Pick<NearMiss, 'day' | 'cluster'> & { slot: string },
  b: Pick<NearMiss, 'day' | 'cluster'> & { slot: string },
): number {
  const order = (x: string, y: string) => (x < y ? -1 : x > y ? 1 : 0);
  return order(b.day, a.day) || order(a.cluster, b.cluster) || order(a.slot, b.slot);
}

/** The last word that stands on each finding, whose effect may have expired. */
export function answersOf(verdicts: readonly Verdict[]): Map<string, Verdict> {
  const answers = new Map<string, Verdict>();
  for (const verdict of verdicts) if (verdict.withdrawn === undefined) answers.set(verdict.findingId, verdict);
  return answers;
}
