/** JSON as it arrives from an API server, how it is read without losing a digit, and the one canonical way of writing it. */

/** A whole number whose digits a double does not hold is a bigint (see `parseJson`). */
export type JsonScalar = string | number | bigint | boolean | null;
export type Json = JsonScalar | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

declare global {
  interface JSON {
    /** What JSON.stringify writes as it stands (TC39: JSON.parse source text access); `text` is that of a scalar. */
    rawJSON(text: string): object;
  }
}

/** JSON.stringify leaves it to whoever has bigints to say how they are written: as the digits that they are (ADR 27). */
Object.defineProperty(BigInt.prototype, 'toJSON', {
  value(this: bigint) {
    return JSON.rawJSON(String(this));
  },
  writable: true,
  configurable: true,
});

/** Doubles hold all whole numbers of so many digits, and not all of more. */
const DIGITS_MAX = 15;
/**
 * What a text has in which a number may not be what JSON.parse makes of it: more digits than that where a number begins, outside of strings or, seldom,
 * within; or an exponent that may be out of range. One pattern, as two take twice as long.
 */
const MAY_LOSE = /\d{16}(?<=(?:^|[\s:,[])-?\d{16})|\d[eE]\+?\d{3,}(?![^\s,}\]])/;
const WHOLE = /^-?\d+$/;

/** A number beyond 1.8e308, which would become Infinity, and null when it is written again. No API server takes one. */
export class NumberRangeError extends SyntaxError {
  constructor() {
    super('the JSON holds a number that is out of range (its magnitude is beyond 1.8e308)');
  }
}

/**
 * Like JSON.parse, but no whole number loses a digit: one that would be written in other digits than it was read in (beyond 2^53, as
 * 9223372036854775807, a usual "for ever") is a bigint, which `===`, JSON.stringify and String take for what it is. So every value has the text that
 * it came from, and two that differ differ. Throws SyntaxError on what is no JSON, and NumberRangeError. Numbers with a fraction or an exponent are
 * doubles, as they are to API servers.
 */
export function parseJson(text: string): Json {
  return MAY_LOSE.test(text) ? parseExactly(text) : (JSON.parse(text) as Json);
}

/** Takes five times as long as JSON.parse, so it is for texts that need it. */
function parseExactly(text: string): Json {
  try {
    return JSON.parse(text, exactly) as Json;
  } catch (error) {
    // Nested thousands of levels deep, where only JSON.parse by itself gets to; masking leaves nothing of what is below 200 (redact.ts).
    if (error instanceof RangeError) return JSON.parse(text) as Json;
    throw error;
  }
}

/** Where the browser that shows the page is too old to tell the source (before 2025), its numbers are rounded. */
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? exactNumber(context.source) : value;
}

/** What `parseJson` makes of a number, given its JSON text. Throws NumberRangeError. */
export function exactNumber(text: string): number | bigint {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new NumberRangeError();
  return text.length > DIGITS_MAX && WHOLE.test(text) && String(value) !== text ? BigInt(text) : value;
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
