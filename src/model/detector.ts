/**
 * A detector has two verbs. `score` compares an event with the past and must not change anything; `learn` makes it part of the
 * past. The ensemble always scores first, turns raw surprises into tail probabilities and decides what is learnt when.
 */
import type { Change } from '../domain/change.ts';
import type { Json } from '../domain/json.ts';
import type { ChangeEvent, Field } from './features.ts';
import type { Lost } from './lost-things.ts';
import type { Top } from './tails/top.ts';

/** A detector's opinion of one event. */
export interface Evidence {
  /** Raw surprise in nats or any rising scale; only its rank against the detector's own past counts. Positive. */
  surprise: number;
  /** Builds the words; called for what is strong enough to be shown, before anything is learnt. */
  explain(): Explanation;
}

export interface Explanation {
  sentence: string;
  path?: string;
  observed?: Json;
  usual?: Json;
  samples?: number;
  scope?: string;
  counterfactual?: string;
}

/** What an actor did at one moment so far, the event being judged included. */
export interface Group {
  actor: string;
  firstMs: number;
  lastMs: number;
  /** By how much time had passed by those of its events that came late, at most; absent where none did. */
  lateMs?: number | undefined;
  events: ChangeEvent[];
  /** Events of this group per kind, generic path and operation. */
  same: Pick<ReadonlyMap<string, number>, 'get' | 'size'>;
  /** Distinct objects. */
  objects: Pick<ReadonlySet<string>, 'has' | 'size'>;
  /** Deletions minus creations. */
  lost: number;
  /** What the deletions took, once there are any, and how many things that is: see lost-things.ts. */
  gone?: Lost | undefined;
  things: number;
  /** Raw surprises that stood out, once there are any, per detector, for the discount of what is odd together. */
  surprises?: Map<string, number[]> | undefined;
  /** Largest raw surprise per pool, learnt by the calibration when the group closes. */
  tops: Top[];
}

/** Where time stood when it was seen last: what is waited for from then on has not been due before it could come. */
export function seenMs({ lastMs, lateMs = 0 }: Pick<Group, 'lastMs' | 'lateMs'>): number {
  return lastMs + lateMs;
}

export interface Detector<State = unknown> {
  readonly name: string;
  /** Undefined where the detector has nothing to say about this sort of event. `change` is what it was made of, for what it leaves out; not to be kept. */
  score(event: ChangeEvent, group: Group, change: Pick<Change, 'state'>): Evidence | undefined;
  /** Only for detectors that learn by themselves and not from habits that are shared. */
  learn?(event: ChangeEvent, group: Group): void;
  /** The object of this row is gone for good and another gets the row; only for detectors that keep anything by row. */
  forget?(row: number): void;
  /** Whether enough was learnt in the event's scope for this opinion to wake anybody. */
  mature(event: ChangeEvent): boolean;
  /** How many past cases it rests on, for "still learning". */
  samples(): number;
  /** Plain data (objects, arrays, Maps, Sets, typed arrays); shared with the detector, not a copy. */
  save(): State;
  load(state: State): void;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** How many changes of this group moved the same field of the same kind so far. */
export function sameInGroup(group: Group, field: Pick<Field, 'done'>): number {
  return group.same.get(field.done) ?? 1;
}

/** -ln of once in ten: whose surprise is the exponent of a probability says nothing short of it, however seldom it has more to say. */
export const COMMONPLACE = Math.log(10);

/** -ln of the odds of a Poisson count at least this far above its mean, to first order (large deviations). */
export function crowding(count: number, mean: number): number {
  return count > mean ? count * Math.log(count / mean) - count + mean : 0;
}
