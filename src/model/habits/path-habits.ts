/**
 * How often each field moves when its object changes: shared by stable-field, co-change and drift. Counts per object path, per kind
 * and generic path, and per path tail over the cluster; each level borrows from the next with a few pseudo-observations
 * (Beta-Bernoulli with back-off).
 */

import type { ChangeEvent, Field } from '../features.ts';
import { tailOf } from '../path-names.ts';
import { ByPlace, type Placed } from '../places.ts';
import { clearRow, putFigure, reachRow, type Whole } from './columns.ts';
import { touch } from './counts.ts';
import { RowCounts, type RowCountsState } from './row-counts.ts';

const OBJECT_PATHS_MAX = 64;
const KINDS_MAX = 2_000;
const KIND_PATHS_MAX = 10_000;
const TAILS_MAX = 20_000;

interface KindPaths extends PathCounts {
  /** Edits of objects of this kind. */
  edits: number;
}

/** Counts by id, for the paths of a kind and for the tails of the whole cluster. */
interface PathCounts {
  ids: Map<string, number>;
  /** Edits that replaced it; edits of objects that held it; edits that added or removed it. */
  moved: number[];
  held: number[];
  grown: number[];
  shrunk: number[];
}

/** A field's kind, and its ids among the paths of that and among tails: those are given once, and stay until the kind is forgotten. */
interface Ids {
  kind: KindPaths;
  id: number;
  tail: number;
}

interface Shape {
  paths: Int32Array;
  tails: Int32Array;
}

export interface PathHabitsState {
  edits: number;
  kinds: Map<string, KindPaths>;
  /** One row for each object. */
  objects: {
    edits: Whole;
    /** One more than the index into `shapes`, 0 while unknown. */
    shape: Uint16Array;
  };
  /** By row, how often each path was replaced. */
  moved: RowCountsState;
  tails: PathCounts;
  /** Which path ids and tail ids objects of a kind hold; shared, since most objects of a kind look alike. */
  shapes: Shape[];
  shapeIds: Map<string, number>;
}

const SHAPES_MAX = 20_000;
/** Fields that move in a smaller share of edits rest: only of these it is asked what their peers do. */
const RESTING = 0.05;

export class PathHabits {
  readonly #moved = new RowCounts();
  /** Derived, so no part of the state. */
  readonly #known = new WeakMap<readonly string[], { kind: KindPaths; shape: number }>();
  readonly #ids = new ByPlace<Ids>();
  /** By kind, for each id of a path that of its tail: those stay. */
  readonly #tailsOf = new WeakMap<KindPaths, (number | undefined)[]>();
  #state: Omit<PathHabitsState, 'moved'> = {
    edits: 0,
    kinds: new Map(),
    objects: { edits: new Uint8Array(), shape: new Uint16Array() },
    tails: newCounts(),
    shapes: [],
    shapeIds: new Map(),
  };

  save(): PathHabitsState {
    return { ...this.#state, moved: this.#moved.save() };
  }

  load({ moved, ...state }: PathHabitsState): void {
    this.#moved.load(moved);
    this.#ids.clear();
    this.#state = state;
  }

  edits(): number {
    return this.#state.edits;
  }

  objectEdits(event: ChangeEvent): number {
    return this.#state.objects.edits[event.row] ?? 0;
  }

  objectMoved(event: ChangeEvent, path: string): number {
    return this.#moved.get(event.row, path);
  }

  kindEdits(kind: string): number {
    return this.#state.kinds.get(kind)?.edits ?? 0;
  }

  kindHeld(kind: string, generic: string): number {
    return this.#of(kind, generic, 'held');
  }

  kindMoved(kind: string, field: Pick<Field, 'generic' | 'tail'> & Placed): number {
    const ids = this.#idsOf(kind, field);
    return ids === undefined ? this.#of(kind, field.generic, 'moved') : countAt(ids.kind, ids.id, 'moved');
  }

  /** Undefined where the kind or one of the two has no id yet. Of kinds none is forgotten until half as many are known as may be. */
  #idsOf(kind: string, field: Pick<Field, 'generic' | 'tail'> & Placed): Ids | undefined {
    const { kinds, tails } = this.#state;
    const known = kinds.size > KINDS_MAX / 2 ? undefined : this.#ids.get(field);
    if (known !== undefined) return known;
    const paths = kinds.get(kind);
    const id = paths?.ids.get(field.generic);
    const tail = tails.ids.get(field.tail);
    if (paths === undefined || id === undefined || tail === undefined) return undefined;
    const ids = { kind: paths, id, tail };
    this.#ids.put(field, ids);
    return ids;
  }

  /** Where the counts of a field lie: -1, or no kind, where there are none. */
  #placesOf(
    name: string,
    field: Pick<Field, 'generic' | 'tail'> & Placed,
  ): Pick<Ids, 'id' | 'tail'> & { kind: Ids['kind'] | undefined } {
    const ids = this.#idsOf(name, field);
    if (ids !== undefined) return ids;
    const { tails, kinds } = this.#state;
    const kind = kinds.get(name);
    return { kind, id: kind?.ids.get(field.generic) ?? -1, tail: tails.ids.get(field.tail) ?? -1 };
  }

  /** Whether the object held this generic path after its last structural change; false where its shape is unknown. */
  holds({ row, kind }: ChangeEvent, generic: string): boolean {
    const shape = this.#shapeOf(row);
    const id = this.#state.kinds.get(kind)?.ids.get(generic);
    return id !== undefined && (shape?.paths.includes(id) ?? false);
  }

  /** Probability that this path is replaced when its object changes. */
  moving(event: ChangeEvent, field: Pick<Field, 'path' | 'generic' | 'tail'> & Placed): number {
    const { tails } = this.#state;
    const { kind, id, tail } = this.#placesOf(event.kind, field);
    const far = (countAt(tails, tail, 'moved') + 0.2) / (countAt(tails, tail, 'held') + 20);
    const kin = (countAt(kind, id, 'moved') + 5 * far) / (countAt(kind, id, 'held') + 5);
    const edits = this.objectEdits(event);
    const own = (this.objectMoved(event, field.path) + 3 * kin) / (edits + 3);
    return own > RESTING ? Math.min(1, own) : Math.max(own, Math.min(1, this.#movedPeers(event, field.path) / (edits + 3)));
  }

  /** In what share of edits this path was replaced: of this object's, of those of its kind, and of all with a path of the same two last names (Krichevsky-Trofimov). */
  shares(
    event: ChangeEvent,
    field: Pick<Field, 'path' | 'generic' | 'tail'> & Placed,
  ): { own: number; kin: number; far: number } {
    const { tails } = this.#state;
    const { kind, id, tail } = this.#placesOf(event.kind, field);
    return {
      own: shareOf(this.objectMoved(event, field.path), this.objectEdits(event)),
      kin: shareOf(countAt(kind, id, 'moved'), countAt(kind, id, 'held')),
      far: shareOf(countAt(tails, tail, 'moved'), countAt(tails, tail, 'held')),
    };
  }

  /**
   * How many other fields of this name, as deep in the same object, have moved: a map key is a place among peers, and that one more of them moves
   * which hardly ever did is as usual as such moves were so far.
   */
  #movedPeers(event: ChangeEvent, path: string): number {
    const name = path.slice(path.lastIndexOf('/'));
    const depth = depthOf(path);
    let peers = 0;
    for (let i = this.#moved.size(event.row) - 1; i >= 0; i--) {
      const other = this.#moved.nameAt(event.row, i);
      if (other !== path && other.endsWith(name) && depthOf(other) === depth) peers++;
    }
    return peers;
  }

  /** Probability that an edit of this kind adds (or removes) this generic path. */
  growing(kind: string, field: Pick<Field, 'op' | 'generic' | 'tail'> & Placed): number {
    const which: Which = field.op === 'add' ? 'grown' : 'shrunk';
    const { tails, edits } = this.#state;
    const ids = this.#idsOf(kind, field);
    const far = ((ids === undefined ? countOf(tails, field.tail, which) : countAt(tails, ids.tail, which)) + 0.1) / (edits + 20);
    const here = ids === undefined ? this.#of(kind, field.generic, which) : countAt(ids.kind, ids.id, which);
    return Math.min(1, (here + 5 * far) / ((ids === undefined ? this.kindEdits(kind) : ids.kind.edits) + 5));
  }

  learn(event: ChangeEvent): void {
    const state = this.#state;
    if (event.type === 'DELETED') return;
    const kind = touch(state.kinds, event.kind, KINDS_MAX, newKindPaths);
    const { objects } = state;
    const { row } = event;
    if (row >= objects.edits.length) reachRow(objects, row);
    if (event.held !== undefined) objects.shape[row] = this.#shape(event.kind, kind, event.held) + 1;
    if (event.type === 'ADDED') return;
    state.edits++;
    kind.edits++;
    objects.edits = putFigure(objects.edits, row, (objects.edits[row] as number) + 1);
    const shape = this.#shapeOf(row);
    if (shape !== undefined) {
      countEach(kind.held, shape.paths);
      countEach(state.tails.held, shape.tails);
    }
    this.#countFields(event, kind);
  }

  forget(row: number): void {
    clearRow(this.#state.objects, row);
    this.#moved.forget(row);
  }

  #shapeOf(row: number): Shape | undefined {
    return this.#state.shapes[(this.#state.objects.shape[row] ?? 0) - 1];
  }

  #countFields(event: ChangeEvent, kind: KindPaths): void {
    const done = event.fields.length > 1 ? new Set<string>() : undefined;
    // A change of one field only lays nothing out anew.
    if (done !== undefined) this.#handOn(event);
    for (const field of event.fields) {
      if (field.op === 'set') this.#moved.increment(event.row, field.path, OBJECT_PATHS_MAX);
      if (done?.has(field.done)) continue;
      done?.add(field.done);
      const which = field.op === 'set' ? 'moved' : field.op === 'add' ? 'grown' : 'shrunk';
      const { tails } = this.#state;
      const ids = this.#idsOf(event.kind, field);
      countOne(kind, ids?.id ?? idOf(kind, field.generic, KIND_PATHS_MAX), which);
      countOne(tails, ids?.tail ?? idOf(tails, field.tail, TAILS_MAX), which);
    }
  }

  /**
   * A manifest that is laid out anew has its fields elsewhere, under names they had before: what moved all the time goes on doing so there, and
   * is nothing that rested in all the edits in which it had another place.
   */
  #handOn({ row, fields }: ChangeEvent): void {
    let left: Map<string, number> | undefined;
    for (const { op, path, tail } of fields) {
      const moved = op === 'remove' ? this.#moved.get(row, path) : 0;
      if (moved === 0) continue;
      left ??= new Map();
      left.set(tail, Math.max(moved, left.get(tail) ?? 0));
    }
    if (left === undefined) return;
    for (const { op, path, tail } of fields) {
      if (op === 'add') this.#moved.raise(row, path, left.get(tail) ?? 0, OBJECT_PATHS_MAX);
    }
  }

  /** Objects that look alike come with the same list, of which the shape is known; unless their kind was forgotten meanwhile. */
  #shape(kindKey: string, kind: KindPaths, held: readonly string[]): number {
    const known = this.#known.get(held);
    if (known?.kind === kind) return known.shape;
    const shape = this.#findShape(kindKey, kind, held);
    this.#known.set(held, { kind, shape });
    return shape;
  }

  #findShape(kindKey: string, kind: KindPaths, held: readonly string[]): number {
    const ids = new Int32Array(held.length);
    const tails = new Int32Array(held.length);
    let [idCount, tailCount] = [0, 0];
    const known = this.#knownTails(kind);
    for (let i = 0; i < held.length; i++) {
      const generic = held[i] as string;
      const id = idOf(kind, generic, KIND_PATHS_MAX);
      const tail = known[id] ?? idOf(this.#state.tails, tailOf(generic), TAILS_MAX);
      if (id >= 0) {
        // Without a hole, as in `ByPlace`.
        while (known.length < id) known.push(undefined);
        known[id] = tail;
        ids[idCount++] = id;
      }
      if (tail >= 0) tails[tailCount++] = tail;
    }
    return this.#shapeWith(kindKey, { paths: ids.slice(0, idCount).sort(), tails: tails.slice(0, tailCount) });
  }

  #knownTails(kind: KindPaths): (number | undefined)[] {
    let known = this.#tailsOf.get(kind);
    if (known === undefined) {
      known = [];
      this.#tailsOf.set(kind, known);
    }
    return known;
  }

  #shapeWith(kindKey: string, shape: Shape): number {
    const text = `${kindKey}\u0000${shape.paths.join(',')}`;
    const known = this.#state.shapeIds.get(text);
    if (known !== undefined) return known;
    if (this.#state.shapes.length >= SHAPES_MAX) return -1;
    this.#state.shapes.push(shape);
    this.#state.shapeIds.set(text, this.#state.shapes.length - 1);
    return this.#state.shapes.length - 1;
  }

  #of(kind: string, generic: string, which: Which): number {
    const paths = this.#state.kinds.get(kind);
    return paths === undefined ? 0 : countOf(paths, generic, which);
  }
}

type Which = 'moved' | 'held' | 'grown' | 'shrunk';

function shareOf(moved: number, edits: number): number {
  return Math.min(1, (moved + 0.5) / (edits + 1));
}

function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth++;
  return depth;
}

function newCounts(): PathCounts {
  return { ids: new Map(), moved: [], held: [], grown: [], shrunk: [] };
}

function newKindPaths(): KindPaths {
  return { edits: 0, ...newCounts() };
}

function countOf(counts: PathCounts, key: string, which: Which): number {
  const id = counts.ids.get(key);
  return id === undefined ? 0 : (figuresOf(counts, which)[id] as number);
}

function countAt(counts: PathCounts | undefined, id: number, which: Which): number {
  return counts === undefined || id < 0 ? 0 : (figuresOf(counts, which)[id] as number);
}

/** By a name that is written out, as one that is told at run time is looked up each time. */
function figuresOf(counts: PathCounts, which: Which): number[] {
  switch (which) {
    case 'moved':
      return counts.moved;
    case 'held':
      return counts.held;
    case 'grown':
      return counts.grown;
    case 'shrunk':
      return counts.shrunk;
  }
}

/** By index: there are hundreds for each change. */
function countEach(counts: number[], ids: Int32Array): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    counts[id] = (counts[id] as number) + 1;
  }
}

function countOne(counts: PathCounts, id: number, which: Which): void {
  if (id < 0) return;
  const figures = figuresOf(counts, which);
  figures[id] = (figures[id] as number) + 1;
}

/** The id of a key, made on first sight; -1 once there are too many. */
function idOf(counts: PathCounts, key: string, cap: number): number {
  const known = counts.ids.get(key);
  if (known !== undefined) return known;
  const id = counts.moved.length;
  if (id >= cap) return -1;
  counts.ids.set(key, id);
  counts.moved.push(0);
  counts.held.push(0);
  counts.grown.push(0);
  counts.shrunk.push(0);
  return id;
}
