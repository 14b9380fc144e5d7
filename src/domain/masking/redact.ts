/**
 * Masking before anything is kept: a secret value becomes `masked:<keyed hash>`, so that it stays unreadable while a change of it still
 * shows. What is masked, and what stays readable, is told in docs/masking.md; how well, by test/masking.
 *
 * This file goes through values: what a schema or a name says of them, list items by what stands before them, JSON that sits in a string.
 * What is searched for within a text is in secret-text.ts. What one member holds decides about another only for `value` and its like
 * (see `isEntryValue`), in the data of Secrets, and deeper than the members of a top-level member: updates are masked by those.
 */
import { escapeSegment } from '../field-path.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../json.ts';
import type { SchemaTree } from '../kind-schema.ts';
import { Arguments } from './secret-args.ts';
import { isEntryValue, isSecretName, NameSays, nameSays } from './secret-names.ts';
import { withoutIndex } from './secret-pairs.ts';
import { type MaskReason, maskInText, type TextMasking } from './secret-text.ts';
import { decodeBase64 } from './secret-tokens.ts';
import { isReference, isTemplate } from './secret-values.ts';

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
const MASKED_END = /masked:[0-9a-f]{16}$/;
const SCHEME = /^(?:basic|bearer|token|digest|apikey)[ \t]+(?=\S)/i;
/** Credentials have no blanks between words. */
const PROSE = /^(?:[A-Za-z]+(?: [A-Za-z]+)+[.!]?|based|auth|authentication|authorization|required|only)$/;
const KEY_BEGINS = /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/;
const KEY_ENDS = /-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----/;
/** What says where a secret is, and is none. */
const REFERENCE_MEMBERS = new Set(['name', 'key', 'namespace', 'kind', 'secretName', 'path', 'mountPath', 'type', 'provider']);

const IS_REFERENCE = /(?:ref|refs|from|secret|secretname|selector|policy)$/i;
/** Beside a password in a map of them, and told about it only. */
const ABOUT =
  /^(?:(?:resource)?version|state|status|phase|reason|message|subject|body|title|description|pattern|regex|charset|engine|field|existingsecret|from|method|algorithm|hashing|format|encoding|url|(?:last|updated|created|rotated|expires)[a-z]*)$/i;
const USER = /^user(?:name)?$/;
/** Groups in groups under `passwords`. */
const GROUPS_MAX = 4;

/** Each counts for all its digits; shorter ones are settings. */
const NUMBER_MIN = 1_000;
/** Members of a top-level member are masked one by one when an update is, so none may decide for the others. */
const WHOLE_DEPTH = 2;
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
  readonly #hash: KeyedHash;
  #wrapped = 0;

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  replace(secret: string, reason: MaskReason): string {
    return NO_VALUE.test(secret) || isTemplate(secret) ? secret : this.replaceAll(secret, reason);
  }

  /** Unless it is a reference to a secret, under a name that may stand before one. */
  replaceNamed(secret: string, reason: MaskReason, says: number): string {
    return (says & NameSays.password) === 0 && isReference(secret) ? secret : this.replace(secret, reason);
  }

  /** Whatever it looks like. */
  replaceAll(secret: string, reason: MaskReason): string {
    this.hits.push({ path: '', reason });
    return `masked:${this.#hash(secret)}`;
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
    return named === 'name' ? walk.replaceNamed(value, named, says) : walk.replace(value, named);
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
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as Json;
    const before = walk.hits.length;
    const reason = named ?? (items?.told ? 'schema' : undefined);
    const announced = reason === undefined && !inKey ? args.next(item) : undefined;
    let masked: Json;
    if (typeof item !== 'string' || reason !== undefined) masked = maskNode(item, reason, items, says, depth, walk);
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
  if (typeof member === 'number' || typeof member === 'bigint') {
    if (Math.abs(Number(member)) < NUMBER_MIN) return member;
    const entry = isEntryValue(key) ? entryOf(object) : undefined;
    const isEntry = entry !== undefined && (nameSays(entry) & NameSays.password) !== 0;
    const reason =
      (named === 'name' ? undefined : named) ?? (isSecretNumber(key, member) ? 'name' : isEntry ? 'entry' : undefined);
    return reason !== undefined ? walk.replace(String(member), reason) : member;
  }
  if (named === 'name' && typeof member === 'string' && isAbout(object, key)) return maskText(member, nameSays(key), depth, walk);
  // Of what is named, only what is under a password has members.
  if (named !== undefined) return maskNode(member, named, tree, NameSays.password, depth, walk);
  const says = nameSays(key);
  if (typeof member === 'string') {
    if ((says & NameSays.secret) !== 0)
      return isReferenceBeside(object, key, depth) ? member : maskNamed(member, 'name', says, depth, walk);
    if ((says & NameSays.login) !== 0 && isLogin(member)) return walk.replace(member, 'name');
    if ((says & NameSays.scheme) !== 0) return maskAfterScheme(member, says, depth, walk);
    if ((says & NameSays.entryValue) === 0) return maskText(member, says, depth, walk);
    // {name: DB_PASSWORD, value: …} is how env entries and parameters carry secrets.
    const entry = entryOf(object);
    if (entry === undefined) return maskText(member, says, depth, walk);
    const entrySays = nameSays(entry);
    if ((entrySays & NameSays.scheme) !== 0) return maskAfterScheme(member, entrySays, depth, walk);
    return (entrySays & NameSays.secret) === 0
      ? maskText(member, entrySays, depth, walk)
      : maskNamed(member, 'entry', entrySays, depth, walk);
  }
  if (key === 'encryptedData' && depth >= WHOLE_DEPTH && isSealed(member)) return member;
  const reason = whyAll(object, key, member as Json[] | JsonObject, says, depth);
  const holds = reason === undefined && (says & NameSays.secret) !== 0 ? heldIn(member, depth) : undefined;
  if (holds !== undefined) return maskHolder(member as JsonObject, holds, says, tree, depth, walk);
  return maskNode(member, reason, tree, says, depth, walk);
}

/** What the `value` of an object belongs to: of `name`, `key` and `path` the first that tells a secret, else the first. */
function entryOf(object: JsonObject): string | undefined {
  const { name, key, path } = object;
  let first: string | undefined;
  for (const entry of [name, key, path]) {
    if (typeof entry !== 'string') continue;
    const named = withoutIndex(entry);
    if ((nameSays(named) & (NameSays.secret | NameSays.scheme)) !== 0) return named;
    first ??= named;
  }
  return first;
}

/** `Basic …`: without such a word it is a setting. */
function maskAfterScheme(value: string, says: number, depth: number, walk: Walk): string {
  const scheme = SCHEME.exec(value)?.[0];
  if (scheme === undefined || PROSE.test(value.slice(scheme.length))) return maskText(value, says, depth, walk);
  return `${scheme}${walk.replace(value.slice(scheme.length), 'entry')}`;
}

/** Why all that is in a list or object is a secret; undefined where it is looked at one by one. */
function whyAll(
  object: JsonObject,
  key: string,
  member: Json[] | JsonObject,
  says: number,
  depth: number,
): MaskReason | undefined {
  if (key === 'data' && object.kind === 'Secret' && object.apiVersion === 'v1') return 'secret-data';
  if ((says & NameSays.allWithin) !== 0) return 'secret-data';
  if ((says & NameSays.secret) === 0) return undefined;
  if (Array.isArray(member) && member.every((item) => typeof item === 'string')) return 'name';
  // {alice: …, bob: …} under `passwords`.
  if ((says & NameSays.password) === 0 || depth < WHOLE_DEPTH) return undefined;
  return isOfTexts(member, 0) ? 'name' : undefined;
}

/** However they are grouped: `{users: {alice: …}}`, `[{text: …}]`. */
function isOfTexts(value: Json[] | JsonObject, within: number): boolean {
  if (within > GROUPS_MAX) return false;
  if (Array.isArray(value))
    return value.every((item) => typeof item === 'string' || (isGroup(item) && isOfTexts(item, within + 1)));
  return Object.keys(value).every((name) => {
    const member = value[name] as Json;
    if (REFERENCE_MEMBERS.has(name)) return false;
    return !isGroup(member) || (!IS_REFERENCE.test(name) && isOfTexts(member, within + 1));
  });
}

function isGroup(value: Json): value is Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

/** A user is one beside what tells of a password; alone it may be whose password stands there. */
function isAbout(object: JsonObject, key: string): boolean {
  return ABOUT.test(key) || (USER.test(key) && Object.keys(object).some((name) => ABOUT.test(name)));
}

function isSecretNumber(name: string, value: number | bigint): boolean {
  return Math.abs(Number(value)) >= NUMBER_MIN && (nameSays(name) & NameSays.password) !== 0;
}

/** A text of several lines that is partly filled in later is looked at line by line. */
function maskNamed(value: string, reason: MaskReason, says: number, depth: number, walk: Walk): string {
  if (value.includes('{{') && value.includes('\n')) return maskText(value, says, depth, walk);
  return walk.replaceNamed(value, reason, says);
}

/** `secretKey` beside `remoteRef` or `secretName` says which key of a Secret is meant. */
function isReferenceBeside(object: JsonObject, key: string, depth: number): boolean {
  if (key !== 'secretKey' || depth <= WHOLE_DEPTH) return false;
  return ['remoteRef', 'sourceRef', 'secretName', 'envName'].some((name) => Object.hasOwn(object, name));
}

/** Encrypted for the controller of SealedSecrets, to be shown to anybody. */
function isSealed(member: Json): boolean {
  return (
    isJsonObject(member) &&
    Object.values(member).every((value) => typeof value === 'string' && /^Ag[A-Za-z0-9+/]{100,}={0,2}$/.test(value))
  );
}

/**
 * Which member is the secret: `password: {value: …}`, beside which `valueFrom` would be a reference; `credentials: {user: …, key: …}`, where
 * a `key` beside the name of a Secret would be one.
 */
function heldIn(member: Json, depth: number): 'value' | 'key' | undefined {
  if (!isJsonObject(member)) return undefined;
  if (typeof member.value === 'string') return 'value';
  if (depth < WHOLE_DEPTH || typeof member.key !== 'string') return undefined;
  const hasUser = typeof member.user === 'string' || typeof member.username === 'string';
  const isReference = Object.keys(member).some(
    (name) => name !== 'key' && (REFERENCE_MEMBERS.has(name) || IS_REFERENCE.test(name)),
  );
  return hasUser && !isReference ? 'key' : undefined;
}

function maskHolder(
  holder: JsonObject,
  holds: 'value' | 'key',
  says: number,
  tree: SchemaTree<true> | undefined,
  depth: number,
  walk: Walk,
): Json {
  const before = walk.hits.length;
  const secret = holder[holds] as string;
  const value = walk.replaceNamed(secret, 'name', says);
  for (let h = before; h < walk.hits.length; h++) prefix(walk, h, holds);
  return maskNode(value === secret ? holder : { ...holder, [holds]: value }, undefined, tree, 0, depth, walk);
}

/** user:password, as it is or in Base64. */
function isLogin(value: string): boolean {
  if (MASKED_END.test(value)) return false;
  if (/^[^\s:/"{}[\]]{1,100}:[^\s/"{}[\]]{3,}$/.test(value)) return !/:\d{1,5}$/.test(value);
  const decoded = decodeBase64(value.length >= 16 ? value : value.padEnd(16, '='));
  return typeof decoded === 'object' && decoded.text.includes(':');
}

function maskName(name: string, walk: Walk): string {
  walk.mayBeRandom = true;
  return maskInText(name, walk);
}

function maskText(value: string, says: number, depth: number, walk: Walk): string {
  if (value.length < 8) return value;
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
