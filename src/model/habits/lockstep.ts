/**
 * Fields that two objects of a kind move together: the image of two halves of one application, the version of an operator and of what it runs. Whole objects
 * may be changed apart most of the time and such a field never. Kept of fields that ever moved in company, by object.
 */
import type { ChangeEvent } from '../features.ts';
import { touch } from './counts.ts';
import { countCame, LATEST, missedLately, noteChance, timesCame } from './latest-moves.ts';

const OBJECTS_MAX = 10_000;
const FIELDS_MAX = 16;
const MATES_MAX = 6;
/** Of more objects that move the same field in one visit, each is one of a crowd and nobody's mate. */
export const CROWD_MAX = 8;
/** Who moves more fields at once was made over. */
const BREADTH_MAX = 16;
const NOBODY: ReadonlySet<string> = new Set();

/** A field of an object, by generic path. Plain data. */
export interface LockstepField {
  /** Visits that moved it, those in a crowd aside, since it first moved in company. */
  moves: number;
  lastMs: number;
  /** By object, with which it moved how often, and how often of late: see latest-moves.ts. */
  mates: Map<string, number>;
}

export type LockstepState = Map<string, Map<string, LockstepField>>;

export class Lockstep {
  #fields: LockstepState = new Map();

  /** Of an object, by generic path; undefined where none ever moved in company. */
  of(object: string): ReadonlyMap<string, LockstepField> | undefined {
    return this.#fields.get(object);
  }

  /** A visit, by its edits in the order in which they came. */
  learn(edits: readonly ChangeEvent[]): void {
    if (edits.length === 1) {
      const [event] = edits as [ChangeEvent];
      const known = this.#fields.get(event.object);
      if (known !== undefined) for (const path of movedIn(event)) this.#moved(known, path, event, NOBODY);
    } else this.#learnTogether(edits);
    for (const event of edits) this.#dropRemoved(event);
  }

  #learnTogether(edits: readonly ChangeEvent[]): void {
    const movers = moversIn(edits);
    const done = new Map<string, Set<string>>();
    // The last edit of each object says when it moved.
    for (const event of edits.toReversed()) {
      for (const path of movedIn(event)) {
        const objects = memberOf(done, path, newSet);
        if (objects.has(event.object)) continue;
        objects.add(event.object);
        this.#movedAmong(event, path, moversOf(movers, event, path));
      }
    }
  }

  #movedAmong(event: ChangeEvent, path: string, here: ReadonlySet<string>): void {
    const known = this.#fields.get(event.object);
    if (here.size > CROWD_MAX) {
      const field = known?.get(path);
      if (field !== undefined) field.lastMs = event.atMs;
    } else if (known !== undefined || here.size > 1)
      this.#moved(known ?? touch(this.#fields, event.object, OBJECTS_MAX, () => new Map()), path, event, here);
  }

  #moved(known: Map<string, LockstepField>, path: string, event: ChangeEvent, here: ReadonlySet<string>): void {
    let field = known.get(path);
    if (field === undefined) {
      if (here.size < 2 || (known.size >= FIELDS_MAX && !dropPassing(known))) return;
      field = { moves: 0, lastMs: event.atMs, mates: new Map() };
      known.set(path, field);
    }
    field.moves++;
    field.lastMs = event.atMs;
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
