import { escapeSegment, type FieldPath, genericPath, isListItem, segmentsOf } from '../field-path.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { innerOf, type ListKeys } from '../schema-tree.ts';
import { type ItemKeys, itemAt, itemKeysOf, itemName, sharedItemKeys } from './list-items.ts';

/**
 * The structural difference of two JSON values at the level of leaves, list items matched by merge key.
 *
 * A leaf is a scalar or an empty object or list. `set` has both values, `add` only `new`, `remove` only `old`.
 * This is what people read and what the model learns from; the store keeps a `StatePatch`, which is exact for any JSON.
 */
export interface FieldDiff {
  op: 'add' | 'set' | 'remove';
  path: FieldPath;
  /** `path` with every list item as `[*]`. */
  generic: FieldPath;
  old?: Json;
  new?: Json;
}

/**
 * All changed leaves from `before` to `after`, in document order of `after`, removals of a node after its kept members. `lists` are the merge keys
 * of the schema at `path`.
 */
export function diffValues(
  before: Json | undefined,
  after: Json | undefined,
  path: FieldPath = '',
  lists?: ListKeys | undefined,
): FieldDiff[] {
  const out: FieldDiff[] = [];
  diffInto(before, after, path, lists, out);
  return out;
}

/** Every leaf of a whole object as an `add`, which is how a new one looks to the model. */
export function leavesOf(value: Json, lists?: ListKeys | undefined): FieldDiff[] {
  const out: FieldDiff[] = [];
  leavesInto(value, '', 'add', lists, out);
  return out;
}

/**
 * A diff by rising path. A rebuilt state may hold its members in another order than the one that came from the API server; in this
 * order what `append` returns and what is read later are the same, member for member.
 */
export function inPathOrder(diff: FieldDiff[]): FieldDiff[] {
  for (let i = 1; i < diff.length; i++)
    if ((diff[i - 1] as FieldDiff).path > (diff[i] as FieldDiff).path)
      return diff.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return diff;
}

/** How many leaves a value has, without naming them. */
export function countLeaves(value: Json): number {
  if (!isContainer(value)) return 1;
  let count = 0;
  if (Array.isArray(value)) for (const item of value) count += countLeaves(item);
  else for (const key of Object.keys(value as JsonObject)) count += countLeaves((value as JsonObject)[key] as Json);
  return count === 0 ? 1 : count;
}

function diffInto(
  before: Json | undefined,
  after: Json | undefined,
  path: FieldPath,
  lists: ListKeys | undefined,
  out: FieldDiff[],
): void {
  if (before === after) return;
  if (before === undefined) {
    if (after !== undefined) leavesInto(after, path, 'add', lists, out);
  } else if (after === undefined) {
    leavesInto(before, path, 'remove', lists, out);
  } else if (isJsonObject(before) && isJsonObject(after)) {
    diffObjects(before, after, path, lists, out);
  } else if (Array.isArray(before) && Array.isArray(after)) {
    diffLists(before, after, path, lists, out);
  } else if (isContainer(before) || isContainer(after)) {
    leavesInto(before, path, 'remove', lists, out);
    leavesInto(after, path, 'add', lists, out);
  } else {
    out.push({ op: 'set', path, generic: genericPath(path), old: before, new: after });
  }
}

function diffObjects(
  before: JsonObject,
  after: JsonObject,
  path: FieldPath,
  lists: ListKeys | undefined,
  out: FieldDiff[],
): void {
  const wasEmpty = isEmpty(before);
  if (wasEmpty !== isEmpty(after)) {
    // An empty object is a leaf of its own: it has to go before members come, and come back when the last one goes.
    if (wasEmpty) leavesInto(before, path, 'remove', lists, out);
    for (const key of Object.keys(before)) {
      const inner = lists && innerOf(lists, key);
      leavesInto(before[key] as Json, `${path}/${escapeSegment(key)}`, 'remove', inner, out);
    }
    leavesInto(after, path, 'add', lists, out);
    return;
  }
  // What came from JSON inherits nothing that is enumerable.
  for (const key in after) {
    // A key such as `constructor` must not find what every object inherits.
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    // Most members are the same: their paths are not even written out.
    if (old !== after[key]) diffInto(old, after[key], `${path}/${escapeSegment(key)}`, lists && innerOf(lists, key), out);
  }
  for (const key in before) {
    if (Object.hasOwn(after, key)) continue;
    leavesInto(before[key] as Json, `${path}/${escapeSegment(key)}`, 'remove', lists && innerOf(lists, key), out);
  }
}

function diffLists(before: Json[], after: Json[], path: FieldPath, lists: ListKeys | undefined, out: FieldDiff[]): void {
  if (before.length === 0 || after.length === 0) {
    if (before.length === after.length) return;
    leavesInto(before, path, 'remove', lists, out);
    leavesInto(after, path, 'add', lists, out);
    return;
  }
  const items = lists?.items;
  const keys = sharedItemKeys(before, after, lists?.told);
  if (keys === undefined) {
    const shared = Math.min(before.length, after.length);
    for (let i = 0; i < shared; i++) diffInto(before[i], after[i], `${path}/[${i}]`, items, out);
    for (let i = shared; i < before.length; i++) leavesInto(before[i] as Json, `${path}/[${i}]`, 'remove', items, out);
    for (let i = shared; i < after.length; i++) leavesInto(after[i] as Json, `${path}/[${i}]`, 'add', items, out);
    return;
  }
  const pathOf = (name: string): FieldPath => `${path}/[${escapeSegment(name)}]`;
  if (isSameOrder(before, after, keys)) {
    for (let i = 0; i < after.length; i++) diffInto(before[i], after[i], pathOf(itemName(after[i] as Json, keys)), items, out);
    return;
  }
  const old = new Map(before.map((item) => [itemName(item, keys), item]));
  for (const item of after) {
    const name = itemName(item, keys);
    diffInto(old.get(name), item, pathOf(name), items, out);
    old.delete(name);
  }
  for (const [name, item] of old) leavesInto(item, pathOf(name), 'remove', items, out);
}

/** Whether two lists hold items of the same names in the same places. */
function isSameOrder(before: Json[], after: Json[], keys: ItemKeys): boolean {
  if (before.length !== after.length) return false;
  for (let i = 0; i < after.length; i++) if (!isSameName(before[i] as JsonObject, after[i] as JsonObject, keys)) return false;
  return true;
}

function isSameName(before: JsonObject, after: JsonObject, keys: ItemKeys): boolean {
  return typeof keys === 'string' ? before[keys] === after[keys] : keys.every((key) => before[key] === after[key]);
}

function leavesInto(value: Json, path: FieldPath, op: 'add' | 'remove', lists: ListKeys | undefined, out: FieldDiff[]): void {
  leavesBelow(value, path, genericPath(path), op, lists, out);
}

/** The generic path grows along with the path, as working it out again for each leaf of an object costs more than all the rest. */
function leavesBelow(
  value: Json,
  path: FieldPath,
  generic: FieldPath,
  op: 'add' | 'remove',
  lists: ListKeys | undefined,
  out: FieldDiff[],
): void {
  if (Array.isArray(value) && value.length > 0) {
    const keys = itemKeysOf(value, lists?.told);
    const items = `${generic}/[*]`;
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as Json;
      const segment = keys === undefined ? `[${i}]` : `[${escapeSegment(itemName(item, keys))}]`;
      leavesBelow(item, `${path}/${segment}`, items, op, lists?.items, out);
    }
  } else if (isJsonObject(value) && !isEmpty(value)) {
    for (const key of Object.keys(value)) {
      const segment = escapeSegment(key);
      const inner = `${path}/${segment}`;
      const general = isListItem(segment) ? '[*]' : segment;
      const innerGeneric = generic === path && general === segment ? inner : `${generic}/${general}`;
      leavesBelow(value[key] as Json, inner, innerGeneric, op, lists && innerOf(lists, key), out);
    }
  } else out.push(op === 'add' ? { op, path, generic, new: value } : { op, path, generic, old: value });
}

function isContainer(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

function isEmpty(value: JsonObject): boolean {
  for (const _ in value) return false;
  return true;
}

/**
 * A patch as the store keeps it: replace whole subtrees by key, recursively. It is exact whatever the lists do, and small because
 * unchanged members are absent. Grammar (JSON):
 *
 *   patch  = {"s": {key: value, …}?, "r": [key, …]?, "d": {key: patch, …}?, "n": length?}     for an object, or a list by index
 *
 * `s` sets members, `r` removes them, `d` descends; for a list the keys are indices as strings and `n` is its new length.
 * A value that is replaced whole by one of another type is `s` in its parent; the root's is {"w": value}.
 */
export interface StatePatch extends JsonObject {}

/** True for a patch that changes nothing. */
export function isEmptyPatch(patch: StatePatch): boolean {
  return isEmpty(patch);
}

/** The patch that turns `before` into `after`; undefined when they are equal. */
export function makePatch(before: Json, after: Json): StatePatch | undefined {
  const patch = patchNode(before, after);
  return patch === REPLACED ? { w: after } : patch;
}

/** What patchNode answers when the two nodes are of different types, or differing scalars: only the whole will do. */
const REPLACED = Symbol('replaced');

/** One pass over both nodes, since this runs for every change: undefined where they are equal. */
function patchNode(before: Json, after: Json): StatePatch | undefined | typeof REPLACED {
  if (before === after) return undefined;
  if (Array.isArray(before)) return Array.isArray(after) ? patchLists(before, after) : REPLACED;
  return isJsonObject(before) && isJsonObject(after) ? patchObjects(before, after) : REPLACED;
}

function patchLists(before: Json[], after: Json[]): StatePatch | undefined {
  const patch: StatePatch = {};
  for (let i = 0; i < after.length; i++) {
    if (i < before.length) patchMember(patch, String(i), before[i] as Json, after[i] as Json);
    else define(memberOf(patch, 's'), String(i), after[i] as Json);
  }
  if (before.length !== after.length) patch.n = after.length;
  return isEmpty(patch) ? undefined : patch;
}

function patchObjects(before: JsonObject, after: JsonObject): StatePatch | undefined {
  const patch: StatePatch = {};
  for (const key in after) {
    if (Object.hasOwn(before, key)) patchMember(patch, key, before[key] as Json, after[key] as Json);
    else define(memberOf(patch, 's'), key, after[key] as Json);
  }
  let gone: string[] | undefined;
  for (const key in before) {
    if (Object.hasOwn(after, key)) continue;
    gone ??= [];
    gone.push(key);
  }
  if (gone !== undefined) patch.r = gone;
  return isEmpty(patch) ? undefined : patch;
}

function patchMember(patch: StatePatch, key: string, before: Json, after: Json): void {
  const inner = patchNode(before, after);
  if (inner === undefined) return;
  if (inner === REPLACED) define(memberOf(patch, 's'), key, after);
  else define(memberOf(patch, 'd'), key, inner);
}

function memberOf(patch: StatePatch, name: 's' | 'd'): JsonObject {
  patch[name] ??= {};
  return patch[name] as JsonObject;
}

/** Applies a patch; shares unchanged parts with `before`, which is not modified. */
export function applyPatch(before: Json, patch: StatePatch): Json {
  if (Object.hasOwn(patch, 'w')) return patch.w as Json;
  const set = patch.s as JsonObject | undefined;
  if (Array.isArray(before)) {
    const length = typeof patch.n === 'number' ? patch.n : before.length;
    const list = before.slice(0, length);
    for (const [key, value] of Object.entries(set ?? {})) list[Number(key)] = value;
    for (const [key, inner] of Object.entries((patch.d as JsonObject | undefined) ?? {})) {
      list[Number(key)] = applyPatch(before[Number(key)] as Json, inner as StatePatch);
    }
    return list;
  }
  const object: JsonObject = { ...(before as JsonObject) };
  for (const key of (patch.r as string[] | undefined) ?? []) delete object[key];
  for (const [key, value] of Object.entries(set ?? {})) define(object, key, value);
  for (const [key, inner] of Object.entries((patch.d as JsonObject | undefined) ?? {})) {
    define(object, key, applyPatch((before as JsonObject)[key] as Json, inner as StatePatch));
  }
  return object;
}

/** Plain assignment, except that a key called `__proto__` becomes a member like any other. */
function define(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** Reads the value at a field path; undefined where nothing is. */
export function valueAt(value: Json, path: FieldPath): Json | undefined {
  let node: Json | undefined = value;
  for (const segment of segmentsOf(path)) {
    if (node === undefined) return undefined;
    node = memberAt(node, segment);
  }
  return node;
}

/** What lies in a value under one segment of a path; undefined where nothing does. */
export function memberAt(value: Json, segment: string): Json | undefined {
  if (Array.isArray(value)) return isListItem(segment) ? itemAt(value, segment) : undefined;
  return isJsonObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}
