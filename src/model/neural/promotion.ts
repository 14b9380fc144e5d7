/**
 * Whether a network has earned a say. Two things are asked, on the user's own stream: that it tells made-up combinations apart better than
 * pairs do, and that what people confirmed ranks higher with it than without. Until both hold it stays in the shadow.
 */
import { withNetwork } from './shadow.ts';
import type { TrainingFigures } from './training.ts';

export const CONFIRMED_MIN = 20;
const TOLD_GAIN = 0.05;
const VERSIONS = 3;
const PRECISION_GAIN = 0.02;

export interface Grounds {
  /** Newest last. */
  versions: readonly Pick<TrainingFigures, 'toldByNetwork' | 'toldByPairs'>[];
  notable: readonly { seq: number; bits: number; score: number }[];
  /** Changes of findings that somebody confirmed. */
  confirmed: ReadonlySet<number>;
}

export interface Standing {
  earned: boolean;
  why: string;
  confirmed: number;
  /** Average precision of the confirmed changes among the notable ones. */
  precisionWithout: number;
  precisionWith: number;
}

export function standingOf({ versions, notable, confirmed }: Grounds): Standing {
  const ranked = (scoreOf: (one: Grounds['notable'][number]) => number) =>
    averagePrecision(notable.map((one) => ({ score: scoreOf(one), good: confirmed.has(one.seq) })));
  const known = notable.filter(({ seq }) => confirmed.has(seq)).length;
  const figures = {
    confirmed: known,
    precisionWithout: ranked(({ score }) => score),
    precisionWith: ranked(({ score, bits }) => withNetwork(score, bits)),
  };
  const refuse = (why: string): Standing => ({ earned: false, why, ...figures });
  const newest = versions.slice(-VERSIONS);
  if (newest.length < VERSIONS) return refuse(`${newest.length} of ${VERSIONS} trainings that are asked for`);
  if (!newest.every(({ toldByNetwork, toldByPairs }) => toldByNetwork >= toldByPairs + TOLD_GAIN))
    return refuse('it does not tell made-up combinations apart better than pairs do');
  if (known < CONFIRMED_MIN) return refuse(`${known} of ${CONFIRMED_MIN} confirmed findings that are asked for`);
  if (figures.precisionWith < figures.precisionWithout + PRECISION_GAIN)
    return refuse('what was confirmed does not rank higher with it');
  return { earned: true, why: 'it tells more apart, and what was confirmed ranks higher with it', ...figures };
}

/** Mean over the good ones of the share of good ones down to each; of equal scores the good ones come last. */
export function averagePrecision(ranked: readonly { score: number; good: boolean }[]): number {
  const falling = [...ranked].sort((a, b) => b.score - a.score || Number(a.good) - Number(b.good));
  let good = 0;
  let sum = 0;
  falling.forEach((one, i) => {
    if (!one.good) return;
    good++;
    sum += good / (i + 1);
  });
  return good === 0 ? 0 : sum / good;
}
