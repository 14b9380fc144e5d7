/** How the constants of combination and alarm are chosen: drawn from a seed, the best on the given files kept. */
import type { AlarmConstants, CombineConstants } from '../../src/model/series/combine-channels.ts';
import { SERIES } from '../../src/model/series/constants.ts';
import type { NabFile } from './nab-corpus.ts';
import { alarmsOf, scoresOf } from './nab-detect.ts';
import { nabScore, type Profile, tallyFile } from './nab-score.ts';

export interface Choice {
  combine: CombineConstants;
  alarm: AlarmConstants;
}

export interface Measured {
  file: NabFile;
  bits: Float32Array;
}

const LEVELS = Array.from({ length: 29 }, (_, i) => 2 + i / 8);

export function tallies(measured: readonly Measured[], { combine, alarm }: Choice) {
  return measured.map(({ file, bits }) =>
    tallyFile(alarmsOf(scoresOf(bits, combine), file, alarm), file.values.length, file.windows),
  );
}

/** A detector is used at several prices of a false alarm: what counts is the mean of the plain profile and the one that doubles it. */
export function worth(found: ReturnType<typeof tallies>): number {
  return (nabScore(found, 'standard') + nabScore(found, 'reward_low_FP_rate')) / 2;
}

/** The level that is worth most on the given files at a profile's prices, the other constants as they are. */
export function chooseLevel(measured: readonly Measured[], { combine, alarm }: Choice, profile: Profile): number {
  const worths = LEVELS.map((level) => nabScore(tallies(measured, { combine, alarm: { ...alarm, level } }), profile));
  return LEVELS[worths.indexOf(Math.max(...worths))] as number;
}

const KEPT = 10;

/** Each draw at every level; of the best few the mean, which fits the files at hand less closely than the very best does. */
export function choose(
  measured: readonly Measured[],
  { draws, seed, onDraw }: { draws: number; seed: number; onDraw?: (draw: number, best: number) => void },
): Choice {
  const random = generator(seed);
  let kept: { worth: number; choice: Choice }[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const { combine, alarm } = drawn(random);
    const scored = measured.map(({ file, bits }) => ({ file, scores: scoresOf(bits, combine) }));
    for (const level of LEVELS) {
      const choice = { combine, alarm: { ...alarm, level } };
      const found = scored.map(({ file, scores }) =>
        tallyFile(alarmsOf(scores, file, choice.alarm), file.values.length, file.windows),
      );
      kept.push({ worth: worth(found), choice });
    }
    kept = kept.sort((one, other) => other.worth - one.worth).slice(0, KEPT);
    onDraw?.(draw + 1, (kept[0] as { worth: number }).worth);
  }
  return meanOf(kept.map(({ choice }) => choice)) as Choice;
}

/** Four numbers only: with the families' weights drawn too, what was gained on one half was lost on the other. */
function drawn(random: () => number): Choice {
  const between = (low: number, high: number) => low + (high - low) * random();
  const { combine, alarm } = SERIES;
  return {
    combine: { ...combine, agePenalty: between(0.4, 1.2) },
    alarm: { ...alarm, level: 0, restRows: between(60, 160), habit: between(0, 1) },
  };
}

/** Number by number. */
function meanOf(same: readonly unknown[]): unknown {
  if (typeof same[0] === 'number') return (same as number[]).reduce((a, b) => a + b, 0) / same.length;
  const keys = Object.keys(same[0] as object);
  return Object.fromEntries(keys.map((key) => [key, meanOf(same.map((each) => (each as Record<string, unknown>)[key]))]));
}

/** Mulberry32: equal seeds, equal draws. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
