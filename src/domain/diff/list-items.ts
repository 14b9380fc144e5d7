/**
 * What tells the items of a list apart, and how a path names them. First come the merge keys that the kind's schema gives the list
 * (x-kubernetes-list-map-keys), where every item has all of them as scalars and no two items have the same; then the first of the members that
 * name items in practice; else they are told by their places. `scan/list-item-name.ts` finds the same in the text of a list.
 *
 *   [name=app]                          by one key
 *   [containerPort=53,protocol=UDP]     by several, in the order of the schema
 *   [3]                                 by place
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** Members that name the items of a list in practice, where no schema says by which they are told apart. */
export const MERGE_KEYS = ['name', 'key', 'type', 'host', 'path'] as const;

/** One member that tells the items of a list apart, or the several ones that a schema names. */
export type ItemKeys = string | readonly string[];

/** Up to here each is compared with each before it, which for the usual list is less work than a set. */
const COMPARED_MAX = 8;
/** Between the members of a name, so that no value that is part of a longer name may hold one. */
const BETWEEN = ',';

/** What tells the items of one list apart; `declared` are the keys of its schema. */
export function itemKeysOf(list: readonly Json[], declared: readonly string[] | undefined): ItemKeys | undefined {
  return declared !== undefined && isApartBy(list, declared) ? asItemKeys(declared) : mergeKeyOf(list);
}

/** What tells the items of both lists apart, so that those of one can be found in the other. */
export function sharedItemKeys(
  before: readonly Json[],
  after: readonly Json[],
  declared: readonly string[] | undefined,
): ItemKeys | undefined {
  if (before.length === 0 || after.length === 0) return itemKeysOf(after.length === 0 ? before : after, declared);
  if (declared !== undefined && isApartBy(after, declared) && isApartBy(before, declared)) return asItemKeys(declared);
  const usual = mergeKeyOf(after);
  return usual !== undefined && usual === mergeKeyOf(before) ? usual : undefined;
}

function asItemKeys(declared: readonly string[]): ItemKeys {
  return declared.length === 1 ? (declared[0] as string) : declared;
}

/** The usual key that tells all items of a list apart, if every item is an object that has it as a unique string. */
export function mergeKeyOf(list: readonly Json[]): string | undefined {
  const first = list[0];
  if (!isJsonObject(first)) return undefined;
  for (const key of MERGE_KEYS) {
    if (typeof first[key] !== 'string') continue;
    if (list.length === 1 || isTellingApart(list, key)) return key;
  }
  return undefined;
}

function isTellingApart(list: readonly Json[], key: string): boolean {
  const seen = list.length > COMPARED_MAX ? new Set<string>() : undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as Json;
    const value = isJsonObject(item) ? item[key] : undefined;
    if (typeof value !== 'string') return false;
    if (seen !== undefined) {
      if (seen.size === seen.add(value).size) return false;
    } else for (let k = 0; k < i; k++) if ((list[k] as JsonObject)[key] === value) return false;
  }
  return true;
}

/** A key that one item lacks, as a server fills in a default, or that two items share leaves the whole list to the usual rule. */
function isApartBy(list: readonly Json[], keys: readonly string[]): boolean {
  if (keys.length === 1 && isTellingApart(list, keys[0] as string)) return true;
  const names: string[] = [];
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as Json;
    if (!isJsonObject(item)) return false;
    for (let k = 0; k < keys.length; k++) if (!isNaming(item[keys[k] as string], keys.length > 1)) return false;
    const name = namedBy(item, keys);
    if (list.length <= COMPARED_MAX && names.includes(name)) return false;
    names.push(name);
  }
  return list.length <= COMPARED_MAX || new Set(names).size === list.length;
}

/** What every object inherits is no scalar, so a key such as `constructor` needs no care. */
function isNaming(value: Json | undefined, isOneOfSeveral: boolean): boolean {
  if (typeof value === 'string') return !isOneOfSeveral || !value.includes(BETWEEN);
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
}

/** `name=app`: what stands in the brackets of the item's segment, not escaped. The item has these keys. */
export function itemName(item: Json, keys: ItemKeys): string {
  return typeof keys === 'string' ? `${keys}=${(item as JsonObject)[keys]}` : namedBy(item as JsonObject, keys);
}

function namedBy(item: JsonObject, keys: readonly string[]): string {
  let name = `${keys[0]}=${item[keys[0] as string]}`;
  for (let k = 1; k < keys.length; k++) name += `${BETWEEN}${keys[k]}=${item[keys[k] as string]}`;
  return name;
}

/** The item that a segment of a path names, brackets included. */
export function itemAt(list: readonly Json[], segment: string): Json | undefined {
  const inner = segment.slice(1, -1);
  const equals = inner.indexOf('=');
  if (equals < 0) return list[Number(inner)];
  const key = inner.slice(0, equals);
  const text = inner.slice(equals + 1);
  const byOne = list.find((item) => isJsonObject(item) && isNaming(item[key], false) && String(item[key]) === text);
  if (byOne !== undefined || !text.includes(BETWEEN)) return byOne;
  const keys = keysNamed(inner);
  return list.find(
    (item) => isJsonObject(item) && keys.every((one) => isNaming(item[one], true)) && namedBy(item, keys) === inner,
  );
}

/** The keys that a name is by. */
export function keysNamed(name: string): string[] {
  return name.split(BETWEEN).map((member) => member.slice(0, Math.max(0, member.indexOf('='))));
}

/** The same name with its members in one order, whatever that of the keys is; undefined for one that is not by several keys. */
export function sortedName(name: string): string | undefined {
  const members = name.split(BETWEEN);
  return members.length > 1 && members.every((member) => member.includes('=')) ? members.sort().join(BETWEEN) : undefined;
}
