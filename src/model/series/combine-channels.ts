/**
 * From the channels' bits to one score and from scores to alarms. Channels of one incident need not fire on the same row, so their bits
 * fade rather than vanish; families that agree add up (on metric rows a sum found more than a maximum or a Cauchy combination); and the
 * older a series is, the more rows had their chance, so the stricter it is judged.
 */
import { DAY_MS } from '../detector.ts';
import { CHANNELS, FAMILIES, type Family } from './evidence.ts';

export interface CombineConstants {
  weights: Record<Family, number>;
  /** Share of its bits that a channel keeps to the next row. */
  fade: number;
  /** Points taken per tenfold age. */
  agePenalty: number;
}

export interface AlarmConstants {
  level: number;
  /** Rows after an alarm within which only a clear escalation is one. */
  restRows: number;
  /** Points above the last alarm, whose excess over the level halves in `restRows`, that make an escalation. */
  escalation: number;
  /** Points the level rises with each alarm of late: a series that often cries has to cry louder. */
  habit: number;
  /** Rows in which half of an alarm's rise is forgotten. */
  habitRows: number;
  /** What comes at the same hour of another day is usual: points the level rises with each earlier alarm this near to it around the clock. */
  daily: { points: number; withinMs: number };
}

/** By channel, what is left of its bits. */
export type Memory = number[];

export interface AlarmState {
  /** Rows since the last alarm, and its score. */
  since: number;
  score: number;
  /** Alarms of late, each fading. */
  often: number;
  /** When, the newest last. */
  toldMs: number[];
}

/** More of one hour raise the level no further, and more than these are not remembered. */
const DAILY_MAX = 3;
const TOLD_MAX = 32;
const AGE_FROM = 100;
const AGE_ZERO = 1000;

export function makeMemory(): Memory {
  return CHANNELS.map(() => 0);
}

export function makeAlarm(): AlarmState {
  return { since: Number.MAX_SAFE_INTEGER, score: 0, often: 0, toldMs: [] };
}

/** `rows` are those before this one. */
export function combineRow(memory: Memory, bits: ArrayLike<number>, rows: number, constants: CombineConstants): number {
  let score = -constants.agePenalty * Math.log10(Math.max(AGE_FROM, rows) / AGE_ZERO);
  for (let i = 0; i < memory.length; i++) {
    memory[i] = Math.max(bits[i] as number, constants.fade * (memory[i] as number));
    const family = CHANNELS[i] as Family;
    score += (constants.weights[family] * memory[i]!) / FAMILIES[family];
  }
  return score;
}

/** Whether this row's score is an alarm. */
export function isAlarm(alarm: AlarmState, { score, atMs }: { score: number; atMs: number }, constants: AlarmConstants): boolean {
  const { restRows, escalation, habit, habitRows, daily } = constants;
  const since = alarm.since + 1;
  alarm.since = since;
  alarm.often *= 2 ** (-1 / habitRows);
  if (score < constants.level) return false;
  const level = constants.level + habit * alarm.often + daily.points * toldAtThisHour(alarm, atMs, daily.withinMs);
  if (score < level) return false;
  const faded = level + (alarm.score - level) * 2 ** (-since / restRows);
  if (since <= restRows && score < faded + escalation) return false;
  alarm.since = 0;
  alarm.score = score;
  alarm.often += 1;
  alarm.toldMs.push(atMs);
  if (alarm.toldMs.length > TOLD_MAX) alarm.toldMs.shift();
  return true;
}

/** Alarms of other days. */
function toldAtThisHour({ toldMs }: AlarmState, atMs: number, withinMs: number): number {
  const near = toldMs.filter((thenMs) => {
    const passedMs = atMs - thenMs;
    const offMs = passedMs % DAY_MS;
    return passedMs > DAY_MS / 2 && Math.min(offMs, DAY_MS - offMs) <= withinMs;
  });
  return Math.min(DAILY_MAX, near.length);
}

/** The family whose channel says most. */
export function leadOf(memory: Memory, { weights }: CombineConstants): Family {
  let lead = 0;
  const said = memory.map((bits, i) => bits * weights[CHANNELS[i] as Family]);
  said.forEach((each, i) => {
    if (each > (said[lead] as number)) lead = i;
  });
  return CHANNELS[lead] as Family;
}
