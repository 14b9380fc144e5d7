/**
 * Which change gave each field of a state the value it has. Walks an object's changes backwards by the paths that each one touched, and stops
 * as soon as every field is accounted for: states are looked at only where a change touched an item of a list and the record does not say
 * which. Pure.
 */
import type { ChangeType } from './change.ts';
import { diffValues, leavesOf, valueAt } from './diff/field-diff.ts';
import { type FieldPath, genericPath, segmentsOf } from './field-path.ts';
import type { Json } from './json.ts';
import { type ListKeys, partAt } from './schema-tree.ts';

export interface BlameStep {
  seq: number;
  type: ChangeType;
  /** Paths touched; generic where it is not known which item of a list was. */
  paths: readonly FieldPath[];
  /** It stands for earlier changes too, whose paths are no longer known. */
  standsForMore?: boolean;
  /** Its paths name items of lists by other keys than the state is named by. */
  namedOtherwise?: boolean;
}

/** What was found out before about the state that a change led to: the changes that set some of its fields, and the one that set all others. */
export interface KnownBlame {
  fields: ReadonlyMap<FieldPath, number>;
  others: number;
  /** As for a step: it says nothing of what lies in items of lists. */
  namedOtherwise?: boolean;
}

export interface BlameSource {
  /** The merge keys of the kind, as of the change that led to the state. */
  lists?: ListKeys | undefined;
  /** From the change that led to the state back to the first, newest first. */
  steps: Iterable<BlameStep>;
  /** The states on both sides of a change; `before` is undefined at the first one. */
  sides(seq: number): { before: Json | undefined; after: Json };
  known?(seq: number): KnownBlame | undefined;
  /** True once enough work was done: what is not accounted for by then is left open. */
  isOver?(): boolean;
}

export interface BlamedField {
  path: FieldPath;
  value: Json;
  /** The change that set it. */
  seq?: number;
  /**
   * Where it was not found out: set by this change or an earlier one. The time for looking ended there, or the kept history, or this change
   * stands for others of its day that are no longer kept.
   */
  notAfter?: number;
}

/** The fields of `state` outside bookkeeping, in the order of their paths. */
export function blame(state: Json, source: BlameSource, isLeftOut?: (path: FieldPath) => boolean): BlamedField[] {
  for (const pieces = blameInPieces(state, source, isLeftOut); ; ) {
    const { done, value } = pieces.next();
    if (done === true) return value;
  }
}

/** The same, for who has other things to do between two steps back. */
export function* blameInPieces(
  state: Json,
  source: BlameSource,
  isLeftOut: (path: FieldPath) => boolean = () => false,
): Generator<undefined, BlamedField[]> {
  const fields = leavesOf(state, source.lists)
    .filter(({ path }) => !isLeftOut(path))
    .map(({ path, generic, new: value }): Open => ({ path, generic, value: value as Json }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const open = new OpenFields(fields);
  let oldest: number | undefined;
  for (const step of source.steps) {
    if (open.size === 0) break;
    oldest = step.seq;
    const known = source.known?.(step.seq);
    if (known !== undefined) open.closeKnown(known);
    if (open.size === 0 || source.isOver?.()) break;
    if (step.type === 'ADDED') open.closeAll(step.seq);
    else if (step.type === 'MODIFIED') closeTouched(open, step, source);
    yield;
  }
  return fields.map(({ path, value, seq, notAfter = oldest }) => {
    if (seq !== undefined) return { path, value, seq };
    return notAfter === undefined ? { path, value } : { path, value, notAfter };
  });
}

interface Open {
  path: FieldPath;
  generic: FieldPath;
  value: Json;
  seq?: number;
  notAfter?: number;
}

function closeTouched(open: OpenFields, step: BlameStep, source: BlameSource): void {
  if (step.standsForMore === true) {
    const { before, after } = source.sides(step.seq);
    for (const { op, path } of diffValues(before, after, '', source.lists))
      if (op !== 'remove') open.close(path, step.seq, 'notAfter');
    return;
  }
  const lists = new Set<FieldPath>();
  const unknownItem = step.namedOtherwise === true ? '/[' : '/[*]';
  for (const path of step.paths) {
    const at = path.indexOf(unknownItem);
    if (at < 0) open.close(path, step.seq);
    else if (open.has(genericPath(path))) lists.add(path.slice(0, at));
  }
  if (lists.size === 0) return;
  const { before, after } = source.sides(step.seq);
  for (const list of lists) {
    const [old, now] = [before === undefined ? undefined : valueAt(before, list), valueAt(after, list)];
    const keys = partAt(source.lists, segmentsOf(list));
    for (const { op, path } of diffValues(old, now, list, keys)) if (op !== 'remove') open.close(path, step.seq);
  }
}

/** Fields not accounted for yet, by path and by generic path. */
class OpenFields {
  readonly #byPath = new Map<FieldPath, Open>();
  readonly #countByGeneric = new Map<FieldPath, number>();

  constructor(fields: readonly Open[]) {
    for (const field of fields) {
      this.#byPath.set(field.path, field);
      this.#countByGeneric.set(field.generic, (this.#countByGeneric.get(field.generic) ?? 0) + 1);
    }
  }

  get size(): number {
    return this.#byPath.size;
  }

  has(generic: FieldPath): boolean {
    return this.#countByGeneric.has(generic);
  }

  close(path: FieldPath, seq: number, as: 'seq' | 'notAfter' = 'seq'): void {
    const field = this.#byPath.get(path);
    if (field === undefined) return;
    field[as] = seq;
    this.#byPath.delete(path);
    const left = (this.#countByGeneric.get(field.generic) ?? 1) - 1;
    if (left === 0) this.#countByGeneric.delete(field.generic);
    else this.#countByGeneric.set(field.generic, left);
  }

  closeKnown({ fields, others, namedOtherwise }: KnownBlame): void {
    for (const path of [...this.#byPath.keys()]) {
      if (namedOtherwise !== true || !path.includes('/[')) this.close(path, fields.get(path) ?? others);
    }
  }

  closeAll(seq: number): void {
    for (const path of [...this.#byPath.keys()]) this.close(path, seq);
  }
}
