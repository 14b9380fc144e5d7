/** One habit each, in words: from the counts of a detector to a part of a sentence such as "changed by flux (96 %)". */

import type { Habit } from '../domain/baseline.ts';
import { fieldName } from '../domain/field-path.ts';
import { DAY_MS } from './detector.ts';
import type { Tempo } from './detectors/burst.ts';
import { usualHours } from './detectors/hour-of-week.ts';
import type { Beat } from './habits/beats.ts';
import { CLOCKS } from './habits/gap-log.ts';
import { timesCame } from './habits/latest-moves.ts';
import type { Target } from './habits/visitors.ts';
import { howOften, many, percent, span } from './words.ts';

const SEEN_MAX = 8;
const NAMED_MAX = 3;
/** From here on a share is a habit worth naming. */
const SHARE_MIN = 0.05;
const COMPANY_SHARE = 0.5;
const SAMPLES_MATURE = 20;

export function actorHabit(target: Target | undefined): Habit | undefined {
  if (target === undefined || target.n === 0) return undefined;
  return shares('actors', target.by, target.n, (named) => `changed by ${named} on ${many(target.n, 'occasion')}`);
}

export function kindsHabit(kinds: ReadonlyMap<string, number>, visits: number): Habit | undefined {
  if (kinds.size === 0) return undefined;
  return shares('kinds', kinds, visits, (named) => `changes ${named} on ${many(visits, 'occasion')}`);
}

export function fieldHabit(moved: ReadonlyMap<string, number>, edits: number, whose: string): Habit | undefined {
  if (edits === 0) return undefined;
  const named = new Map([...moved].map(([path, count]) => [fieldName(path), count]));
  if (named.size === 0) {
    return { about: 'fields', sentence: `no field replaced in ${many(edits, 'edit')}${whose}`, samples: edits, mature: false };
  }
  return shares('fields', named, edits, (list) => `mostly ${list} in ${many(edits, 'edit')}${whose}`);
}

export function hourHabit(bins: Float64Array, samples: number, noun: string): Habit | undefined {
  if (samples < 5) return undefined;
  const sentence = `${usualHours(bins)} (${many(samples, noun)})`;
  return { about: 'hours', sentence, samples, mature: samples >= SAMPLES_MATURE };
}

export function paceHabit(tempo: Tempo | undefined, nowMs: number): Habit | undefined {
  if (tempo === undefined || tempo.n < 2 || nowMs - tempo.bornMs < DAY_MS) return undefined;
  const perDay = (tempo.n * DAY_MS) / (nowMs - tempo.bornMs);
  return { about: 'pace', sentence: `about ${howOften(perDay)}`, samples: tempo.n, mature: tempo.n >= SAMPLES_MATURE };
}

/** Only what is missed when it does not come: a steady beat. */
export function beatHabit(beat: Pick<Beat, 'gaps' | 'beats'> | undefined, whose = ''): Habit | undefined {
  if (beat === undefined || beat.gaps.count() < 9) return undefined;
  const rising = beat.gaps.on(CLOCKS.time).sort();
  const median = rising[rising.length >> 1] as number;
  const longest = rising.at(-1) as number;
  const sentence = `${whose}each ${span(median)} as a rule and ${span(longest)} apart at most lately`;
  return { about: 'beat', sentence, samples: beat.beats, mature: beat.beats >= SAMPLES_MATURE };
}

/** From the moves of each that it changed with (`latest-moves.ts`). */
export function companyHabit(
  moves: ReadonlyMap<string, number> | undefined,
  visits: number,
  nameOf: (object: string) => string,
): Habit | undefined {
  const together = [...(moves ?? [])].map(([object, ofMate]): [string, number] => [object, timesCame(ofMate)]);
  const mates = together.filter(([, count]) => count >= COMPANY_SHARE * visits && count > 1);
  if (mates.length === 0) return undefined;
  const named = new Map(mates.map(([object, count]) => [nameOf(object), count]));
  return shares('company', named, visits, (list) => `together with ${list} on ${many(visits, 'occasion')}`);
}

function shares(
  about: Habit['about'],
  counts: ReadonlyMap<string, number>,
  samples: number,
  sentence: (named: string) => string,
): Habit {
  const seen = [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const named = seen
    .filter(({ count }, i) => i === 0 || count >= SHARE_MIN * samples)
    .slice(0, NAMED_MAX)
    .map(({ name, count }) => `${name} (${percent(count / Math.max(count, samples))})`);
  const last = named.pop() ?? '';
  const list = named.length === 0 ? last : `${named.join(', ')} and ${last}`;
  return { about, sentence: sentence(list), samples, mature: samples >= SAMPLES_MATURE, seen: seen.slice(0, SEEN_MAX) };
}
