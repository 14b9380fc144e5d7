/**
 * managedFields from their text. Between two writes of an object they differ in times alone, and those of a thousand objects that the same
 * managers write in nothing else either; so a text without its times is parsed once, and what came of it is given again with others put in.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { Recent } from '../recent.ts';

const CHARS_MAX = 2 * 1024 * 1024;
/** A text beyond this is worth no place. */
const TEXT_MAX = 64 * 1024;
/** Where an entry's time begins: within a string no quote stands without a backslash before it. */
const TIME = ',"time":"';
/** What is put in for another needs no escapes. */
const PLAIN = /^[\dTZ:.+-]*$/;

/** Entries to be shared: neither they nor what is in them is to be modified. */
const known = new Recent<string, readonly JsonObject[]>(CHARS_MAX);

/** Throws SyntaxError on text that is not JSON. What it gives is not to be modified. */
export function parseManaged(text: string): Json {
  const times: string[] = [];
  let shape = '';
  let from = 0;
  for (let at = text.indexOf(TIME); at >= 0; at = text.indexOf(TIME, from)) {
    const begin = at + TIME.length;
    const end = text.indexOf('"', begin);
    const time = text.slice(begin, end);
    if (end < 0 || !PLAIN.test(time)) return JSON.parse(text) as Json;
    times.push(time);
    shape += text.slice(from, begin);
    from = end;
  }
  shape += text.slice(from);
  const entries = known.get(shape);
  if (entries !== undefined) return withTimes(entries, times);
  const parsed = JSON.parse(text) as Json;
  if (shape.length <= TEXT_MAX && isRegular(parsed, times)) known.set(shape, parsed, shape.length);
  return parsed;
}

/** True where the times are those of the entries that have one, in their order. */
function isRegular(parsed: Json, times: readonly string[]): parsed is JsonObject[] {
  if (!Array.isArray(parsed) || !parsed.every(isJsonObject)) return false;
  const timed = parsed.filter((entry) => Object.hasOwn(entry, 'time'));
  return timed.length === times.length && timed.every((entry, i) => entry.time === times[i]);
}

function withTimes(entries: readonly JsonObject[], times: readonly string[]): JsonObject[] {
  let next = 0;
  return entries.map((entry) => (Object.hasOwn(entry, 'time') ? { ...entry, time: times[next++] as string } : entry));
}
