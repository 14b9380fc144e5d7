/**
 * Two states of an object as one YAML text with git's signs. Structural rather than by line: list items are matched by their
 * merge key and every line knows the field it shows, so that flagged fields can be marked. Pure.
 */
import { itemName, sharedItemKeys } from '../../domain/diff/list-items.ts';
import { escapeSegment, type FieldPath, genericPath } from '../../domain/field-path.ts';
import { isJsonObject, type Json, type JsonObject, jsonEqual } from '../../domain/json.ts';
import { innerOf, type ListKeys } from '../../domain/schema-tree.ts';
import { visible } from './words.ts';

export type Sign = ' ' | '+' | '-';

export interface DiffLine {
  sign: Sign;
  /** Leading blanks. */
  indent: number;
  text: string;
  path: FieldPath;
}

/** Lines left out of a folded diff. */
export interface Fold {
  fold: number;
}

/** Bookkeeping of the API server that moves with every write. */
const QUIET = ['resourceVersion', 'generation', 'managedFields'];
const LINE_DIFF_MAX = 600;

/** Where something lies: how far in, and what is known of how the lists in it name their items. */
interface Place {
  indent: number;
  path: FieldPath;
  lists: ListKeys | undefined;
}

/**
 * All lines of the object, unchanged ones included. An absent `before` is a new object, an absent `after` a deleted one. `lists` are the merge keys
 * that paths of other answers name items by, so that lines have the same.
 */
export function diffLines(
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  lists?: ListKeys | undefined,
): DiffLine[] {
  return members(quiet(before), quiet(after), { indent: 0, path: '', lists });
}

function quiet(state: JsonObject | undefined): JsonObject | undefined {
  if (state === undefined || !isJsonObject(state.metadata)) return state;
  const metadata = Object.fromEntries(Object.entries(state.metadata).filter(([key]) => !QUIET.includes(key)));
  return { ...state, metadata };
}

function members(before: JsonObject | undefined, after: JsonObject | undefined, { indent, path, lists }: Place): DiffLine[] {
  return mergedKeys(Object.keys(before ?? {}), Object.keys(after ?? {})).flatMap((key) =>
    field(key, own(before, key), own(after, key), {
      indent,
      path: `${path}/${escapeSegment(key)}`,
      lists: lists && innerOf(lists, key),
    }),
  );
}

function own(object: JsonObject | undefined, key: string): Json | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The keys of `after` in their order, each key only `before` has right behind the key it stood behind. */
function mergedKeys(before: readonly string[], after: readonly string[]): string[] {
  const kept = new Set(after);
  const behind = new Map<string, string[]>();
  let anchor = '';
  for (const key of before) {
    if (kept.has(key)) anchor = key;
    else behind.set(anchor, [...(behind.get(anchor) ?? []), key]);
  }
  return [...(behind.get('') ?? []), ...after.flatMap((key) => [key, ...(key === '' ? [] : (behind.get(key) ?? []))])];
}

function field(key: string, before: Json | undefined, after: Json | undefined, place: Place): DiffLine[] {
  const { indent, path } = place;
  const name = scalar(key);
  if (isNested(before) && isNested(after) && Array.isArray(before) === Array.isArray(after)) {
    return [{ sign: ' ', indent, text: `${name}:`, path }, ...nested(before, after, within(place))];
  }
  if (isText(before) && isText(after)) {
    return [{ sign: ' ', indent, text: `${name}: |`, path }, ...textLines(before, after, indent + 2, path)];
  }
  if (before !== undefined && after !== undefined && jsonEqual(before, after)) return whole(name, after, place, ' ');
  return [
    ...(before === undefined ? [] : whole(name, before, place, '-')),
    ...(after === undefined ? [] : whole(name, after, place, '+')),
  ];
}

function within({ indent, ...place }: Place): Place {
  return { ...place, indent: indent + 2 };
}

/** One side only, or a scalar that is equal on both. */
function whole(name: string, value: Json, place: Place, sign: Sign): DiffLine[] {
  const { indent, path } = place;
  const head = (text: string): DiffLine => ({ sign, indent, text, path });
  if (isNested(value)) return [head(`${name}:`), ...oneSided(value, within(place), sign)];
  if (isText(value)) {
    return [head(`${name}: |`), ...value.split('\n').map((text) => ({ sign, indent: indent + 2, text: visible(text), path }))];
  }
  return [head(`${name}: ${scalar(value)}`)];
}

function oneSided(value: Json, place: Place, sign: Sign): DiffLine[] {
  const lines = nested(sign === '+' ? undefined : value, sign === '-' ? undefined : value, place);
  return sign === ' ' ? lines : lines.map((line) => ({ ...line, sign }));
}

function nested(before: Json | undefined, after: Json | undefined, place: Place): DiffLine[] {
  if (Array.isArray(before ?? after)) return items(before as Json[] | undefined, after as Json[] | undefined, place);
  return members(before as JsonObject | undefined, after as JsonObject | undefined, place);
}

function items(before: Json[] | undefined, after: Json[] | undefined, { indent, path, lists }: Place): DiffLine[] {
  const [old, now] = [before ?? [], after ?? []];
  const keys = sharedItemKeys(old, now, lists?.told);
  const nameOf = (item: Json, i: number) => (keys === undefined ? String(i) : itemName(item, keys));
  const oldNames = old.map(nameOf);
  const nowNames = now.map(nameOf);
  return mergedKeys(oldNames, nowNames).flatMap((name) => {
    const place = { indent, path: `${path}/[${escapeSegment(name)}]`, lists: lists?.items };
    return withDash(item(old[oldNames.indexOf(name)], now[nowNames.indexOf(name)], place), indent);
  });
}

function item(before: Json | undefined, after: Json | undefined, place: Place): DiffLine[] {
  const inner = within(place);
  if (isNested(before) && isNested(after) && Array.isArray(before) === Array.isArray(after)) return nested(before, after, inner);
  const side = (value: Json, sign: Sign): DiffLine[] =>
    isNested(value) ? oneSided(value, inner, sign) : [{ sign, indent: inner.indent, text: scalar(value), path: place.path }];
  if (before !== undefined && after !== undefined && jsonEqual(before, after)) return side(after, ' ');
  return [...(before === undefined ? [] : side(before, '-')), ...(after === undefined ? [] : side(after, '+'))];
}

/** Puts the list dash on the first line of each side. */
function withDash(lines: DiffLine[], indent: number): DiffLine[] {
  const firstOld = lines.find((line) => line.sign !== '+');
  const firstNew = lines.find((line) => line.sign !== '-');
  return lines.map((line) => (line === firstOld || line === firstNew ? { ...line, indent, text: `- ${line.text}` } : line));
}

/** A text of several lines against another: line by line where it is short enough for the plain table. */
function textLines(before: string, after: string, indent: number, path: FieldPath): DiffLine[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const line = (sign: Sign, text: string): DiffLine => ({ sign, indent, text: visible(text), path });
  if (old.length > LINE_DIFF_MAX || now.length > LINE_DIFF_MAX) {
    return before === after
      ? now.map((text) => line(' ', text))
      : [...old.map((t) => line('-', t)), ...now.map((t) => line('+', t))];
  }
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      (lengths[i] as Uint16Array)[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      out.push(line(' ', now[j] as string));
      i++;
      j++;
    } else if (i < old.length && (j >= now.length || at(i + 1, j) >= at(i, j + 1))) {
      out.push(line('-', old[i++] as string));
    } else {
      out.push(line('+', now[j++] as string));
    }
  }
  return out;
}

function isNested(value: Json | undefined): value is Json[] | JsonObject {
  if (Array.isArray(value)) return value.length > 0;
  return isJsonObject(value) && Object.keys(value).length > 0;
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value.includes('\n');
}

/** A scalar as YAML writes it: bare where that cannot be misread, else as a JSON string. */
function scalar(value: Json): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const plain =
    /^[\w./(<$][^\n"]*$/.test(value) &&
    !/: |:$| #|\s$/.test(value) &&
    !/^(true|false|null|yes|no|on|off|y|n|~|[-+]?\.(inf|nan)|0[xo][\da-f]+|[-+]?(\.\d+|\d[\d_]*(\.\d*)?)(e[-+]?\d+)?)$/i.test(
      value,
    );
  return visible(plain ? value : JSON.stringify(value));
}

/** True when a line shows the field a reason names, exactly, over all list items, or as a part of it. */
export function isFlagged(line: DiffLine, path: FieldPath): boolean {
  const under = (place: FieldPath) => place === path || place.startsWith(`${path}/`);
  return line.sign !== ' ' && path !== '' && (under(line.path) || under(genericPath(line.path)));
}

/** Leaves out unchanged lines further than `context` from a change, keeping the headings a shown line stands under. */
export function foldLines(lines: readonly DiffLine[], context: number): (DiffLine | Fold)[] {
  const keep = new Set<number>();
  lines.forEach((line, i) => {
    if (line.sign === ' ') return;
    for (let near = Math.max(0, i - context); near <= Math.min(lines.length - 1, i + context); near++) keep.add(near);
    let indent = line.indent;
    for (let above = i - 1; above >= 0 && indent > 0; above--) {
      const heading = lines[above] as DiffLine;
      if (heading.indent < indent) {
        keep.add(above);
        indent = heading.indent;
      }
    }
  });
  const out: (DiffLine | Fold)[] = [];
  let skipped: DiffLine[] = [];
  const flush = () => {
    // One or two lines take no more room than the note that they are left out.
    if (skipped.length <= 2) out.push(...skipped);
    else out.push({ fold: skipped.length });
    skipped = [];
  };
  lines.forEach((line, i) => {
    if (!keep.has(i)) {
      skipped.push(line);
      return;
    }
    flush();
    out.push(line);
  });
  flush();
  return out;
}
