/**
 * Compares a section with the text kept of it where nothing came or went: only the scalars that moved become values, and the patch is written
 * as text. Whatever is out of the ordinary is left to the comparison of parsed sections, which comes to the same (section-compare.ts): a
 * member, an item or a type that changed, anything that is to be masked, and what decides how something else is masked or named.
 *
 * Why masking may look at the moved scalars alone: what is kept is masked, and masking that again changes nothing. So what the new text has in
 * common with it needs none, unless it stands beside a value that decides about it (`isMaskedAlone`) or the schema has changed since.
 */
import type { FieldDiff } from '../domain/diff/field-diff.ts';
import { exactNumber } from '../domain/json.ts';
import { type KeyedHash, textMasking } from '../domain/masking/redact.ts';
import { type MovedPaths, MovedPathsTree } from '../domain/moved-paths.ts';
import { type LeafReader, LeafWalk, type TextPlace } from '../domain/scan/leaf-walk.ts';
import {
  DECLARED,
  type DeclaredKeys,
  declaredName,
  declaredNameAt,
  itemName,
  itemNameAt,
  mergeKeyIn,
  NO_KEY,
  UNSURE,
} from '../domain/scan/list-item-name.ts';
import type { Section } from '../domain/scan/object-scan.ts';
import { PatchLevel } from '../domain/scan/patch-text.ts';
import { type PathNode, PathTree } from '../domain/scan/path-node.ts';
import type { ListKeys, SchemaTree } from '../domain/schema-tree.ts';
import type { KindRules } from './masking-book.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BLANK = 0x20;
const HYPHEN = 0x2d;
const DIGIT_ZERO = 0x30;
const BEYOND_ASCII = 0x80;
/** More digits may not fit a number. */
const DIGITS_MAX = 15;
/** A backslash, or what must not stand in JSON text: all but blank to `[` and `]` to the end. */
const ESCAPED = /[^ -[\]-\uffff]/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** A moved member of the top-level object, and of one within it. */
const LEVELS_ABOVE = 2;

const NOT_READ = -1;

/** An update that moves more than these is left to the parser. */
const LEAVES_MAX = 64;

export interface MovedLeaves {
  /** In the order of the text, without bookkeeping. */
  fields: FieldDiff[];
  paths: MovedPaths;
  /** The new value as JSON text where the section is a scalar, else the patch of it; '' where nothing moved. */
  patch: string;
}

export class LeafCompare implements LeafReader {
  readonly #tree = new PathTree();
  readonly #movedPaths = new MovedPathsTree();
  readonly #walk = new LeafWalk();
  readonly #needsMasking: (text: string, says: number, depth: number) => boolean;
  #levels: PatchLevel[] = [];
  /** Per object and list that the walk is in: where it opened when it was last looked at, and what it is. */
  #opened: number[] = [];
  #nodes: PathNode[] = [];
  #listOpened: number[] = [];
  #mergeKeys: number[] = [];
  /** Of where sections and lists opened what is set, up to here. */
  #deepest = -1;
  /** Where the list opened whose items' names were read last. */
  #listRead = NOT_READ;
  // Of the section under way.
  #root: PathNode | undefined;
  #levelsAbove = 0;
  #secrets: SchemaTree<true> | undefined;
  #lists: ListKeys | undefined;
  #fields: FieldDiff[] = [];
  #paths: MovedPaths | undefined;
  #patch = '';

  constructor(hash: KeyedHash) {
    this.#needsMasking = textMasking(hash);
  }

  /** The paths of a diff that tells nothing yet. */
  get noPaths(): MovedPaths {
    return this.#movedPaths.none;
  }

  /**
   * Adds to `fields` what moved in a section, and answers how the patch and the paths go on; undefined, with `fields` as it was, where both
   * have to be parsed. Throws SyntaxError on a moved string that is not JSON, and on a number that is out of range.
   */
  compare(
    section: Pick<Section, 'id' | 'top' | 'key'>,
    { before, after }: { before: TextPlace; after: TextPlace },
    { fields, paths, secrets, lists }: Pick<MovedLeaves, 'fields' | 'paths'> & KindRules,
  ): Pick<MovedLeaves, 'paths' | 'patch'> | undefined {
    const known = fields.length;
    this.#root = this.#tree.section(section);
    this.#levelsAbove = section.key === undefined ? LEVELS_ABOVE - 1 : LEVELS_ABOVE;
    this.#secrets = secrets;
    this.#lists = lists;
    this.#fields = fields;
    this.#paths = paths;
    this.#patch = '';
    // In a loop, as few are set and a call to fill them all costs more.
    for (; this.#deepest >= 0; this.#deepest--) {
      this.#opened[this.#deepest] = -1;
      this.#listOpened[this.#deepest] = -1;
    }
    this.#listRead = NOT_READ;
    for (const level of this.#levels) level.clear();
    if (this.#walk.run(before, after, this)) return { paths: this.#paths, patch: this.#patch };
    fields.length = known;
    return undefined;
  }

  leaf(walk: LeafWalk): boolean {
    const node = this.#leafNode(walk);
    if (node === undefined || !node.isMaskedAlone || node.isTold(this.#secrets)) return false;
    const { depth, isList } = walk;
    if (depth > 1 && isList[depth - 2] === 1 && (node.isMergeKey || (this.#lists !== undefined && node.isKeyIn(this.#lists))))
      return false;
    const text = this.#moved(walk, node);
    if (text === undefined) return false;
    if (text === '') return true;
    if (depth === 0) this.#patch = text;
    else this.#level(depth - 1).set(node.member, text);
    return true;
  }

  closed(depth: number): void {
    const level = this.#levels[depth];
    if (level === undefined || level.isEmpty) return;
    const patch = level.take();
    if (depth === 0) {
      this.#patch = patch;
      return;
    }
    const { isList, item } = this.#walk;
    const member = isList[depth - 1] === 1 ? `"${item[depth - 1]}":` : (this.#nodes[depth] as PathNode).member;
    this.#level(depth - 1).dive(member, patch);
  }

  /** Takes up the leaf; its new value as JSON text, '' where the values are the same, undefined where they are to be parsed. */
  #moved(walk: LeafWalk, node: PathNode): string | undefined {
    const isString = walk.after[walk.afterFrom] === QUOTE;
    const old = isString
      ? stringAt(walk.before, walk.beforeFrom, walk.beforeTo)
      : scalarAt(walk.before, walk.beforeFrom, walk.beforeTo);
    const isPlain = isString && isPlainAt(walk.after, walk.afterFrom, walk.afterTo);
    const now = isPlain
      ? plainAt(walk.after, walk.afterFrom, walk.afterTo)
      : isString
        ? escapedAt(walk.after, walk.afterFrom, walk.afterTo)
        : scalarAt(walk.after, walk.afterFrom, walk.afterTo);
    if (old === undefined || now === undefined || typeof old !== typeof now) return undefined;
    if (old === now) return '';
    if (typeof now === 'string' && this.#needsMasking(now, node.says, walk.depth + this.#levelsAbove)) return undefined;
    if (!node.isBookkeeping) {
      if (this.#fields.length === LEAVES_MAX) return undefined;
      this.#fields.push({ op: 'set', path: node.path, generic: node.generic, old, new: now });
      this.#paths = this.#movedPaths.with(this.#paths as MovedPaths, node);
    }
    if (typeof now !== 'string') return String(now);
    if (isPlain) return `"${now}"`;
    return ESCAPED.test(now) || now.includes('"') || !now.isWellFormed() ? JSON.stringify(now) : `"${now}"`;
  }

  #leafNode(walk: LeafWalk): PathNode | undefined {
    const { depth } = walk;
    if (depth === 0) return this.#root;
    if (walk.isList[depth - 1] === 1) return undefined;
    const parent = this.#node(walk, depth - 1);
    if (parent === undefined) return undefined;
    return this.#tree.member(parent, walk.after, walk.nameFrom[depth - 1] as number, walk.nameTo[depth - 1] as number);
  }

  /** Of an object or list that the walk is in; undefined where it cannot be named without a parser. */
  #node(walk: LeafWalk, depth: number): PathNode | undefined {
    if (depth === 0) return this.#root;
    const opened = walk.opens[depth] as number;
    if (this.#opened[depth] === opened) return this.#nodes[depth];
    const parent = this.#node(walk, depth - 1);
    if (parent === undefined) return undefined;
    const node =
      walk.isList[depth - 1] === 1
        ? this.#item(walk, parent, depth - 1)
        : this.#tree.member(parent, walk.after, walk.nameFrom[depth - 1] as number, walk.nameTo[depth - 1] as number);
    if (node === undefined) return undefined;
    this.#opened[depth] = opened;
    this.#nodes[depth] = node;
    if (depth > this.#deepest) this.#deepest = depth;
    return node;
  }

  #item({ after, item, itemFrom, opens }: LeafWalk, list: PathNode, depth: number): PathNode | undefined {
    const opened = opens[depth] as number;
    const declared = this.#lists === undefined ? undefined : list.keysIn(this.#lists);
    if (this.#listOpened[depth] !== opened) {
      this.#mergeKeys[depth] = mergeKeyIn(after, opened, declared);
      this.#listOpened[depth] = opened;
      this.#listRead = opened;
      if (depth > this.#deepest) this.#deepest = depth;
    }
    const key = this.#mergeKeys[depth] as number;
    if (key === UNSURE) return undefined;
    if (key === NO_KEY) return this.#tree.item(list, item[depth] as number);
    const isRead = this.#listRead === opened;
    if (key === DECLARED) {
      const keys = declared as DeclaredKeys;
      const name = isRead
        ? declaredNameAt(after, item[depth] as number, keys)
        : declaredName(after, itemFrom[depth] as number, keys);
      if (!isRead) this.#listRead = NOT_READ;
      return this.#tree.declaredItem(list, name);
    }
    const { from, to } = isRead ? itemNameAt(item[depth] as number, key) : itemName(after, itemFrom[depth] as number, key);
    if (!isRead) this.#listRead = NOT_READ;
    return this.#tree.namedItem(list, key, after, from, to);
  }

  #level(depth: number): PatchLevel {
    while (this.#levels.length <= depth) this.#levels.push(new PatchLevel());
    return this.#levels[depth] as PatchLevel;
  }
}

/** Throws SyntaxError. */
function stringAt(bytes: Buffer, from: number, to: number): string {
  return isPlainAt(bytes, from, to) ? plainAt(bytes, from, to) : escapedAt(bytes, from, to);
}

function plainAt(bytes: Buffer, from: number, to: number): string {
  return bytes.toString('latin1', from + 1, to - 1);
}

/** Throws SyntaxError. */
function escapedAt(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from + 1, to - 1);
  return ESCAPED.test(text) ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Whether the characters of a string are what its bytes are. */
function isPlainAt(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from + 1; at < to - 1; at++) {
    const byte = bytes[at] as number;
    if (byte < BLANK || byte === BACKSLASH || byte >= BEYOND_ASCII) return false;
  }
  return true;
}

/** NaN for what is no whole number, or one that is written in an unusual way. */
function wholeNumberAt(bytes: Buffer, from: number, to: number): number {
  const isNegative = bytes[from] === HYPHEN;
  const first = isNegative ? from + 1 : from;
  if (to === first || to - first > DIGITS_MAX || (bytes[first] === DIGIT_ZERO && (isNegative || to - first > 1)))
    return Number.NaN;
  let value = 0;
  for (let at = first; at < to; at++) {
    const digit = (bytes[at] as number) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

/** A number or a boolean; undefined for anything else. Throws NumberRangeError. */
function scalarAt(bytes: Buffer, from: number, to: number): number | bigint | boolean | undefined {
  const whole = wholeNumberAt(bytes, from, to);
  if (!Number.isNaN(whole)) return whole;
  const text = bytes.toString('latin1', from, to);
  if (text === 'true' || text === 'false') return text === 'true';
  return NUMBER.test(text) ? exactNumber(text) : undefined;
}
