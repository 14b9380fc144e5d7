/**
 * What changed between two states, for people and for programs that act on it: whole subtrees come and go as one entry, items of a list are
 * told apart by the keys that the schema names, else by those that usually name items, else by what they contain; an item that only moved is
 * no edit; a document written inside a string is compared as a document. Pure.
 *
 * Beside it: `field-diff.ts` compares leaf by leaf, which is what the record keeps an index of and what the model learns from.
 */

import { escapeSegment, type FieldPath } from '../field-path.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject, jsonEqual } from '../json.ts';
import { innerOf, type ListKeys } from '../schema-tree.ts';
import { itemName, sharedItemKeys } from './list-items.ts';
import { commonSequence, longestRise } from './sequence-match.ts';

export interface StructuralChange {
  op: 'add' | 'remove' | 'set' | 'move';
  /** JSON pointer (RFC 6901): where it is in the state after; of what was removed, where it was in the state before. */
  pointer: string;
  /** Of what moved: where it was. */
  from?: string;
  /** The same place with list items by their keys, which outlives a change of order. */
  path: FieldPath;
  old?: Json;
  new?: Json;
  /** Both values are text that holds a document: what changed in it. `old` and `new` are the whole text. */
  document?: { format: DocumentFormat; changes: StructuralChange[] };
}

export type DocumentFormat = 'json' | 'yaml';

/** A document that a string holds; undefined for any other text. */
export type DocumentReader = (text: string) => { format: DocumentFormat; value: Json } | undefined;

export interface DiffOptions {
  mergeKeys?: ListKeys | undefined;
  readDocument?: DocumentReader | undefined;
}

interface Place {
  before: string;
  after: string;
  path: FieldPath;
  schema: ListKeys | undefined;
}

/** Everything that differs, in the order of `after`, what was removed from a node after what it kept. */
export function structuralDiff(before: Json, after: Json, options: DiffOptions = {}): StructuralChange[] {
  const comparison = new Comparison(options.readDocument);
  comparison.compare(before, after, { before: '', after: '', path: '', schema: options.mergeKeys });
  return comparison.found;
}

class Comparison {
  readonly found: StructuralChange[] = [];
  readonly #readDocument: DocumentReader | undefined;

  constructor(readDocument: DocumentReader | undefined) {
    this.#readDocument = readDocument;
  }

  compare(before: Json, after: Json, place: Place): void {
    if (before === after) return;
    if (isJsonObject(before) && isJsonObject(after)) this.#objects(before, after, place);
    else if (Array.isArray(before) && Array.isArray(after)) this.#lists(before, after, place);
    else {
      const document = typeof before === 'string' && typeof after === 'string' ? this.#documents(before, after) : undefined;
      const change: StructuralChange = { op: 'set', pointer: place.after, path: place.path, old: before, new: after };
      this.found.push(document === undefined ? change : { ...change, document });
    }
  }

  #objects(before: JsonObject, after: JsonObject, place: Place): void {
    for (const key of Object.keys(after)) {
      const inner = memberOf(place, key);
      if (Object.hasOwn(before, key)) this.compare(before[key] as Json, after[key] as Json, inner);
      else this.found.push({ op: 'add', pointer: inner.after, path: inner.path, new: after[key] as Json });
    }
    for (const key of Object.keys(before)) {
      if (Object.hasOwn(after, key)) continue;
      const inner = memberOf(place, key);
      this.found.push({ op: 'remove', pointer: inner.before, path: inner.path, old: before[key] as Json });
    }
  }

  #lists(before: Json[], after: Json[], place: Place): void {
    const segments = segmentsOf(before, after, place.schema?.told);
    const { pairs, moved } = segments === undefined ? pairByContent(before, after) : pairByName(segments.before, segments.after);
    const partner = new Map(pairs.map(([i, j]) => [j, i]));
    const itemAt = (i: number | undefined, j: number | undefined): Place => ({
      before: `${place.before}/${i ?? 0}`,
      after: `${place.after}/${j ?? 0}`,
      path: `${place.path}/${(j === undefined ? segments?.before[i ?? 0] : segments?.after[j]) ?? `[${j ?? i}]`}`,
      schema: place.schema?.items,
    });
    for (const [j, item] of after.entries()) {
      const i = partner.get(j);
      const inner = itemAt(i, j);
      if (i === undefined) {
        this.found.push({ op: 'add', pointer: inner.after, path: inner.path, new: item });
        continue;
      }
      if (moved.has(j)) this.found.push({ op: 'move', pointer: inner.after, from: inner.before, path: inner.path });
      this.compare(before[i] as Json, item, inner);
    }
    const kept = new Set(partner.values());
    for (const [i, item] of before.entries()) {
      if (kept.has(i)) continue;
      const inner = itemAt(i, undefined);
      this.found.push({ op: 'remove', pointer: inner.before, path: inner.path, old: item });
    }
  }

  #documents(before: string, after: string): StructuralChange['document'] {
    const [old, now] = [this.#readDocument?.(before), this.#readDocument?.(after)];
    if (old === undefined || now === undefined || old.format !== now.format) return undefined;
    // A document within a document stays text: what holds two layers of quoting is read by nobody.
    return { format: now.format, changes: structuralDiff(old.value, now.value) };
  }
}

function memberOf({ before, after, path, schema }: Place, key: string): Place {
  const segment = `/${escapeSegment(key)}`;
  return {
    before: before + segment,
    after: after + segment,
    path: path + segment,
    schema: schema && innerOf(schema, key),
  };
}

/** The segments that name the items of both lists; undefined where nothing tells them apart. */
function segmentsOf(before: Json[], after: Json[], declared: readonly string[] | undefined) {
  const keys = sharedItemKeys(before, after, declared);
  if (keys === undefined) return undefined;
  const named = (list: Json[]) => list.map((item) => `[${escapeSegment(itemName(item, keys))}]`);
  return { before: named(before), after: named(after) };
}

interface Pairing {
  /** Places before and after of what is one item. */
  pairs: [number, number][];
  /** Places after of what did not keep its order. */
  moved: Set<number>;
}

function pairByName(before: readonly string[], after: readonly string[]): Pairing {
  const placeOf = new Map(before.map((name, i) => [name, i]));
  const pairs = after.flatMap((name, j): [number, number][] => {
    const i = placeOf.get(name);
    return i === undefined ? [] : [[i, j]];
  });
  const still = longestRise(pairs.map(([i]) => i));
  return { pairs, moved: new Set(pairs.flatMap(([, j], n) => (still.has(n) ? [] : [j]))) };
}

/** Equal items in order are the same; equal ones out of order moved; what is left between two that stayed is paired in order as edited. */
function pairByContent(before: Json[], after: Json[]): Pairing {
  const [old, now] = [before.map(canonicalJson), after.map(canonicalJson)];
  const still = commonSequence(old, now);
  const keptBefore = new Set(still.map(([i]) => i));
  const keptAfter = new Set(still.map(([, j]) => j));
  const gone = new Map<string, number[]>();
  old.forEach((text, i) => {
    if (keptBefore.has(i)) return;
    const places = gone.get(text);
    if (places === undefined) gone.set(text, [i]);
    else places.push(i);
  });
  const moved: [number, number][] = [];
  now.forEach((text, j) => {
    const i = keptAfter.has(j) ? undefined : gone.get(text)?.shift();
    if (i === undefined) return;
    moved.push([i, j]);
    keptBefore.add(i);
    keptAfter.add(j);
  });
  const edited: [number, number][] = [];
  let [fromI, fromJ] = [0, 0];
  for (const [i, j] of [...still, [before.length, after.length] as const]) {
    const olds = range(fromI, i).filter((place) => !keptBefore.has(place));
    const news = range(fromJ, j).filter((place) => !keptAfter.has(place));
    for (let n = 0; n < Math.min(olds.length, news.length); n++) {
      const [oldPlace, newPlace] = [olds[n] as number, news[n] as number];
      if (areAlike(before[oldPlace] as Json, after[newPlace] as Json)) edited.push([oldPlace, newPlace]);
    }
    [fromI, fromJ] = [i + 1, j + 1];
  }
  return { pairs: [...still, ...moved, ...edited], moved: new Set(moved.map(([, j]) => j)) };
}

/** Two items of one sort; objects have to share a member, or the one is not an edit of the other. */
function areAlike(a: Json, b: Json): boolean {
  if (isJsonObject(a)) return isJsonObject(b) && Object.keys(a).some((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]));
  return Array.isArray(a) === Array.isArray(b) && !isJsonObject(b);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
}
