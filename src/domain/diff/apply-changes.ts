/** Turns the state before into the state after by a structural diff. Pure: `before` is not modified. */
import { segmentsOf } from '../field-path.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { StructuralChange } from './structural-diff.ts';

/**
 * First everything that leaves its place is taken out, by its pointer in the state before, from the end; then what came or moved is put in,
 * by its pointer in the state after, from the beginning; what is left stands where it belongs, and is set. Throws an Error on a diff that
 * is not one of this state.
 */
export function applyChanges(before: Json, changes: readonly StructuralChange[]): Json {
  const root = { value: structuredClone(before) };
  const taken = new Map<StructuralChange, Json>();
  for (const change of inOrder(changes, ['remove', 'move'], ({ from, pointer }) => from ?? pointer).reverse()) {
    taken.set(change, takeOut(root.value, segmentsOf(change.from ?? change.pointer)));
  }
  for (const change of inOrder(changes, ['add', 'move'], ({ pointer }) => pointer)) {
    putIn(
      root.value,
      segmentsOf(change.pointer),
      change.op === 'move' ? (taken.get(change) as Json) : structuredClone(change.new as Json),
    );
  }
  for (const change of changes) {
    if (change.op !== 'set') continue;
    if (change.pointer === '') root.value = structuredClone(change.new as Json);
    else setAt(root.value, segmentsOf(change.pointer), structuredClone(change.new as Json));
  }
  return root.value;
}

function inOrder(
  changes: readonly StructuralChange[],
  ops: StructuralChange['op'][],
  pointerOf: (change: StructuralChange) => string,
) {
  return changes
    .filter(({ op }) => ops.includes(op))
    .map((change) => ({ change, segments: segmentsOf(pointerOf(change)) }))
    .sort((a, b) => compareSegments(a.segments, b.segments))
    .map(({ change }) => change);
}

/** Document order: a node before what is in it, list items by number. */
function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a[i] as string, b[i] as string];
    if (x === y) continue;
    const numbers = /^\d+$/.test(x) && /^\d+$/.test(y) ? Number(x) - Number(y) : 0;
    return numbers !== 0 ? numbers : x < y ? -1 : 1;
  }
  return a.length - b.length;
}

function takeOut(root: Json, segments: readonly string[]): Json {
  const { parent, key } = parentOf(root, segments);
  if (Array.isArray(parent)) return parent.splice(Number(key), 1)[0] as Json;
  const value = parent[key] as Json;
  delete parent[key];
  return value;
}

function putIn(root: Json, segments: readonly string[], value: Json): void {
  const { parent, key } = parentOf(root, segments);
  if (Array.isArray(parent)) parent.splice(Number(key), 0, value);
  else define(parent, key, value);
}

function setAt(root: Json, segments: readonly string[], value: Json): void {
  const { parent, key } = parentOf(root, segments);
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else define(parent, key, value);
}

function parentOf(root: Json, segments: readonly string[]) {
  let parent: Json | undefined = root;
  for (const segment of segments.slice(0, -1)) {
    if (Array.isArray(parent)) parent = parent[Number(segment)];
    else parent = isJsonObject(parent) && Object.hasOwn(parent, segment) ? parent[segment] : undefined;
  }
  if (!Array.isArray(parent) && !isJsonObject(parent)) throw new Error(`nothing holds /${segments.join('/')}`);
  return { parent, key: segments.at(-1) as string };
}

/** A key called `__proto__` becomes a member like any other. */
function define(object: { [key: string]: Json }, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
