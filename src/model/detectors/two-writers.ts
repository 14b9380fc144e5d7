/**
 * Two writers who undo each other: a field that one sets and another puts back, in turns. Each turn is a write that gives a field the value
 * it had before the last write of somebody else, within an hour of it. Putting back is usual in places (a GitOps tool after a hand edit), so
 * one turn says nothing; that turns follow on each other is told by how seldom a write is put back at all, at the second turn and again whenever
 * their number has doubled. What follows on a first turn is not learnt: a fight must not teach itself.
 */

import { fieldName } from '../../domain/field-path.ts';
import type { Json } from '../../domain/json.ts';
import { type Detector, type Evidence, type Explanation, type Group, HOUR_MS, sameInGroup } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { touch } from '../habits/counts.ts';
import { hashOf } from '../hash.ts';
import { many, quoteBoth, span } from '../words.ts';

/** Within an hour no more objects than this are written and written again. */
const OBJECTS_MAX = 4_000;
const FIELDS_PER_OBJECT_MAX = 8;
/** A change of more fields than this is a new version of the whole, and no tug at one of them. */
const BREADTH_MAX = 8;
const TURN_MS = HOUR_MS;
/** One sets, the other puts back, the first sets again. */
const TURNS_MIN = 2;
const KINDS_MAX = 2_000;
const PRIOR_WRITES = 50;
const MATURE_WRITES = 30;
const HASHED_FROM = 40;

/** The last write of one field, and how many turns in a row led to it. */
interface Rope {
  before: string;
  after: string;
  actor: string;
  atMs: number;
  turns: number;
  /** When the first of these writes came, and who wrote against whom. */
  sinceMs: number;
  other: string;
}

/** Writes of fields, and those that put back what somebody else had written. */
interface Tally {
  writes: number;
  turns: number;
}

interface State {
  /** Object → path → rope. */
  ropes: Map<string, Map<string, Rope>>;
  /** Kind → tally. */
  kinds: Map<string, Tally>;
  all: Tally;
}

export class TwoWriters implements Detector<State> {
  readonly name = 'two-writers';
  #state: State = { ropes: new Map(), kinds: new Map(), all: { writes: 0, turns: 0 } };

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type !== 'MODIFIED' || event.breadth > BREADTH_MAX) return undefined;
    const ropes = this.#state.ropes.get(event.object);
    if (ropes === undefined) return undefined;
    let longest: { field: Field; rope: Rope; turns: number } | undefined;
    for (const field of event.fields) {
      const rope = ropes.get(field.path);
      if (rope === undefined || !mayTurn(rope, event)) continue;
      if (!isTurn(rope, event, { before: markOf(field.old), after: markOf(field.next) })) continue;
      const turns = rope.turns + 1;
      if (turns >= TURNS_MIN && isPowerOfTwo(turns) && turns > (longest?.turns ?? 0)) longest = { field, rope, turns };
    }
    if (longest === undefined) return undefined;
    const { field, rope, turns } = longest;
    const surprise = -turns * Math.log(this.#share(event.kind)) - Math.log(sameInGroup(group, field));
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, field, rope, turns) } : undefined;
  }

  /** Of the writes of a kind's fields those that are turns, drawn towards all kinds'. */
  #share(kind: string): number {
    const { all, kinds } = this.#state;
    const own = kinds.get(kind) ?? { writes: 0, turns: 0 };
    const usual = (all.turns + 0.5) / (all.writes + PRIOR_WRITES);
    return Math.min(0.5, (own.turns + usual * PRIOR_WRITES) / (own.writes + PRIOR_WRITES));
  }

  #explain(event: ChangeEvent, field: Field, rope: Rope, turns: number): Explanation {
    const { kind, name } = event.ref;
    const { writes } = this.#state.kinds.get(event.kind) ?? this.#state.all;
    const took = span(Math.max(1_000, event.atMs - rope.sinceMs));
    return {
      sentence:
        `${event.actor.name} and ${rope.actor} undo each other's writes of ${fieldName(field.path)} of ${kind} ${name}: ` +
        `${turns + 1} times to and fro between ${quoteBoth(field.old, field.next).join(' and ')} within ${took}; ` +
        `of ${many(writes, 'write')} of fields of ${kind} objects before, ${this.#putBack(event.kind)} put back by somebody else within an hour.`,
      path: field.path,
      observed: field.next,
      usual: field.old,
      samples: writes,
      scope: 'kind',
      counterfactual: `One of the two should let go of ${fieldName(field.path)}.`,
    };
  }

  #putBack(kind: string): string {
    const { turns } = this.#state.kinds.get(kind) ?? this.#state.all;
    return turns === 0 ? 'none was' : turns === 1 ? 'one was' : `${turns} were`;
  }

  learn(event: ChangeEvent): void {
    if (event.type === 'DELETED') {
      this.#state.ropes.delete(event.object);
      return;
    }
    if (event.type !== 'MODIFIED' || event.breadth > BREADTH_MAX) return;
    const { all, kinds } = this.#state;
    const own = touch(kinds, event.kind, KINDS_MAX, newTally);
    const ropes = touch(this.#state.ropes, event.object, OBJECTS_MAX, newRopes);
    for (const field of event.fields) {
      const last = ropes.get(field.path);
      const value = { before: markOf(field.old), after: markOf(field.next) };
      const turn = last !== undefined && isTurn(last, event, value);
      if (!turn || last.turns === 0) {
        countWrite(own, turn);
        countWrite(all, turn);
      }
      // As `touch` does: few have so many that the newest must be told from the others.
      const rope =
        last !== undefined && ropes.size <= FIELDS_PER_OBJECT_MAX / 2
          ? last
          : touch(ropes, field.path, FIELDS_PER_OBJECT_MAX, newRope);
      rope.other = turn ? rope.actor : '';
      rope.turns = turn ? rope.turns + 1 : 0;
      if (!turn) rope.sinceMs = event.atMs;
      rope.before = value.before;
      rope.after = value.after;
      rope.actor = event.actor.name;
      rope.atMs = event.atMs;
    }
  }

  mature(): boolean {
    return this.#state.all.writes >= MATURE_WRITES;
  }

  samples(): number {
    return this.#state.all.writes;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}

function newTally(): Tally {
  return { writes: 0, turns: 0 };
}

function countWrite(tally: Tally, isTurn: boolean): void {
  tally.writes++;
  if (isTurn) tally.turns++;
}

function newRopes(): Map<string, Rope> {
  return new Map();
}

function newRope(): Rope {
  return { before: '', after: '', actor: '', atMs: 0, turns: 0, sinceMs: 0, other: '' };
}

/** Somebody else wrote last; in a run of turns only the two who began it take part. */
function mayTurn(rope: Rope, event: ChangeEvent): boolean {
  return (
    rope.actor !== event.actor.name && (rope.turns === 0 || rope.other === event.actor.name) && event.atMs - rope.atMs <= TURN_MS
  );
}

/** Puts back what the last writer had found. */
function isTurn(rope: Rope, event: ChangeEvent, value: Pick<Rope, 'before' | 'after'>): boolean {
  return mayTurn(rope, event) && rope.before === value.after && rope.after === value.before;
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}

/** A value as far as it has to be told from others: a short one as it is, and no JSON begins with `#`. */
function markOf(value: Json | undefined): string {
  if (value === undefined) return '';
  const text = JSON.stringify(value);
  return text.length <= HASHED_FROM ? text : `#${hashOf(text)}`;
}
