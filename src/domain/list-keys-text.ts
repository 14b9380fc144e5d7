/**
 * The merge keys of a kind as JSON, for the record and for recordings: what lies where in an object, and at each list the keys of its items.
 *
 *   {"members":{"spec":{"members":{"ports":{"keys":["containerPort","protocol"]}}}}}
 *
 * `members` are those of an object by name, `others` all that it does not name, `items` those of a list.
 */
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { ListKeys } from './schema-tree.ts';

const DEPTH_MAX = 64;

export function listKeysJson({ told, members, others, items }: ListKeys): JsonObject {
  const json: JsonObject = {};
  if (told !== undefined) json.keys = [...told];
  // Through a prototype of none, as a member called __proto__ is one like any other.
  if (members.size > 0) json.members = Object.fromEntries([...members].map(([name, inner]) => [name, listKeysJson(inner)]));
  if (others !== undefined) json.others = listKeysJson(others);
  if (items !== undefined) json.items = listKeysJson(items);
  return json;
}

/** The same text for the same keys, as long as the schema names them in the same order. */
export function formatListKeys(lists: ListKeys): string {
  return JSON.stringify(listKeysJson(lists));
}

/** Undefined for what is none. */
export function parseListKeys(json: unknown, depth = 0): ListKeys | undefined {
  if (!isJsonObject(json as Json) || depth > DEPTH_MAX) return undefined;
  const { keys, members: named = {}, others, items } = json as JsonObject;
  if (keys !== undefined && !(Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === 'string')))
    return undefined;
  if (!isJsonObject(named)) return undefined;
  const parts: { others?: ListKeys; items?: ListKeys } = {};
  for (const [name, part] of [['others', others] as const, ['items', items] as const]) {
    if (part === undefined) continue;
    const read = parseListKeys(part, depth + 1);
    if (read === undefined) return undefined;
    parts[name] = read;
  }
  const members = new Map<string, ListKeys>();
  for (const [name, member] of Object.entries(named)) {
    const inner = parseListKeys(member, depth + 1);
    if (inner === undefined) return undefined;
    members.set(name, inner);
  }
  return { ...(keys === undefined ? {} : { told: keys as string[] }), members, ...parts };
}
