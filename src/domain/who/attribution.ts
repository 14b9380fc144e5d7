import { type Actor, UNKNOWN_ACTOR } from '../change.ts';
import { withoutBookkeeping } from '../diff/bookkeeping.ts';
import { countLeaves, type FieldDiff } from '../diff/field-diff.ts';
import { itemKeysOf, itemName, sortedName } from '../diff/list-items.ts';
import { type FieldPath, isListItem, partOf, unescapeSegment } from '../field-path.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.ts';
import type { KubeObject } from '../object-ref.ts';
import { innerOf, type ListKeys } from '../schema-tree.ts';
import type { ManagedWriter } from './managed-writers.ts';

/** The part of an object that says who wrote it: of metadata the name and managedFields. */
export interface Managed {
  apiVersion: string;
  kind: string;
  metadata: JsonObject;
}

/**
 * Who made a change, as far as the object itself tells: `metadata.managedFields` names the field manager that last wrote, with a whole
 * second as time, chosen by the client (so a hint, never proof), without a trace of removals or deletions.
 * Confidence: 0.3 for the newest entry, +0.2 when it is the only one that new, +0.2 when it owns every changed path that still exists.
 * A write through the scale subresource of a custom resource leaves an entry without a time: it counts where it owns what changed and the
 * newest does not.
 */
export function attribute(
  object: Managed,
  diff: readonly FieldDiff[],
  stated: string | undefined,
  deleted: boolean,
): { actor: Actor; candidates: Actor[] } {
  const kept = diff.some(isRemoval) ? diff.filter((field) => !isRemoval(field)) : diff;
  return named(object, stated, deleted, {
    kept: kept.length,
    statusOnly: diff.length > 0 && diff.every((field) => partOf(field.path) === 'status'),
    ownsSome: (fields) => kept.some((field) => ownsPath(fields, field.path)),
    owned: (fields) => {
      let count = 0;
      for (const field of kept) if (ownsPath(fields, field.path)) count += 1;
      return count;
    },
  });
}

function isRemoval({ op }: FieldDiff): boolean {
  return op === 'remove';
}

/**
 * The same for the first sight of an object, of which every leaf is new: counted in `state` rather than named one by one. `lists` are the merge
 * keys of its kind.
 */
export function attributeFirst(
  object: Managed,
  state: KubeObject,
  stated: string | undefined,
  lists?: ListKeys | undefined,
): { actor: Actor; candidates: Actor[] } {
  const seen = withoutBookkeeping(state);
  const owned = (fields: JsonObject) => ownedLeaves(fields, seen, lists);
  return named(object, stated, false, {
    kept: countLeaves(seen),
    // apiVersion is a leaf too.
    statusOnly: false,
    ownsSome: (fields) => owned(fields) > 0,
    owned,
  });
}

/** What was written, as far as naming the writer needs it. */
export interface Writing {
  /** Fields that were set. */
  kept: number;
  statusOnly: boolean;
  ownsSome(fields: JsonObject): boolean;
  /** How many of those set a fieldsV1 set covers. */
  owned(fields: JsonObject): number;
}

function named(
  object: Managed,
  stated: string | undefined,
  deleted: boolean,
  writing: Writing,
): { actor: Actor; candidates: Actor[] } {
  if (stated !== undefined) {
    const actor: Actor = { name: stated, source: 'stream', confidence: 1 };
    return { actor, candidates: [actor] };
  }
  // A deletion leaves no entry: whoever wrote last need not be who deleted.
  const all = deleted ? [] : managedEntries(object);
  // Without lists in between, as this runs for every change.
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { timeMs } of all) if (timeMs !== undefined && timeMs > newestMs) newestMs = timeMs;
  if (newestMs === Number.NEGATIVE_INFINITY) return { actor: UNKNOWN_ACTOR, candidates: [] };
  const newest = all.filter((entry) => entry.timeMs === newestMs);
  const hasTimeless = all.some(isTimeless) && !newest.some((entry) => writing.ownsSome(entry.fields));
  const timeless = hasTimeless ? all.filter((entry) => isTimeless(entry) && writing.ownsSome(entry.fields)) : [];
  return nameWriters(hasTimeless ? [...timeless, ...newest] : newest, writing);
}

/** Who of those that may have written it did, the most likely first. */
export function nameWriters(writers: readonly ManagedWriter[], writing: Writing): { actor: Actor; candidates: Actor[] } {
  const alone = writers.length === 1;
  const candidates = writers.map((writer): Actor => {
    const share = writing.kept === 0 ? 0 : writing.owned(writer.fields) / writing.kept;
    const fits = writer.status === writing.statusOnly ? 0 : -0.1;
    const confidence = round(0.3 + (alone ? 0.2 : 0) + 0.2 * share + fits);
    return { name: writer.manager, source: 'managedFields', confidence, operation: writer.operation };
  });
  if (!alone) candidates.sort((a, b) => b.confidence - a.confidence);
  return { actor: candidates[0] ?? UNKNOWN_ACTOR, candidates };
}

function isTimeless(entry: ManagedEntry): boolean {
  return entry.timeMs === undefined;
}

interface ManagedEntry extends ManagedWriter {
  timeMs: number | undefined;
}

function managedEntries(object: Managed): ManagedEntry[] {
  const list = object.metadata.managedFields;
  if (!Array.isArray(list)) return [];
  const entries: ManagedEntry[] = [];
  for (const entry of list) {
    if (!isJsonObject(entry) || typeof entry.manager !== 'string') continue;
    const timeMs = typeof entry.time === 'string' ? Date.parse(entry.time) : undefined;
    if (Number.isNaN(timeMs)) continue;
    entries.push({
      manager: entry.manager,
      operation: typeof entry.operation === 'string' ? entry.operation : 'Update',
      timeMs,
      status: entry.subresource === 'status',
      fields: isJsonObject(entry.fieldsV1) ? entry.fieldsV1 : {},
    });
  }
  return entries;
}

/** Whether a fieldsV1 set covers a field path; a set that ends above the path owns everything below (an atomic list or map). */
export function ownsPath(fields: JsonObject, path: FieldPath): boolean {
  let node: JsonObject = fields;
  // Segment by segment without a list of them: this runs for each changed field of each change.
  for (let from = 1; from <= path.length; ) {
    const slash = path.indexOf('/', from);
    const to = slash < 0 ? path.length : slash;
    const segment = unescapeSegment(path.slice(from, to));
    from = to + 1;
    const next = isListItem(segment) ? listItem(node, segment) : node[`f:${segment}`];
    if (!isJsonObject(next)) return isEmptySet(node);
    node = next;
  }
  return true;
}

/** To see that a set is not empty takes time for each of its members, and each changed field may ask. */
const empty = new WeakMap<JsonObject, boolean>();

function isEmptySet(node: JsonObject): boolean {
  let known = empty.get(node);
  if (known === undefined) {
    known = isEmpty(node);
    empty.set(node, known);
  }
  return known;
}

/** How many leaves of a value a fieldsV1 set covers; see `ownsPath`. */
function ownedLeaves(fields: JsonObject, value: Json, lists: ListKeys | undefined): number {
  if (isEmpty(fields)) return countLeaves(value);
  let count = 0;
  if (Array.isArray(value) && value.length > 0) {
    const keys = itemKeysOf(value, lists?.told);
    value.forEach((item, i) => {
      const next = listItem(fields, keys === undefined ? `[${i}]` : `[${itemName(item, keys)}]`);
      if (next !== undefined) count += ownedLeaves(next, item, lists?.items);
    });
    return count;
  }
  if (!isJsonObject(value) || isEmpty(value)) return 1;
  for (const key of Object.keys(value)) {
    const next = isListItem(key) ? listItem(fields, key) : fields[`f:${key}`];
    if (isJsonObject(next)) count += ownedLeaves(next, value[key] as Json, lists && innerOf(lists, key));
  }
  return count;
}

function isEmpty(node: JsonObject): boolean {
  for (const _ in node) return false;
  return true;
}

/**
 * `[name=app]` matches `k:{"name":"app"}` and any composite key that contains the pair, `[containerPort=80,protocol=TCP]` the key of both, however
 * they are ordered; an index matches `i:3`.
 */
function listItem(node: JsonObject, segment: string): JsonObject | undefined {
  const inner = segment.slice(1, -1);
  const equals = inner.indexOf('=');
  if (equals < 0) return isJsonObject(node[`i:${inner}`]) ? (node[`i:${inner}`] as JsonObject) : undefined;
  const item = node[`k:{${JSON.stringify(inner.slice(0, equals))}:${JSON.stringify(inner.slice(equals + 1))}}`];
  if (isJsonObject(item)) return item;
  const byName = itemsByName(node);
  const found = byName.get(inner);
  if (found !== undefined) return found;
  const sorted = sortedName(inner);
  return sorted === undefined ? undefined : byName.get(sorted);
}

/** By the names of their keys, all together and each alone; made once, as each changed item asks. */
const items = new WeakMap<JsonObject, Map<string, JsonObject>>();

function itemsByName(node: JsonObject): Map<string, JsonObject> {
  let known = items.get(node);
  if (known !== undefined) return known;
  known = new Map();
  items.set(node, known);
  for (const key of Object.keys(node)) {
    const item = node[key];
    const names = key.startsWith('k:{') && isJsonObject(item) ? keyMembers(key.slice(2)) : [];
    if (names.length > 1) known.set(names.toSorted().join(','), item as JsonObject);
    for (const name of names) if (!known.has(name)) known.set(name, item as JsonObject);
  }
  return known;
}

/** `name=app` for each member of the key of an item; none where it is no JSON. */
function keyMembers(text: string): string[] {
  try {
    const key = parseJson(text);
    return isJsonObject(key) ? Object.entries(key).map(([name, value]) => `${name}=${value}`) : [];
  } catch {
    return [];
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
