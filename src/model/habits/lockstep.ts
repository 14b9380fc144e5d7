/**
 * Fields that two objects of a kind move together: the image of two halves of one application, the version of an operator and of what it runs. Whole objects
 * may be changed apart most of the time and such a field never. Kept of fields that ever moved in company, by object.
 */
import type { Json } from '../../domain/json.ts';
import { type ChangeEvent, TEXT_MAX } from '../features.ts';
import { hashOf } from '../hash.ts';
import { touch } from './counts.ts';
import { countCame, LATEST, missedLately, noteChance, timesCame } from './latest-moves.ts';

const OBJECTS_MAX = 10_000;
const FIELDS_MAX = 16;
const MATES_MAX = 6;
/** Of more objects that move the same field in one visit, each is one of a crowd and nobody's mate. */
export const CROWD_MAX = 8;
/** Who moves more fields at once was made over. */
const BREADTH_MAX = 16;
/** In visits with more objects than this nobody learns what they hold. */
const HOLDERS_MAX = 24;
const NOBODY: ReadonlySet<string> = new Set();

/** A field of an object, by generic path. Plain data. */
export interface LockstepField {
  /** Visits that moved it, those in a crowd aside, since it first moved in company. */
  moves: number;
  /** When the last visit that set it ended: the same for all that moved together, however they came in it. */
  lastMs: number;
  /** The hash of what it was set to last. */
  value: number;
  /** By object, with which it moved how often, and how often of late: see latest-moves.ts. */
  mates: Map<string, number>;
}

export interface Standing {
  standing: 'left' | 'ahead' | 'apart';
  /** The generic path of the field of which it holds. */
  path: string;
}

/** The edit of an object that moved a field, the end of its visit, and all that moved that field in it. */
interface Move {
  event: ChangeEvent;
  endMs: number;
  here: ReadonlySet<string>;
}

export type LockstepState = Map<string, Map<string, LockstepField>>;

export class Lockstep {
  #fields: LockstepState = new Map();

  /** Of an object, by generic path; undefined where none ever moved in company. */
  of(object: string): ReadonlyMap<string, LockstepField> | undefined {
    return this.#fields.get(object);
  }

  /**
   * What another object of the kind has in the fields that an edit moves, of these in `only` where that is given: `left` with what was replaced, `ahead` where
   * it has what came already, `apart` where it has something else; the first of these that holds of any field. Undefined where that is not known.
   */
  standing({ object, fields, breadth }: ChangeEvent, mate: string, only?: string): Standing | undefined {
    const isKin = mate.startsWith(object.slice(0, object.indexOf('\u0000') + 1));
    const known = isKin && breadth <= BREADTH_MAX ? this.#fields.get(mate) : undefined;
    let found: Standing | undefined;
    if (known === undefined) return found;
    for (const { op, generic, old, next } of fields) {
      const field = op === 'set' && (only === undefined || generic === only) ? known.get(generic) : undefined;
      // Of a long text only the beginning is kept, which says nothing of its end.
      if (field === undefined || (typeof old === 'string' && old.length >= TEXT_MAX)) continue;
      if (field.value === hashOfValue(old)) return { standing: 'left', path: generic };
      if (field.value === hashOfValue(next)) found = { standing: 'ahead', path: generic };
      else found ??= { standing: 'apart', path: generic };
    }
    return found;
  }

  /** A visit, by its modifications in the order in which they came; those that only say how things stand (see `timed`) are no moves. */
  learn(events: readonly ChangeEvent[]): void {
    const endMs = events.reduce((lastMs, { atMs }) => Math.max(lastMs, atMs), 0);
    const edits = events.every(({ timed }) => timed) ? events : events.filter(({ timed }) => timed);
    if (edits.length === 1) {
      const [event] = edits as [ChangeEvent];
      const known = this.#fields.get(event.object);
      if (known !== undefined) for (const path of movedIn(event)) this.#moved(known, path, { event, endMs, here: NOBODY });
    } else this.#learnTogether(edits, endMs);
    const isMoved = events.every(({ timed, breadth }) => timed && breadth <= BREADTH_MAX);
    for (const event of events) {
      // All of them, so that the last one stands.
      if (!isMoved) this.#noteValues(event, endMs);
      this.#dropRemoved(event);
    }
  }

  /** What it has now and since when, which is no move by itself. */
  #noteValues(event: ChangeEvent, endMs: number): void {
    const known = this.#fields.get(event.object);
    if (known === undefined) return;
    for (const { op, generic, next } of event.fields) {
      const field = op === 'set' ? known.get(generic) : undefined;
      if (field === undefined) continue;
      field.value = hashOfValue(next);
      field.lastMs = endMs;
    }
  }

  #learnTogether(edits: readonly ChangeEvent[], endMs: number): void {
    const movers = moversIn(edits);
    const done = new Map<string, Set<string>>();
    // The last edit of each object says what it has now.
    for (const event of edits.toReversed()) {
      for (const path of movedIn(event)) {
        const objects = memberOf(done, path, newSet);
        if (objects.has(event.object)) continue;
        objects.add(event.object);
        this.#movedAmong(path, { event, endMs, here: moversOf(movers, event, path) });
      }
    }
  }

  #movedAmong(path: string, move: Move): void {
    const { event, endMs, here } = move;
    const known = this.#fields.get(event.object);
    if (here.size > CROWD_MAX) {
      const field = known?.get(path) ?? (here.size > HOLDERS_MAX ? undefined : this.#begin(event, path));
      if (field === undefined) return;
      field.lastMs = endMs;
      field.value = valueSet(event, path);
    } else if (known !== undefined || here.size > 1) this.#moved(known ?? this.#known(event), path, move);
  }

  #known({ object }: ChangeEvent): Map<string, LockstepField> {
    return touch(this.#fields, object, OBJECTS_MAX, () => new Map());
  }

  #begin(event: ChangeEvent, path: string): LockstepField | undefined {
    const known = this.#known(event);
    if (known.size >= FIELDS_MAX && !dropPassing(known)) return undefined;
    const field = { moves: 0, lastMs: event.atMs, value: 0, mates: new Map() };
    known.set(path, field);
    return field;
  }

  #moved(known: Map<string, LockstepField>, path: string, { event, endMs, here }: Move): void {
    let field = known.get(path);
    if (field === undefined) {
      field = here.size < 2 ? undefined : this.#begin(event, path);
      if (field === undefined) return;
    }
    field.lastMs = endMs;
    field.value = valueSet(event, path);
    // Known of a crowd so far.
    if (here.size < 2 && field.moves === 0) return;
    field.moves++;
    const { mates } = field;
    for (const [mate, moves] of mates) {
      const came = here.has(mate);
      mates.set(mate, noteChance(came ? countCame(moves) : moves, came));
    }
    for (const mate of here) if (mate !== event.object && !mates.has(mate)) addMate(mates, mate);
  }

  /** What is no longer there is moved with nothing. */
  #dropRemoved(event: ChangeEvent): void {
    const known = this.#fields.get(event.object);
    if (known === undefined) return;
    for (const { op, generic } of event.fields) if (op === 'remove') known.delete(generic);
  }

  forget(object: string): void {
    this.#fields.delete(object);
  }

  save(): LockstepState {
    return this.#fields;
  }

  load(state: LockstepState): void {
    this.#fields = state;
  }
}

/** Which objects moved a field, by kind and path: a text put together of both would have to be hashed and compared in full by each look-up. */
export type Movers = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

export function moversIn(edits: readonly ChangeEvent[]): Movers {
  const movers = new Map<string, Map<string, Set<string>>>();
  for (const event of edits) {
    const ofKind = memberOf(movers, event.kind, newMap);
    for (const path of movedIn(event)) memberOf(ofKind, path, newSet).add(event.object);
  }
  return movers;
}

/** Those that moved a field which this change moved too, itself among them. */
export function moversOf(movers: Movers, { kind }: Pick<ChangeEvent, 'kind'>, path: string): ReadonlySet<string> {
  return movers.get(kind)?.get(path) ?? NOBODY;
}

const newSet = (): Set<string> => new Set();
const newMap = (): Map<string, Set<string>> => new Map();

function memberOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** The generic paths that an edit set to something else, each once. */
export function movedIn({ fields, breadth }: ChangeEvent): readonly string[] {
  if (breadth > BREADTH_MAX) return [];
  const moved: string[] = [];
  for (const { op, generic } of fields) if (op === 'set' && !moved.includes(generic)) moved.push(generic);
  return moved;
}

function valueSet({ fields }: ChangeEvent, path: string): number {
  return hashOfValue(fields.findLast(({ op, generic }) => op === 'set' && generic === path)?.next);
}

function hashOfValue(value: Json | undefined): number {
  return hashOf(typeof value === 'string' ? value : JSON.stringify(value ?? null));
}

/** The field that moved longest ago, if nobody came along with it more than once. */
function dropPassing(known: Map<string, LockstepField>): boolean {
  const passing = [...known].filter(([, { mates }]) => [...mates.values()].every((moves) => timesCame(moves) <= 1));
  const oldest = passing.sort(([, a], [, b]) => a.lastMs - b.lastMs)[0];
  return oldest !== undefined && known.delete(oldest[0]);
}

/** Of as many as are kept, who came along once and no more, or did not come the last four times, gives way. */
function addMate(mates: Map<string, number>, mate: string): void {
  if (mates.size >= MATES_MAX) {
    const [passing] = [...mates].find(([, moves]) => timesCame(moves) <= 1 || missedLately(moves) === LATEST) ?? [];
    if (passing === undefined) return;
    mates.delete(passing);
  }
  mates.set(mate, 1);
}
