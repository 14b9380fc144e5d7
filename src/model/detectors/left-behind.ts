/**
 * A value that stands in two fields, of which one moved: what was replaced in the one still stands in the other. An image tag that its sidecar has as
 * well, a host name in a rule and in its certificate: whoever moves such a copy alone has nearly always forgotten the other.
 */

import type { Change } from '../../domain/change.ts';
import { memberAt } from '../../domain/diff/field-diff.ts';
import { type FieldPath, segmentsOf } from '../../domain/field-path.ts';
import type { Json } from '../../domain/json.ts';

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

function valuesIn(change: Pick<Change, 'state' | 'member'>, path: FieldPath): Json[] {
  const segments = segmentsOf(path);
  const [top = '', key] = segments;
  const member = key === undefined ? undefined : change.member?.(top, key);
  return member === undefined ? valuesAt(change.state as unknown as Json, segments) : valuesAt(member, segments.slice(2));
}

/** The values at a path, of a generic one those of all items. */
function valuesAt(state: Json, path: readonly string[]): Json[] {
  let values = [state];
  for (const segment of path) {
    values = values.flatMap((value) => {
      if (Array.isArray(value) && segment === '[*]') return value;
      const below = memberAt(value, segment);
      return below === undefined ? [] : [below];
    });
  }
  return values;
}
