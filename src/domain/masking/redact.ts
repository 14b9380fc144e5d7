/**
 * Masking before anything is kept: a secret value becomes `masked:<keyed hash>`, so that it stays unreadable while a change of it still
 * shows. What is masked, and what stays readable, is told in docs/masking.md; how well, by test/masking.
 *
 * This file goes through values: what a schema or a name says of them, list items by what stands before them, JSON that sits in a string.
 * What is searched for within a text is in secret-text.ts. What one member holds decides about another only for `value` and its like
 * (see `isEntryValue`), in the data of Secrets, and deeper than the members of a top-level member: updates are masked by those.
 */
import { escapeSegment } from '../field-path.ts';
import { type Json, type JsonObject, parseJson } from '../json.ts';
import type { SchemaTree } from '../schema-tree.ts';
import { Arguments } from './secret-args.ts';
import {
  entryOf,
  GROUPS_MAX,
  heldIn,
  isAbout,
  isGroup,
  isLogin,
  isNumber,
  isOfPairs,
  isReferenceBeside,
  isSealed,
  mayHold,
  WHOLE_DEPTH,
  whyAll,
} from './secret-members.ts';
import { isEntryValue, isSecretName, NameSays, nameSays } from './secret-names.ts';
import { type MaskReason, maskInText, type TextMasking } from './secret-text.ts';
import { isCookie, isLabel, isReference, isTemplate, maskDefaults } from './secret-values.ts';

/** Gives 16 lower-case hex digits and is keyed with a key that is stored apart from the data. */
export type KeyedHash = (secret: string) => string;

export interface MaskOptions {
  /** Which values the kind's schema calls secrets. */
  secrets?: SchemaTree<true> | undefined;
  /** Told of each value that is masked, with its path, in which list items are `[*]`; never the value. */
  found?: ((path: string, reason: MaskReason) => void) | undefined;
}

/** Deeper than any real object, and far from where recursion would run out of stack: an API server takes objects 10,000 deep. */
const DEPTH_MAX = 200;
/** Base64 within JSON within Base64. */
const WRAPPED_MAX = 4;

/** Nothing at all, or masked before. */
const NO_VALUE = /^(?:masked:[0-9a-f]{16}|true|false|none|null|nil|)$/i;
const SCHEME = /^(?:basic|bearer|token|digest|apikey)[ \t]+(?=\S)/i;
/** Credentials have no blanks between words. */
const PROSE = /^(?:[A-Za-z]+(?: [A-Za-z]+)+[.!]?|based|auth|authentication|authorization|required|only)$/;
const KEY_BEGINS = /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/;
const KEY_ENDS = /-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/;
/** Each counts for all its digits; shorter ones are settings. */
const NUMBER_MIN = 1_000;
/** Shorter names hold no token. */
const TOKEN_NAME_LENGTH = 20;

/** The value with every secret masked; shares what needed no masking with the input, which is not modified. */
export function mask<T extends Json>(value: T, hash: KeyedHash, { secrets, found }: MaskOptions = {}): T {
  const walk = new Walk(hash);
  const masked = maskNode(value, undefined, secrets, 0, 0, walk) as T;
  if (found !== undefined) for (const { path, reason } of walk.hits) found(path, reason);
  return masked;
}

export { isSecretName };

/**
 * Whether a text has something to be masked, where nothing around it decides about it: `says` are bits of NameSays of its name, `depth` is
 * how many objects and lists it lies in.
 */
export function textMasking(hash: KeyedHash): (text: string, says: number, depth: number) => boolean {
  const walk = new Walk(hash);
  return (text, says, depth) => {
    walk.hits.length = 0;
    return maskText(text, says, depth, walk) !== text;
  };
}

/**
 * Masks labels of metrics one by one: by what they look like, and by a name that speaks of passwords. Names such as `secret` and `token` stand there
 * for names of Secrets and decide nothing. `says` are bits of NameSays of the label's name; `found` is told the reasons.
 */
export function labelMasking(hash: KeyedHash): (value: string, says: number, found: (reason: MaskReason) => void) => string {
  const walk = new Walk(hash);
  return (value, says, found) => {
    walk.hits.length = 0;
    const isPassword = (says & NameSays.password) !== 0;
    const masked = isPassword ? walk.replace(value, 'name') : maskText(value, says, 0, walk);
    for (const { reason } of walk.hits) found(reason);
    return masked;
  };
}

class Walk implements TextMasking {
  /** Their paths grow from the end as the walk comes back up. */
  readonly hits: { path: string; reason: MaskReason }[] = [];
  mayBeRandom = false;
  depth = 0;
  /** Texts are left as they are where no name tells of them. */
  isByNames = false;
  readonly #hash: KeyedHash;
  #wrapped = 0;

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  replace(secret: string, reason: MaskReason): string {
    if (NO_VALUE.test(secret)) return secret;
    return isTemplate(secret) ? maskDefaults(secret, (text) => this.replace(text, reason)) : this.replaceAll(secret, reason);
  }

  /** Unless it is a reference to a secret, under a name that may stand before one, or the label of a form's field. */
  replaceNamed(secret: string, reason: MaskReason, says: number): string {
    if ((says & NameSays.password) === 0 && isReference(secret)) return secret;
    return (says & NameSays.label) !== 0 && isLabel(secret) ? secret : this.replace(secret, reason);
  }

  /** Whatever it looks like. */
  replaceAll(secret: string, reason: MaskReason): string {
    this.hits.push({ path: '', reason });
    return `masked:${this.#hash(secret)}`;
  }

  maskNamed(value: Json): Json {
    const [before, isByNames] = [this.hits.length, this.isByNames];
    this.isByNames = true;
    const masked = maskNode(value, undefined, undefined, 0, WHOLE_DEPTH, this);
    this.isByNames = isByNames;
    this.hits.length = before;
    return masked;
  }

  tell(reason: MaskReason): void {
    this.hits.push({ path: '', reason });
  }

  holdsSecret(text: string): boolean {
    if (this.#wrapped >= WRAPPED_MAX) return true;
    const { mayBeRandom, depth, hits } = this;
    const before = hits.length;
    this.#wrapped++;
    maskText(text, 0, depth + 1, this);
    this.#wrapped--;
    this.mayBeRandom = mayBeRandom;
    this.depth = depth;
    const holds = hits.length > before;
    hits.length = before;
    return holds;
  }
}

/**
 * `named` is set within what is a secret as a whole, so that every text is one; `tree` is what the schema says of what is here and below;
 * `says` are bits of NameSays of the nearest name.
 */
function maskNode(
  value: Json,
  named: MaskReason | undefined,
  tree: SchemaTree<true> | undefined,
  says: number,
  depth: number,
  walk: Walk,
): Json {
  if (typeof value === 'string') {
    if (named === undefined) return maskText(value, says, depth, walk);
    return isByName(named) ? walk.replaceNamed(value, named, says) : walk.replace(value, named);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return walk.replaceAll(textOf(value), 'depth');
  return Array.isArray(value)
    ? maskList(value, named, tree, says, depth + 1, walk)
    : maskObject(value, named, tree, depth + 1, walk);
}

function maskList(
  list: Json[],
  named: MaskReason | undefined,
  tree: SchemaTree<true> | undefined,
  says: number,
  depth: number,
  walk: Walk,
): Json[] {
  const items = tree?.items;
  let copy: Json[] | undefined;
  let inKey = false;
  const args = new Arguments(walk);
  const isPaired = named === undefined && isOfPairs(list);
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as Json;
    const before = walk.hits.length;
    const reason = named ?? (items?.told ? 'schema' : undefined);
    const announced = reason === undefined && !inKey ? args.next(item) : undefined;
    let masked: Json;
    if (isPaired) masked = maskPair(item as [string, Json], items, depth, walk);
    else if (isNumber(item)) masked = maskNumber(item, reason, says, walk);
    else if (typeof item !== 'string' || reason !== undefined) masked = maskNode(item, reason, items, says, depth, walk);
    else if (inKey) {
      inKey = !KEY_ENDS.test(item);
      masked = walk.replace(item, 'private-key');
    } else {
      inKey = KEY_BEGINS.test(item) && !KEY_ENDS.test(item);
      masked = announced ?? maskText(item, says, depth, walk);
    }
    for (let h = before; h < walk.hits.length; h++) prefix(walk, h, '[*]');
    if (masked !== item) {
      copy ??= list.slice();
      copy[i] = masked;
    }
  }
  return copy ?? list;
}

/** What stands second belongs to the name that stands first. */
function maskPair(pair: [string, Json], tree: SchemaTree<true> | undefined, depth: number, walk: Walk): Json[] {
  const [name, value] = pair;
  const says = nameSays(name);
  if (typeof value !== 'string' || isSecretName(value) || (says & (NameSays.secret | NameSays.header)) === 0)
    return maskList(pair, undefined, tree, 0, depth + 1, walk);
  const before = walk.hits.length;
  const masked = maskTold(value, 'entry', says, depth + 1, walk);
  for (let h = before; h < walk.hits.length; h++) prefix(walk, h, '[*]');
  return masked === value ? pair : [name, masked];
}

function maskNumber(value: number | bigint, reason: MaskReason | undefined, says: number, walk: Walk): Json {
  const isTold = reason !== undefined && (!isByName(reason) || (says & NameSays.password) !== 0);
  return isTold && Math.abs(Number(value)) >= NUMBER_MIN ? walk.replace(String(value), reason) : value;
}

function isByName(reason: MaskReason): boolean {
  return reason === 'name' || reason === 'entry';
}

function maskObject(
  object: JsonObject,
  named: MaskReason | undefined,
  tree: SchemaTree<true> | undefined,
  depth: number,
  walk: Walk,
): JsonObject {
  const { hits } = walk;
  let copy: JsonObject | undefined;
  let names: Map<string, string> | undefined;
  for (const key of Object.keys(object)) {
    const member = object[key];
    const before = hits.length;
    const name = key.length < TOKEN_NAME_LENGTH ? key : maskName(key, walk);
    if (name !== key) {
      names ??= new Map();
      names.set(key, name);
    }
    if (member === undefined || member === null || typeof member === 'boolean') {
      for (let h = before; h < hits.length; h++) prefix(walk, h, name);
      continue;
    }
    const node = tree === undefined ? undefined : (tree.members.get(key) ?? tree.others);
    const masked = maskMember(object, key, member, named ?? (node?.told ? 'schema' : undefined), node, depth, walk);
    for (let h = before; h < hits.length; h++) prefix(walk, h, name);
    if (masked !== member) {
      copy ??= { ...object };
      copy[key] = masked;
    }
  }
  if (names === undefined) return copy ?? object;
  return Object.fromEntries(Object.entries(copy ?? object).map(([key, member]) => [names.get(key) ?? key, member]));
}

function maskMember(
  object: JsonObject,
  key: string,
  member: Json,
  named: MaskReason | undefined,
  tree: SchemaTree<true> | undefined,
  depth: number,
  walk: Walk,
): Json {
  if (isNumber(member)) {
    if (Math.abs(Number(member)) < NUMBER_MIN) return member;
    const entry = isEntryValue(key) ? entryOf(object) : undefined;
    const isEntry = entry !== undefined && (nameSays(entry) & NameSays.password) !== 0;
    const reason =
      (named === 'name' ? undefined : named) ?? (isSecretNumber(key, member) ? 'name' : isEntry ? 'entry' : undefined);
    return reason !== undefined ? walk.replace(String(member), reason) : member;
  }
  if (named !== undefined && isByName(named) && typeof member === 'string' && isAbout(object, key))
    return maskText(member, nameSays(key), depth, walk);
  // Of what is named, only what is under a password has members.
  if (named !== undefined) return maskNode(member, named, tree, NameSays.password, depth, walk);
  const says = nameSays(key);
  // {name: DB_PASSWORD, value: …} is how env entries and parameters carry secrets.
  const entry = (says & NameSays.entryValue) !== 0 ? entryOf(object) : undefined;
  const told = entry === undefined ? says : nameSays(entry);
  const because = entry === undefined ? 'name' : 'entry';
  if (typeof member === 'string') {
    if ((told & NameSays.secret) !== 0 && isReferenceBeside(object, key, depth)) return member;
    return maskTold(member, because, told, depth, walk);
  }
  if (key === 'encryptedData' && depth >= WHOLE_DEPTH && isSealed(member)) return member;
  const reason = whyAll(object, key, member as Json[] | JsonObject, told, depth);
  if (reason !== undefined) return maskNode(member, reason === 'name' ? because : reason, tree, told, depth, walk);
  if ((told & NameSays.header) !== 0 && Array.isArray(member)) return maskHeaders(member, told, tree, depth, walk);
  const held = (told & NameSays.secret) === 0 ? member : maskHolders(member, told, depth, 0, walk);
  return maskNode(held, undefined, tree, says, depth, walk);
}

/** A text under a name, or beside it; `says` are bits of that name. */
function maskTold(value: string, reason: 'name' | 'entry', says: number, depth: number, walk: Walk): string {
  if ((says & NameSays.secret) !== 0) return maskNamed(value, reason, says, depth, walk);
  if (reason === 'name' && (says & NameSays.login) !== 0 && isLogin(value)) return walk.replace(value, reason);
  if ((says & NameSays.scheme) !== 0) return maskAfterScheme(value, says, depth, walk);
  if ((says & NameSays.cookie) !== 0 && isCookie(value)) return walk.replace(value, reason);
  return maskText(value, says, depth, walk);
}

function maskHeaders(list: Json[], says: number, tree: SchemaTree<true> | undefined, depth: number, walk: Walk): Json {
  const before = walk.hits.length;
  const told = list.map((item) => (typeof item === 'string' ? maskTold(item, 'entry', says, depth + 1, walk) : item));
  if (walk.hits.length === before) return maskNode(list, undefined, tree, says, depth, walk);
  for (let h = before; h < walk.hits.length; h++) prefix(walk, h, '[*]');
  return maskNode(told, undefined, tree, says, depth, walk);
}

/** `Basic …`: without such a word it is a setting. */
function maskAfterScheme(value: string, says: number, depth: number, walk: Walk): string {
  const scheme = SCHEME.exec(value)?.[0];
  if (scheme === undefined || PROSE.test(value.slice(scheme.length))) return maskText(value, says, depth, walk);
  return `${scheme}${walk.replace(value.slice(scheme.length), 'entry')}`;
}

function isSecretNumber(name: string, value: number | bigint): boolean {
  return Math.abs(Number(value)) >= NUMBER_MIN && (nameSays(name) & NameSays.password) !== 0;
}

/** A text of several lines that is partly filled in later is looked at line by line. */
function maskNamed(value: string, reason: MaskReason, says: number, depth: number, walk: Walk): string {
  if (value.includes('{{') && value.includes('\n')) return maskText(value, says, depth, walk);
  return walk.replaceNamed(value, reason, says);
}

/** Where a group is no secret as a whole, its members that are said to hold it: `{value: …}`, also in lists and by their names. */
function maskHolders(member: Json, says: number, depth: number, within: number, walk: Walk): Json {
  if (!isGroup(member) || within > GROUPS_MAX) return member;
  if (Array.isArray(member)) {
    const items = member.map((item) => under('[*]', walk, () => maskHolders(item, says, depth + 1, within + 1, walk)));
    return items.some((item, i) => item !== member[i]) ? items : member;
  }
  const holds = heldIn(member, depth);
  if (holds !== undefined) {
    const value = member[holds] as Json;
    const masked = under(holds, walk, () =>
      typeof value === 'number'
        ? maskNumber(value, 'name', says, walk)
        : maskNode(value, 'name', undefined, says, depth + 1, walk),
    );
    return masked === value ? member : { ...member, [holds]: masked };
  }
  if ((says & NameSays.password) === 0 || depth < WHOLE_DEPTH) return member;
  let copy: JsonObject | undefined;
  for (const [name, inner] of Object.entries(member)) {
    if (!mayHold(name)) continue;
    const masked = under(name, walk, () => maskHolders(inner as Json, says, depth + 1, within + 1, walk));
    if (masked === inner) continue;
    copy ??= { ...member };
    copy[name] = masked;
  }
  return copy ?? member;
}

/** What is masked meanwhile lies in `segment`. */
function under<T>(segment: string, walk: Walk, masking: () => T): T {
  const before = walk.hits.length;
  const masked = masking();
  for (let h = before; h < walk.hits.length; h++) prefix(walk, h, segment);
  return masked;
}

function maskName(name: string, walk: Walk): string {
  if (walk.isByNames) return name;
  walk.mayBeRandom = true;
  return maskInText(name, walk);
}

function maskText(value: string, says: number, depth: number, walk: Walk): string {
  if (value.length < 8 || walk.isByNames) return value;
  const first = value.charCodeAt(0);
  if (first === 123 || first === 91 || first <= 32) {
    const masked = maskJson(value, says, depth, walk);
    if (masked !== undefined) return masked;
  }
  walk.mayBeRandom = (says & NameSays.random) !== 0;
  walk.depth = depth;
  return maskInText(value, walk);
}

/** JSON that sits in a text. Undefined if it is none. */
function maskJson(value: string, says: number, depth: number, walk: Walk): string | undefined {
  const inner = parseContainer(value);
  if (inner === undefined) return undefined;
  const before = walk.hits.length;
  const masked = maskNode(inner, undefined, undefined, says, depth, walk);
  // The text is one value of its object.
  for (let h = before; h < walk.hits.length; h++) (walk.hits[h] as Walk['hits'][number]).path = '';
  return masked === inner ? value : JSON.stringify(masked);
}

function prefix(walk: Walk, hit: number, segment: string): void {
  const { path, reason } = walk.hits[hit] as Walk['hits'][number];
  walk.hits[hit] = { path: `/${escapeSegment(segment)}${path}`, reason };
}

function textOf(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch {
    // So deep that even writing it down fails; that it is there is all that will be known of it.
    return '';
  }
}

function parseContainer(text: string): Json | undefined {
  // Most of what begins so and is no JSON is a template, or a word in brackets.
  if (!/^\s*(?:\{\s*["}]|\[\s*[[{"\]\d\-tfn])/.test(text)) return undefined;
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
