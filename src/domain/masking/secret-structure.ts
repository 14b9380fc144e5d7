/**
 * Secrets that the structure of a text tells: what is in the list or map under a telling name, on the lines below it, in a block; an entry of
 * `name` and `value` in any order. The text is read as YAML and for the JSON that stands in it; its values are masked as those of an object are, and what
 * that masks is replaced where it stands.
 */
import type { Json } from '../json.ts';
import { readFlow } from './flow-reader.ts';
import type { Part, Place } from './text-part.ts';
import { readYaml } from './yaml-reader.ts';

export interface Span {
  start: number;
  end: number;
}

export interface Edit extends Span {
  text: string;
}

export interface Structure {
  /** In the order of the text; none overlaps another. */
  edits: Edit[];
  /** Where every text is masked, in the order of the text. */
  settled: Span[];
}

export const NO_STRUCTURE: Structure = { edits: [], settled: [] };

/** Beyond it no structure is read: the rules for lines are left. */
const TEXT_MAX = 256 * 1024;
const JSON_BEGINS = /[{[](?=\s{0,20}["{[])/g;
const MASK_END = /masked:[0-9a-f]{16}$/;

/** `masked` gives a value as it is where every text in it is masked that a name tells. */
export function readStructure(text: string, masked: (value: Json) => Json): Structure {
  if (text.length > TEXT_MAX) return NO_STRUCTURE;
  const parts = [...readYaml(text), ...readJson(text)];
  const found: Structure = { edits: [], settled: [] };
  for (const { value, place } of parts) collect(value, masked(value), place, found);
  if (found.edits.length + found.settled.length === 0) return NO_STRUCTURE;
  return { edits: apart(found.edits), settled: apart(found.settled) };
}

/** All that stands in a text, also where it is cut off. */
function readJson(text: string): Part[] {
  const parts: Part[] = [];
  JSON_BEGINS.lastIndex = 0;
  for (let match = JSON_BEGINS.exec(text); match !== null; match = JSON_BEGINS.exec(text)) {
    const { part, end } = readFlow(text, match.index, { to: text.length, isJson: true, anchors: new Map(), rest: parts });
    parts.push(part);
    JSON_BEGINS.lastIndex = Math.max(end, match.index + 1);
  }
  return parts;
}

/** What is to be read of a value: nothing that is worth a word, masks only, or anything else. */
type Left = 'nothing' | 'masks' | 'texts';

function collect(before: Json, after: Json, place: Place, found: Structure): Left {
  const { items, members } = place;
  if (items === undefined && members === undefined) return collectText(before, after, place, found);
  const settled = found.settled.length;
  let left = 'nothing' as Left;
  const add = (inner: Left) => {
    if (inner === 'texts' || left === 'nothing') left = inner;
  };
  if (items !== undefined) {
    for (const [i, item] of (before as Json[]).entries())
      add(collect(item, (after as Json[])[i] as Json, items[i] as Place, found));
  } else {
    for (const [name, member] of members as Map<string, Place>)
      add(collect(memberOf(before, name), memberOf(after, name), member, found));
  }
  if (left === 'masks') {
    found.settled.length = settled;
    found.settled.push({ start: place.start, end: place.end });
  }
  return left;
}

function collectText(before: Json, after: Json, { start, end }: Place, { edits, settled }: Structure): Left {
  const text = typeof after === 'string' ? after : '';
  const mask = MASK_END.exec(text);
  if (mask === null) return text === '' && typeof after !== 'number' ? 'nothing' : 'texts';
  // What stands before it is as it was: `Basic …`.
  if (before === after) settled.push({ start, end });
  else edits.push({ start: start + mask.index, end, text: mask[0] });
  return 'masks';
}

function memberOf(value: Json, name: string): Json {
  return (value as Record<string, Json>)[name] as Json;
}

/** In order, without what lies in another one: aliases lead to the same place, blocks hold documents of their own. */
function apart<T extends Span>(spans: T[]): T[] {
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  let end = -1;
  return spans.filter((span) => {
    const isApart = span.start >= end;
    if (isApart) end = span.end;
    return isApart;
  });
}
