/** What members of an object say of each other, and of all that lies in them. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { NameSays, nameSays } from './secret-names.ts';
import { withoutIndex } from './secret-pairs.ts';
import type { MaskReason } from './secret-text.ts';
import { decodeBase64 } from './secret-tokens.ts';

/** Members of a top-level member are masked one by one when an update is, so none may decide for the others. */
export const WHOLE_DEPTH = 2;
/** What says where a secret is, and is none. */
const REFERENCE_MEMBERS = new Set(['name', 'key', 'namespace', 'kind', 'secretName', 'path', 'mountPath', 'type', 'provider']);

const IS_REFERENCE = /(?:ref|refs|from|secret|secretname|selector|policy)$/i;
/** Beside a password in a map of them, and told about it only. */
const ABOUT =
  /^(?:(?:resource)?version|state|status|phase|reason|message|subject|body|title|description|pattern|regex|charset|engine|field|existingsecret|from|method|algorithm|hashing|format|encoding|url|(?:last|updated|created|rotated|expires)[a-z]*)$/i;
const USER = /^user(?:name)?$/;
/** Groups in groups under `passwords`. */
export const GROUPS_MAX = 4;

const MASKED_END = /masked:[0-9a-f]{16}$/;

/** What the `value` of an object belongs to: of `name`, `key` and `path` the first that tells a secret, else the first. */
export function entryOf(object: JsonObject): string | undefined {
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

/** Why all that is in a list or object is a secret; undefined where it is looked at one by one. */
export function whyAll(
  object: JsonObject,
  key: string,
  member: Json[] | JsonObject,
  says: number,
  depth: number,
): MaskReason | undefined {
  if (key === 'data' && object.kind === 'Secret' && object.apiVersion === 'v1') return 'secret-data';
  if ((says & NameSays.allWithin) !== 0) return 'secret-data';
  if ((says & NameSays.secret) === 0) return undefined;
  const isPassword = (says & NameSays.password) !== 0;
  if (Array.isArray(member) && member.every((item) => typeof item === 'string' || (isPassword && isNumber(item)))) return 'name';
  // {alice: …, bob: …} under `passwords`.
  if (!isPassword || depth < WHOLE_DEPTH) return undefined;
  return isOfTexts(member, 0) ? 'name' : undefined;
}

/** However they are grouped: `{users: {alice: …}}`, `[{text: …}]`. */
function isOfTexts(value: Json[] | JsonObject, within: number): boolean {
  if (within > GROUPS_MAX) return false;
  if (Array.isArray(value))
    return value.every((item) => typeof item === 'string' || isNumber(item) || (isGroup(item) && isOfTexts(item, within + 1)));
  return Object.keys(value).every((name) => {
    const member = value[name] as Json;
    if (REFERENCE_MEMBERS.has(name)) return false;
    return !isGroup(member) || (!IS_REFERENCE.test(name) && isOfTexts(member, within + 1));
  });
}

export function isNumber(value: Json): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isGroup(value: Json): value is Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

/** What is in a group may hold the secret: it is no reference to one. */
export function mayHold(name: string): boolean {
  return !REFERENCE_MEMBERS.has(name) && !IS_REFERENCE.test(name);
}

/** `[["password", "…"], ["user", "bob"]]` */
export function isOfPairs(list: Json[]): boolean {
  return Array.isArray(list[0]) && list.every((item) => Array.isArray(item) && item.length === 2 && typeof item[0] === 'string');
}

/** A user is one beside what tells of a password; alone it may be whose password stands there. */
export function isAbout(object: JsonObject, key: string): boolean {
  return ABOUT.test(key) || (USER.test(key) && Object.keys(object).some((name) => ABOUT.test(name)));
}

/** `secretKey` beside `remoteRef` or `secretName` says which key of a Secret is meant. */
export function isReferenceBeside(object: JsonObject, key: string, depth: number): boolean {
  if (key !== 'secretKey' || depth <= WHOLE_DEPTH) return false;
  return ['remoteRef', 'sourceRef', 'secretName', 'envName'].some((name) => Object.hasOwn(object, name));
}

/** Encrypted for the controller of SealedSecrets, to be shown to anybody. */
export function isSealed(member: Json): boolean {
  return (
    isJsonObject(member) &&
    Object.values(member).every((value) => typeof value === 'string' && /^Ag[A-Za-z0-9+/]{100,}={0,2}$/.test(value))
  );
}

/**
 * Which member is the secret: `password: {value: …}`, beside which `valueFrom` would be a reference; `credentials: {user: …, key: …}`, where
 * a `key` beside the name of a Secret would be one.
 */
export function heldIn(member: Json, depth: number): 'value' | 'key' | undefined {
  if (!isJsonObject(member)) return undefined;
  const { value } = member;
  if (typeof value === 'string' || isNumber(value as Json)) return 'value';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return 'value';
  if (depth < WHOLE_DEPTH || typeof member.key !== 'string') return undefined;
  const hasUser = typeof member.user === 'string' || typeof member.username === 'string';
  const isReference = Object.keys(member).some(
    (name) => name !== 'key' && (REFERENCE_MEMBERS.has(name) || IS_REFERENCE.test(name)),
  );
  return hasUser && !isReference ? 'key' : undefined;
}

/** user:password, as it is or in Base64. */
export function isLogin(value: string): boolean {
  if (MASKED_END.test(value)) return false;
  if (/^[^\s:/"{}[\]]{1,100}:[^\s/"{}[\]]{3,}$/.test(value)) return !/:\d{1,5}$/.test(value);
  const decoded = decodeBase64(value.length >= 16 ? value : value.padEnd(16, '='));
  return typeof decoded === 'object' && decoded.text.includes(':');
}
