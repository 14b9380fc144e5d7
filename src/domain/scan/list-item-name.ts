/** By which members the items of a list are told apart, found in its text; as `diff/list-items.ts` finds it in the value. */
import { MERGE_KEYS } from '../diff/list-items.ts';

/** No member tells them all apart. */
export const NO_KEY = -1;
/** To be told by a parser. */
export const UNSURE = -2;
/** The keys that the schema gives the list tell them apart, and are not one of the usual ones alone. */
export const DECLARED = -3;

/** The merge keys of a list's schema, ready to be looked for in a text. */
export interface DeclaredKeys {
  readonly names: readonly string[];
  readonly texts: readonly Buffer[];
  /** Where there is one key and it is a usual one: its index in MERGE_KEYS; else NO_KEY. */
  readonly usual: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const HYPHEN = 0x2d;
const DIGIT_ZERO = 0x30;
const DIGIT_NINE = 0x39;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const DEPTH_MAX = 10_000;
/** More digits may not fit a number. */
const DIGITS_MAX = 15;

const ITEMS_MAX = 64;
const KEYS = MERGE_KEYS.map((key) => Buffer.from(key));
const LITERALS = ['true', 'false'].map((literal) => Buffer.from(literal));
/** Of each item of the list read last: where the value of each key begins and ends, a string without its quotes; 0 where it names nothing. */
const values = new Int32Array(ITEMS_MAX * KEYS.length * 2);

const declared = new WeakMap<readonly string[], DeclaredKeys>();

/** The same for the same list of names. */
export function declaredKeys(names: readonly string[]): DeclaredKeys {
  let keys = declared.get(names);
  if (keys === undefined) {
    const usual = names.length === 1 ? (MERGE_KEYS as readonly string[]).indexOf(names[0] as string) : NO_KEY;
    keys = { names, texts: names.map((name) => Buffer.from(name)), usual };
    declared.set(names, keys);
  }
  return keys;
}

/**
 * `open` is where a list of at least one item opens, in the text of a valid value without blanks. An index into MERGE_KEYS, or DECLARED, NO_KEY,
 * UNSURE.
 */
export function mergeKeyIn(bytes: Buffer, open: number, schema: DeclaredKeys | undefined): number {
  if (schema !== undefined) {
    const found = declaredIn(bytes, open, schema);
    if (found !== NO_KEY) return found;
  }
  const count = readList(bytes, open, KEYS, false);
  if (count < 0) return count;
  for (let key = 0; key < KEYS.length; key++) if (tellsApart(bytes, key, count, KEYS.length)) return key;
  return NO_KEY;
}

function declaredIn(bytes: Buffer, open: number, { texts, usual }: DeclaredKeys): number {
  // What is read last is what names are taken from, so one that is usual is read as the usual ones are.
  if (usual !== NO_KEY) {
    const count = readList(bytes, open, KEYS, false);
    if (count < 0) return count;
    if (tellsApart(bytes, usual, count, KEYS.length)) return usual;
  }
  if (texts.length > KEYS.length) return UNSURE;
  const count = readList(bytes, open, texts, true);
  if (count < 0) return count;
  for (let i = 0; i < count; i++) if (!isNamed(bytes, i, texts.length)) return NO_KEY;
  if (texts.length === 1) return tellsApart(bytes, 0, count, 1) ? DECLARED : NO_KEY;
  for (let i = 0; i < count; i++) for (let k = 0; k < i; k++) if (isSameName(bytes, i, k, texts.length)) return NO_KEY;
  return DECLARED;
}

/** Where the value of a usual key lies in an item of the list that `mergeKeyIn` read last, by its place. */
export function itemNameAt(item: number, key: number): { from: number; to: number } {
  const slot = (item * KEYS.length + key) * 2;
  return { from: values[slot] as number, to: values[slot + 1] as number };
}

/** Where the value of a usual key lies in the item of a list that begins at `at`, without its quotes, once `mergeKeyIn` gave this key. */
export function itemName(bytes: Buffer, at: number, key: number): { from: number; to: number } {
  readItem(bytes, at, 0, KEYS, false);
  return { from: values[2 * key] as number, to: values[2 * key + 1] as number };
}

/** `containerPort=53,protocol=UDP` of an item of the list that `mergeKeyIn` read last, once it gave DECLARED. */
export function declaredNameAt(bytes: Buffer, item: number, { names }: DeclaredKeys): string {
  let name = '';
  for (let key = 0; key < names.length; key++) {
    const slot = (item * names.length + key) * 2;
    name += `${key === 0 ? '' : ','}${names[key]}=${bytes.toString('utf8', values[slot] as number, values[slot + 1] as number)}`;
  }
  return name;
}

/** The same of the item that begins at `at`. */
export function declaredName(bytes: Buffer, at: number, keys: DeclaredKeys): string {
  readItem(bytes, at, 0, keys.texts, true);
  return declaredNameAt(bytes, 0, keys);
}

/** How many items there are, each with its values where they are looked for; NO_KEY where one is no object. */
function readList(bytes: Buffer, open: number, keys: readonly Buffer[], takesScalars: boolean): number {
  const width = keys.length * 2;
  let at = open + 1;
  let count = 0;
  for (;;) {
    if (bytes[at] !== OPEN_OBJECT) return NO_KEY;
    if (count === ITEMS_MAX) return UNSURE;
    at = readItem(bytes, at, count * width, keys, takesScalars);
    if (at < 0) return UNSURE;
    count += 1;
    if (bytes[at] !== COMMA) return count;
    at += 1;
  }
}

/** Leaves where its values are from `slot` on, strings and, where asked for, numbers and booleans; its end, or -1 where it takes a parser. */
function readItem(bytes: Buffer, open: number, slot: number, keys: readonly Buffer[], takesScalars: boolean): number {
  for (let i = slot; i < slot + keys.length * 2; i++) values[i] = 0;
  let at = open + 1;
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    const nameEnd = endOfValue(bytes, at) - 1;
    const value = nameEnd + 2;
    if (nameEnd < 0 || bytes[nameEnd + 1] !== COLON) return -1;
    const end = endOfValue(bytes, value);
    if (end < 0) return -1;
    const isString = bytes[value] === QUOTE;
    const key = isString || takesScalars ? keyAt(keys, bytes, at + 1, nameEnd) : -1;
    if (key >= 0) {
      if (isString) for (let i = value; i < end; i++) if (bytes[i] === BACKSLASH) return -1;
      const isNaming = isString || isScalar(bytes, value, end);
      // A number in an unusual way of writing.
      if (!isNaming && isNumber(bytes, value)) return -1;
      values[slot + 2 * key] = isString ? value + 1 : isNaming ? value : 0;
      values[slot + 2 * key + 1] = isString ? end - 1 : end;
    }
    if (bytes[end] === CLOSE_OBJECT) return end + 1;
    if (bytes[end] !== COMMA) return -1;
    at = end + 1;
  }
}

function keyAt(keys: readonly Buffer[], bytes: Buffer, from: number, to: number): number {
  for (let key = 0; key < keys.length; key++) {
    const text = keys[key] as Buffer;
    if (text.length === to - from && isAt(text, bytes, from)) return key;
  }
  return -1;
}

/** A whole number as JSON.stringify writes it, or a boolean. */
function isScalar(bytes: Buffer, from: number, to: number): boolean {
  if (!isNumber(bytes, from)) return LITERALS.some((literal) => literal.length === to - from && isAt(literal, bytes, from));
  const first = bytes[from] === HYPHEN ? from + 1 : from;
  if (to === first || to - first > DIGITS_MAX || (bytes[first] === DIGIT_ZERO && to - from > 1)) return false;
  for (let at = first; at < to; at++) if ((bytes[at] as number) < DIGIT_ZERO || (bytes[at] as number) > DIGIT_NINE) return false;
  return true;
}

function isNumber(bytes: Buffer, at: number): boolean {
  const byte = bytes[at] as number;
  return byte === HYPHEN || (byte >= DIGIT_ZERO && byte <= DIGIT_NINE);
}

/** Whether an item has all of the keys, and where there are several no value that could be taken for two. */
function isNamed(bytes: Buffer, item: number, width: number): boolean {
  for (let key = 0; key < width; key++) {
    const from = values[(item * width + key) * 2] as number;
    if (from === 0) return false;
    const to = values[(item * width + key) * 2 + 1] as number;
    if (width > 1) for (let at = from; at < to; at++) if (bytes[at] === COMMA) return false;
  }
  return true;
}

function isSameName(bytes: Buffer, item: number, other: number, width: number): boolean {
  for (let key = 0; key < width; key++) if (!isSameText(bytes, (item * width + key) * 2, (other * width + key) * 2)) return false;
  return true;
}

/** Whether the values in two slots are the same. */
function isSameText(bytes: Buffer, slot: number, other: number): boolean {
  const [from, to] = [values[slot] as number, values[slot + 1] as number];
  const [otherFrom, otherTo] = [values[other] as number, values[other + 1] as number];
  return to - from === otherTo - otherFrom && bytes.compare(bytes, otherFrom, otherTo, from, to) === 0;
}

function isAt(text: Buffer, bytes: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text[i] !== bytes[from + i]) return false;
  return true;
}

/** `width` is how many keys were read of each item. */
function tellsApart(bytes: Buffer, key: number, count: number, width: number): boolean {
  for (let i = 0; i < count; i++) {
    const slot = (i * width + key) * 2;
    const from = values[slot] as number;
    if (from === 0) return false;
    const length = (values[slot + 1] as number) - from;
    for (let k = 0; k < i; k++) {
      const other = (k * width + key) * 2;
      // Seldom the same length, and then it costs no call.
      if (length === (values[other + 1] as number) - (values[other] as number) && isSameText(bytes, slot, other)) return false;
    }
  }
  return true;
}

/** Where the value beginning at `at` ends; -1 where it does not. */
function endOfValue(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first === QUOTE) return endOfString(bytes, at + 1);
  const { length } = bytes;
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) {
    for (let i = at; i < length; i++) {
      const byte = bytes[i] as number;
      if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST) return i === at ? -1 : i;
      // A number or a word has none of these: there are blanks between, and what looks like its end may be the end of something else.
      if (byte <= 0x20 || byte === QUOTE || byte === COLON || byte === OPEN_OBJECT || byte === OPEN_LIST) return -1;
    }
    return -1;
  }
  let depth = 0;
  for (let i = at; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      // Inlined: this is where nearly all bytes go by.
      for (i++; ; i++) {
        if (i >= length) return -1;
        const inner = bytes[i] as number;
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) i++;
      }
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (++depth > DEPTH_MAX) return -1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (--depth === 0) return i + 1;
    }
  }
  return -1;
}

function endOfString(bytes: Buffer, from: number): number {
  const { length } = bytes;
  for (let i = from; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
  }
  return -1;
}
