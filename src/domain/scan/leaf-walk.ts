/**
 * Goes through two JSON texts side by side and stops at each scalar that differs, so that an update in which nothing came or went is told
 * without building either value. Both texts are compact (no blanks between tokens) and have the same members in the same order and lists
 * of the same length; anything else ends the walk, and the caller parses both.
 *
 * What is not stopped at is the same bytes on both sides, so the new text is JSON where the old one is and where the leaves are.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Deeper texts are left to the parser. */
const DEPTH_MAX = 40;

/** A stretch of a text in which a JSON value lies. */
export interface TextPlace {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** Told of what a walk meets. */
export interface LeafReader {
  /** A scalar that differs; where it lies is in the walk. False ends the walk. */
  leaf(walk: LeafWalk): boolean;
  /** A list or object that lies at `depth` is over. */
  closed(depth: number): void;
}

/** Used again and again: only its state while it tells of something means anything. */
export class LeafWalk {
  before: Buffer = Buffer.alloc(0);
  after: Buffer = Buffer.alloc(0);
  /** The leaf's token on both sides. */
  beforeFrom = 0;
  beforeTo = 0;
  afterFrom = 0;
  afterTo = 0;
  /** How many objects and lists the leaf lies in; they are numbered from 0, the outermost. */
  depth = 0;
  /** For each of them: whether it is a list, where it opens in `after`, where its member's name lies there, or which item it is. */
  readonly isList = new Uint8Array(DEPTH_MAX);
  readonly opens = new Int32Array(DEPTH_MAX);
  readonly nameFrom = new Int32Array(DEPTH_MAX);
  readonly nameTo = new Int32Array(DEPTH_MAX);
  readonly item = new Int32Array(DEPTH_MAX);
  /** Where the item that the leaf lies in begins. */
  readonly itemFrom = new Int32Array(DEPTH_MAX);

  /** False where the two are not of one form, or the reader ended it. */
  run(old: TextPlace, now: TextPlace, reader: LeafReader): boolean {
    const [before, after] = [old.bytes, now.bytes];
    const [iEnd, jEnd] = [old.to, now.to];
    this.before = before;
    this.after = after;
    this.depth = 0;
    let [i, j] = [old.from, now.from];
    for (;;) {
      // At a value on both sides.
      const first = after[j] as number;
      if (first === OPEN_OBJECT || first === OPEN_LIST) {
        if (before[i] !== first) return false;
        const at = j;
        i += 1;
        j += 1;
        const isList = first === OPEN_LIST;
        if (after[j] === (isList ? CLOSE_LIST : CLOSE_OBJECT)) {
          if (before[i] !== after[j]) return false;
          i += 1;
          j += 1;
        } else {
          if (this.depth === DEPTH_MAX) return false;
          this.isList[this.depth] = isList ? 1 : 0;
          this.opens[this.depth] = at;
          this.item[this.depth] = 0;
          this.itemFrom[this.depth] = j;
          this.depth += 1;
          if (!isList) {
            const length = this.#name(i, j, jEnd);
            if (length < 0) return false;
            i += length;
            j += length;
          }
          continue;
        }
      } else {
        const isString = first === QUOTE;
        if ((before[i] === QUOTE) !== isString) return false;
        const [iFrom, jFrom] = [i, j];
        if (isString) {
          i += 1;
          j += 1;
          for (let byte = after[j]; byte === before[i] && byte !== QUOTE && j < jEnd; byte = after[j]) {
            if (byte === BACKSLASH) {
              if (after[j + 1] !== before[i + 1]) break;
              i += 1;
              j += 1;
            }
            i += 1;
            j += 1;
          }
        } else {
          for (; after[j] === before[i] && j < jEnd && !endsScalar(after[j] as number); j++) i += 1;
        }
        const isSame = isString ? after[j] === QUOTE && before[i] === QUOTE : isEnd(after, j, jEnd) && isEnd(before, i, iEnd);
        i = isString ? endOfString(before, i, iEnd) : endOfScalar(before, i, iEnd);
        j = isString ? endOfString(after, j, jEnd) : endOfScalar(after, j, jEnd);
        if (i < 0 || j < 0 || i === iFrom || j === jFrom) return false;
        if (!isSame) {
          this.beforeFrom = iFrom;
          this.beforeTo = i;
          this.afterFrom = jFrom;
          this.afterTo = j;
          if (!reader.leaf(this)) return false;
        }
      }
      // Behind a value.
      for (;;) {
        if (this.depth === 0) return i === iEnd && j === jEnd;
        const byte = after[j] as number;
        if (before[i] !== byte) return false;
        i += 1;
        j += 1;
        const inner = this.depth - 1;
        const isList = this.isList[inner] === 1;
        if (byte === COMMA) {
          if (isList) {
            this.item[inner] = (this.item[inner] as number) + 1;
            this.itemFrom[inner] = j;
          } else {
            const length = this.#name(i, j, jEnd);
            if (length < 0) return false;
            i += length;
            j += length;
          }
          break;
        }
        if (byte !== (isList ? CLOSE_LIST : CLOSE_OBJECT)) return false;
        this.depth = inner;
        reader.closed(inner);
      }
    }
  }

  /** A member's name with its colon, the same on both sides; its length in bytes, -1 where it is not. */
  #name(i: number, j: number, end: number): number {
    const { before, after } = this;
    if (after[j] !== QUOTE || before[i] !== QUOTE) return -1;
    let length = 1;
    for (let byte = after[j + 1] as number; byte !== QUOTE; byte = after[j + length] as number) {
      // Two ways to write one name are left to the parser.
      if (byte !== before[i + length] || byte === BACKSLASH || j + length >= end) return -1;
      length += 1;
    }
    if (before[i + length] !== QUOTE || after[j + length + 1] !== COLON || before[i + length + 1] !== COLON) return -1;
    this.nameFrom[this.depth - 1] = j + 1;
    this.nameTo[this.depth - 1] = j + length;
    return length + 2;
  }
}

function endsScalar(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST;
}

function isEnd(bytes: Buffer, at: number, end: number): boolean {
  return at === end || endsScalar(bytes[at] as number);
}

function endOfScalar(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (!isEnd(bytes, at, end)) at += 1;
  return at;
}

/** `from` is within a string, or at its closing quote. */
function endOfString(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
  }
  return -1;
}
