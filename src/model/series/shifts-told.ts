/**
 * One shift of a controller is one story, whichever detector and signal tell it first: what another one says within an hour joins its
 * episode, and later it is told only if it is clearly worse. Bounded; event time only.
 */
import type { Judgement } from '../../domain/finding.ts';
import { HOUR_MS } from '../detector.ts';
import { touch } from '../habits/counts.ts';

export type ShiftsTold = Map<string, { atMs: number; score: number }>;

const CONTROLLERS_MAX = 2_000;
/** As long as an episode of the policy takes up what is about the same controller. */
const JOINS_MS = HOUR_MS;
const REST_MS = 6 * HOUR_MS;
const ESCALATION = 2;

/** False for what tells a shift that was told. */
export function isNewShift(told: ShiftsTold, { subject, score, tsMs }: Judgement): boolean {
  if (subject.type !== 'series') return true;
  const key = `${subject.ref.cluster}\u0000${subject.controller}`;
  const before = told.get(key);
  const sinceMs = before === undefined ? Number.POSITIVE_INFINITY : tsMs - before.atMs;
  const rests = sinceMs > JOINS_MS && sinceMs <= REST_MS;
  if (before !== undefined && rests && score < before.score + ESCALATION) return false;
  const entry = touch(told, key, CONTROLLERS_MAX, () => ({ atMs: tsMs, score }));
  entry.score = sinceMs <= REST_MS ? Math.max(entry.score, score) : score;
  entry.atMs = tsMs;
  return true;
}
