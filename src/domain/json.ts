/** JSON as it arrives from an API server, and the one canonical way of writing it. */

export type JsonScalar = string | number | boolean | null;
export type Json = JsonScalar | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * JSON text with object keys sorted by code unit, so that equal values have equal text.
 * Undefined members are left out, as JSON.stringify does.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** Deep equality of JSON values; the order of an object's keys does not count, the order of a list does. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]));
}

/** No text without such an escape holds half a character; most are told apart by this alone. */
const MAY_BE_HALF = /\\u[dD][89a-fA-F]/;
/** Whole pairs and all other escapes are passed over; what is left of `\ud800` to `\udfff` stands alone. */
const ESCAPES = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|(u[dD][89a-fA-F])|.)/gs;

/**
 * Whether valid JSON holds half a surrogate pair (`"\ud800"`): its grammar has it, and yet it is no text. UTF-8 cannot say it, so that what is
 * written of it is another text, and two that differ in memory are one on disk.
 */
export function holdsHalfCharacter(json: string): boolean {
  if (!MAY_BE_HALF.test(json)) return false;
  for (const [, half] of json.matchAll(ESCAPES)) if (half !== undefined) return true;
  return false;
}
