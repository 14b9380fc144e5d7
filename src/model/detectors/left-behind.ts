/**
 * A value that stands in two fields, of which one moved: what was replaced in the one still stands in the other. An image tag that its sidecar has as
 * well, a host name in a rule and in its certificate: whoever moves such a copy alone has nearly always forgotten the other.
 */

import type { Change } from '../../domain/change.ts';
import { isListItem, unescapeSegment } from '../../domain/field-path.ts';
import type { Json } from '../../domain/json.ts';
import { isJsonObject } from '../../domain/json.ts';

/** One letter stands in too many texts. */
const LENGTH_MIN = 2;
const IN_NAME = /[\w.-]/;
const IN_WORD = /\w/;

/** What was put in whose place, up to the borders of names: of `quay.io/app:1.2` and `quay.io/app:1.3` it is `1.2` and `1.3`. */
interface Replaced {
  was: string;
  is: string;
}

/** The text that `field` replaced and that `partner`, a path of the changed object, still has and has nothing new of; undefined where it has not. */
export function leftBehind(
  change: Pick<Change, 'state' | 'member'>,
  field: { old: Json | undefined; next: Json | undefined },
  partner: string,
): string | undefined {
  const replaced = replacedPart(field.old, field.next);
  if (replaced === undefined) return undefined;
  const { was, is } = replaced;
  let stands = false;
  for (const value of valuesIn(change, partner)) {
    if (hasWord(value, is)) return undefined;
    stands ||= hasWord(value, was);
  }
  return stands ? was : undefined;
}

function replacedPart(old: Json | undefined, next: Json | undefined): Replaced | undefined {
  if (isNumber(old) && isNumber(next)) return { was: String(old), is: String(next) };
  if (typeof old !== 'string' || typeof next !== 'string') return undefined;
  const shorter = Math.min(old.length, next.length);
  let from = 0;
  while (from < shorter && old[from] === next[from]) from++;
  let kept = 0;
  while (kept < shorter - from && old[old.length - 1 - kept] === next[next.length - 1 - kept]) kept++;
  while (from > 0 && IN_NAME.test(old[from - 1] as string)) from--;
  while (kept > 0 && IN_NAME.test(old[old.length - kept] as string)) kept--;
  const was = old.slice(from, old.length - kept);
  const is = next.slice(from, next.length - kept);
  return was.length < LENGTH_MIN || was === is ? undefined : { was, is };
}

function isNumber(value: Json | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function hasWord(value: Json, word: string): boolean {
  if (typeof value !== 'string' && !isNumber(value)) return false;
  const text = String(value);
  if (word === '') return text === '';
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!IN_WORD.test(text[at - 1] ?? '') && !IN_WORD.test(text[at + word.length] ?? '')) return true;
  }
  return false;
}

function valuesIn(change: Pick<Change, 'state' | 'member'>, path: string): Json[] {
  const segments = path.slice(1).split('/');
  const [top = '', key] = segments;
  const member = key === undefined ? undefined : change.member?.(unescapeSegment(top), unescapeSegment(key));
  return member === undefined ? valuesAt(change.state as unknown as Json, segments) : valuesAt(member, segments.slice(2));
}

/** The values at a path, of a generic one those of all items. */
function valuesAt(state: Json, path: readonly string[]): Json[] {
  let values = [state];
  for (const segment of path) {
    const below: Json[] = [];
    for (const value of values) {
      if (Array.isArray(value)) below.push(...itemsOf(value, segment));
      else if (isJsonObject(value)) {
        const name = unescapeSegment(segment);
        if (Object.hasOwn(value, name)) below.push(value[name] as Json);
      }
    }
    values = below;
  }
  return values;
}

function itemsOf(list: readonly Json[], segment: string): readonly Json[] {
  if (!isListItem(segment)) return [];
  const name = segment.slice(1, -1);
  if (name === '*') return list;
  const equals = name.indexOf('=');
  if (equals < 0) {
    const item = list[Number(name)];
    return item === undefined ? [] : [item];
  }
  const key = unescapeSegment(name.slice(0, equals));
  const value = unescapeSegment(name.slice(equals + 1));
  return list.filter((item) => isJsonObject(item) && isNamed(item[key], value));
}

/** What names an item may be an object by now, of which String makes no text where it has a `toString` of its own. */
function isNamed(by: Json | undefined, name: string): boolean {
  return typeof by === 'object' ? false : String(by) === name;
}
