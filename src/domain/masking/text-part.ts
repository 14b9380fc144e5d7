/** A value that was read out of a text, with the places where its texts stand, so that each can be replaced alone. */
import type { Json } from '../json.ts';

export interface Place {
  /** Of a text, what stands between its quotes; it is the value as it is written, escapes and all. */
  start: number;
  end: number;
  items?: Place[];
  members?: Map<string, Place>;
}

export interface Part {
  value: Json;
  place: Place;
  /** How many values are in it. */
  size: number;
}

/** By the names that they are given in the text. */
export type Anchors = Map<string, Part>;

/** Deeper than people write. */
export const PART_DEPTH_MAX = 64;
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/;
/** Of aliases, how much may be read twice: they may stand within each other, doubled each time. */
const ALIASED_MAX = 1_000;

export function textPart(text: string, start: number, end: number): Part {
  return { value: text.slice(start, end), place: { start, end }, size: 1 };
}

/** A word that no quotes say to be a text. */
export function plainPart(text: string, start: number, end: number): Part {
  const word = text.slice(start, end);
  if (word === 'true' || word === 'false') return { value: word === 'true', place: { start, end }, size: 1 };
  if (word === '' || word === '~' || word === 'null') return nothingAt(start);
  return NUMBER.test(word) ? { value: Number(word), place: { start, end }, size: 1 } : textPart(text, start, end);
}

export function nothingAt(at: number): Part {
  return { value: null, place: { start: at, end: at }, size: 1 };
}

export function listOf(parts: readonly Part[], start: number, end: number): Part {
  const place = { start, end, items: parts.map((part) => part.place) };
  return { value: parts.map(({ value }) => value), place, size: sizeOf(parts) };
}

/** Names that are sentences name nothing: any prose looks like YAML for a while. */
export function nameOf(written: string): string {
  return /\s/.test(written) ? '' : written;
}

/** Of two members of one name the later one comes first in `rest`, as an object of its own. */
export function mapOf(members: readonly [string, Part][], start: number, end: number, rest: Part[]): Part {
  const known = new Map<string, Part>();
  for (const [name, part] of members) {
    if (!known.has(name)) known.set(name, part);
    else rest.push(mapOf([[name, part]], part.place.start, part.place.end, rest));
  }
  const parts = [...known];
  return {
    value: Object.fromEntries(parts.map(([name, { value }]) => [name, value])),
    place: { start, end, members: new Map(parts.map(([name, { place }]) => [name, place])) },
    size: sizeOf(parts.map(([, part]) => part)),
  };
}

/** What an alias stands for; nothing where it is too much. */
export function aliased(anchors: Anchors, name: string, at: number): Part {
  const part = anchors.get(name);
  return part === undefined || part.size > ALIASED_MAX ? nothingAt(at) : part;
}

/** Where a text in quotes ends that begins at `at`, before its quote; `to` where it does not end. */
export function closingQuote(text: string, at: number, to: number): number {
  const quote = text[at] as string;
  for (let i = at + 1; ; i++) {
    i = text.indexOf(quote, i);
    if (i < 0 || i >= to) return to;
    if (quote === "'") {
      if (text[i + 1] !== quote) return i;
      i++;
    } else if (!isEscaped(text, i, at)) return i;
  }
}

/** An odd number of backslashes stands before. */
function isEscaped(text: string, at: number, from: number): boolean {
  let before = at;
  while (before - 1 > from && text[before - 1] === '\\') before--;
  return (at - before) % 2 === 1;
}

function sizeOf(parts: readonly Part[]): number {
  let size = 1;
  for (const part of parts) size += part.size;
  return size;
}
