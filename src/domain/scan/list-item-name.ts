/** By which member the items of a list are told apart, found in its text; as `mergeKeyOf` finds it in the value. */
import { MERGE_KEYS } from '../diff/field-diff.ts';

/** No member tells them all apart. */
export const NO_KEY = -1;
/** To be told by a parser. */
export const UNSURE = -2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const DEPTH_MAX = 10_000;

const ITEMS_MAX = 64;
const KEYS = MERGE_KEYS.map((key) => Buffer.from(key));
/** Of each item: where the value of each key begins and ends; 0 where it is no string. */
const values = new Int32Array(ITEMS_MAX * KEYS.length * 2);

/** `open` is where a list of at least one item opens, in the text of a valid value without blanks. An index into MERGE_KEYS. */
export function mergeKeyIn(bytes: Buffer, open: number): number {
  let at = open + 1;
  let count = 0;
  for (;;) {
    if (bytes[at] !== OPEN_OBJECT) return NO_KEY;
    if (count === ITEMS_MAX) return UNSURE;
    at = readItem(bytes, at, count * KEYS.length * 2);
    if (at < 0) return UNSURE;
    count += 1;
    if (bytes[at] !== COMMA) break;
    at += 1;
  }
  for (let key = 0; key < KEYS.length; key++) if (tellsApart(bytes, key, count)) return key;
  return NO_KEY;
}

/** The same for an item of the list that `mergeKeyIn` read last, by its place. */
export function itemNameAt(item: number, key: number): { from: number; to: number } {
  const slot = item * KEYS.length * 2 + 2 * key;
  return { from: values[slot] as number, to: values[slot + 1] as number };
}

/** Where the value of a key lies in the item of a list that begins at `at`, without its quotes, once `mergeKeyIn` gave this key. */
export function itemName(bytes: Buffer, at: number, key: number): { from: number; to: number } {
  readItem(bytes, at, 0);
  return { from: values[2 * key] as number, to: values[2 * key + 1] as number };
}

/** Leaves where its values are from `slot` on; its end, or -1 where it takes a parser. */
function readItem(bytes: Buffer, open: number, slot: number): number {
  for (let i = slot; i < slot + KEYS.length * 2; i++) values[i] = 0;
  let at = open + 1;
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    const nameEnd = endOfValue(bytes, at) - 1;
    const value = nameEnd + 2;
    if (nameEnd < 0 || bytes[nameEnd + 1] !== COLON) return -1;
    const end = endOfValue(bytes, value);
    if (end < 0) return -1;
    const key = bytes[value] === QUOTE ? keyAt(bytes, at + 1, nameEnd) : -1;
    if (key >= 0) {
      for (let i = value; i < end; i++) if (bytes[i] === BACKSLASH) return -1;
      values[slot + 2 * key] = value + 1;
      values[slot + 2 * key + 1] = end - 1;
    }
    if (bytes[end] === CLOSE_OBJECT) return end + 1;
    if (bytes[end] !== COMMA) return -1;
    at = end + 1;
  }
}

function keyAt(bytes: Buffer, from: number, to: number): number {
  for (let key = 0; key < KEYS.length; key++) {
    const text = KEYS[key] as Buffer;
    if (text.length === to - from && isAt(text, bytes, from)) return key;
  }
  return -1;
}

function isAt(text: Buffer, bytes: Buffer, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text[i] !== bytes[from + i]) return false;
  return true;
}

function tellsApart(bytes: Buffer, key: number, count: number): boolean {
  const step = KEYS.length * 2;
  for (let i = 0; i < count; i++) {
    const from = values[i * step + 2 * key] as number;
    if (from === 0) return false;
    const length = (values[i * step + 2 * key + 1] as number) - from;
    for (let k = 0; k < i; k++) {
      const other = values[k * step + 2 * key] as number;
      if (length !== (values[k * step + 2 * key + 1] as number) - other) continue;
      if (bytes.compare(bytes, other, other + length, from, from + length) === 0) return false;
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
