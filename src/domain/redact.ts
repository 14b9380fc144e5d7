import { isJsonObject, type Json, type JsonObject } from './json.ts';

/**
 * Masking before anything is kept: a secret value becomes `masked:<keyed hash>`, so that it stays unreadable while a change of it still
 * shows. What is masked: values under names that say so (password, token, …), values of list items so named (env entries), tokens of
 * well-known shapes inside any text, credentials in URLs, private keys, the argument after a telling flag, and the same inside JSON that sits
 * in a string. What is nested deeper than any real object is masked as a whole.
 * References to Secrets (names, keys of a Secret) are not secrets and stay readable, as do digests, commits and UUIDs.
 */
export type KeyedHash = (secret: string) => string;

const SECRET_NAME =
  /(^|[^a-z])(password|passwd|passphrase|pass|pwd|secret|token|api[-_.]?key|access[-_.]?key|secret[-_.]?key|private[-_.]?key|client[-_.]?secret|credentials?|connection[-_.]?string|auth[-_.]?key|encryption[-_.]?key|license[-_.]?key|webhook[-_.]?url)s?$/;

/** Names that contain such a word and yet hold no secret: references, policies, switches, counts. */
const NOT_SECRET_NAME =
  /(ref|refs|name|names|path|file|files|kind|type|(?<!webhook[-_.]?)url|uri|expiration|expiry|ttl|duration|limit|limits|policy|rotation|enabled|audience|issuer|mount|provider|store|class|selector|namespace|length|size|budget|count|rate)$/;

const TOKEN_SHAPES = new RegExp(
  [
    '-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)',
    // The same in Base64: PKCS #8 (plain, encrypted), RSA, EC, OpenSSH.
    '\\bLS0tLS1CRUdJTi(?:BQUklWQVRF|BFTkNSWVBURUQg|BSU0EgUFJJVkFUR|BFQyBQUklWQVRF|BPUEVOU1NIIFBSSVZBVEU)[A-Za-z0-9+/=\\s]*',
    // Sixteen, as "Bearer authentication" is no token.
    '(?<=\\b(?:[Bb]earer|[Bb]asic) {1,4})[A-Za-z0-9._~+/-]{16,}=*',
    '(?<=\\bhooks\\.slack\\.com/services/)[A-Za-z0-9/]{20,}',
    '\\b(?:AKIA|ASIA)[0-9A-Z]{16}\\b',
    '\\bgh[pousr]_[A-Za-z0-9]{30,}\\b',
    '\\bgithub_pat_[A-Za-z0-9_]{40,}\\b',
    '\\bglpat-[A-Za-z0-9_-]{20,}',
    '\\bxox[abeprs]-[A-Za-z0-9-]{10,}',
    '\\bsk-[A-Za-z0-9_-]{20,}',
    '\\bAIza[A-Za-z0-9_-]{35}',
    '\\bnpm_[A-Za-z0-9]{36}\\b',
    '\\bhvs\\.[A-Za-z0-9_-]{24,}',
    '\\beyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}',
  ].join('|'),
  'g',
);
/** Bounded where it may begin anywhere: text comes from whoever may write an object, and nothing here may cost more than its length. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,200}:)([^\s@/]{3,})(@)/gi;
/** `password: hunter2` or `--token=…` inside a longer text, such as embedded YAML or arguments. What stands before is looked at last. */
const NAMED_IN_TEXT =
  /((?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key)(?<=(?:^|[\s"'{,?&;-])[\w.-]{0,120})["']?\s*[:=]\s*["']?)([^\s"',;&}]{6,})/gim;
/** One cheap look that rules out nearly every string before the patterns above run. */
const SUSPECT =
  /:\/\/|LS0tLS1CRUdJTi|bearer|basic|credential|connection[-_.]?string|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|sk-|AIza|npm_|hvs\.|eyJ|passw|passphrase|secret|token|key/i;

/** `--db-password`: the next argument is what the flag names. */
const FLAG = /^--?[A-Za-z][\w.-]*$/;

/** Deeper than any real object, and far from where recursion would run out of stack: an API server takes objects 10,000 deep. */
const DEPTH_MAX = 200;

const MASKED = /^masked:[0-9a-f]{16}$/;
const TEMPLATE = /^(\$\{.*\}|\$\(.*\)|\{\{.*\}\}|<.*>)$/;

const secretNames = new Map<string, boolean>();
/** Bounds the cache above: names come from the cluster. */
const SECRET_NAMES_MAX = 20_000;

/** True when a field of this name holds a secret value. camelCase is read as words: `adminPassword`, `API_TOKEN`, `client-secret`. */
export function isSecretName(name: string): boolean {
  const known = secretNames.get(name);
  if (known !== undefined) return known;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  const secret = SECRET_NAME.test(words) && !NOT_SECRET_NAME.test(words);
  if (secretNames.size >= SECRET_NAMES_MAX) secretNames.clear();
  secretNames.set(name, secret);
  return secret;
}

/**
 * The value with every secret masked; shares what needed no masking with the input, which is not modified.
 * `hash` must give 16 lower-case hex digits and be keyed with a key that is stored apart from the data.
 */
export function mask<T extends Json>(value: T, hash: KeyedHash): T {
  return maskNode(value, false, 0, hash) as T;
}

/** `named`: within what a telling name holds, so every text is a secret. */
function maskNode(value: Json, named: boolean, depth: number, hash: KeyedHash): Json {
  if (typeof value === 'string') return named ? maskSecret(value, hash) : maskText(value, depth, hash);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return `masked:${hash(textOf(value))}`;
  return Array.isArray(value) ? maskList(value, named, depth + 1, hash) : maskObject(value, named, depth + 1, hash);
}

function maskList(list: Json[], named: boolean, depth: number, hash: KeyedHash): Json[] {
  let copy: Json[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as Json;
    const isFlagged = typeof item === 'string' && !FLAG.test(item) && isSecretFlag(list[i - 1]);
    const masked = maskNode(item, named || isFlagged, depth, hash);
    if (masked !== item) {
      copy ??= list.slice();
      copy[i] = masked;
    }
  }
  return copy ?? list;
}

function isSecretFlag(value: Json | undefined): boolean {
  return typeof value === 'string' && FLAG.test(value) && isSecretName(value.replace(/^-+/, ''));
}

function maskObject(object: JsonObject, named: boolean, depth: number, hash: KeyedHash): JsonObject {
  // {name: DB_PASSWORD, value: …} is how env entries and parameters carry secrets.
  const entryName = typeof object.name === 'string' ? object.name : object.key;
  const entryIsSecret = typeof entryName === 'string' && typeof object.value === 'string' && isSecretName(entryName);
  const isSecretKind = object.kind === 'Secret' && object.apiVersion === 'v1';
  let copy: JsonObject | undefined;
  for (const key of Object.keys(object)) {
    const member = object[key];
    if (member === undefined || member === null || typeof member === 'number' || typeof member === 'boolean') continue;
    const isSecret = named || isSecretMember(key, member, entryIsSecret, isSecretKind);
    const masked = isSecret || !isHolder(key, member) ? maskNode(member, isSecret, depth, hash) : maskHolder(member, depth, hash);
    if (masked !== member) {
      copy ??= { ...object };
      copy[key] = masked;
    }
  }
  return copy ?? object;
}

/** `password: {value: …}`, beside which `valueFrom` would be a reference. */
function isHolder(key: string, member: Json): member is JsonObject & { value: string } {
  return isJsonObject(member) && typeof member.value === 'string' && isSecretName(key);
}

function maskHolder(holder: JsonObject & { value: string }, depth: number, hash: KeyedHash): Json {
  return maskNode({ ...holder, value: maskSecret(holder.value, hash) }, false, depth, hash);
}

/** A text or list of texts under a telling name, the value of a telling entry, or anything in the data of a Secret. */
function isSecretMember(key: string, member: Json, entryIsSecret: boolean, isSecretKind: boolean): boolean {
  if (isSecretKind && (key === 'data' || key === 'stringData')) return true;
  if (entryIsSecret && key === 'value') return true;
  const isText = typeof member === 'string' || (Array.isArray(member) && member.every((item) => typeof item === 'string'));
  return isText && isSecretName(key);
}

function maskSecret(value: string, hash: KeyedHash): string {
  if (value === '' || MASKED.test(value) || TEMPLATE.test(value) || value === 'true' || value === 'false') return value;
  return `masked:${hash(value)}`;
}

function maskText(value: string, depth: number, hash: KeyedHash): string {
  if (value.length < 8 || !SUSPECT.test(value)) return value;
  if (value.startsWith('{') || value.startsWith('[')) {
    const inner = parseJson(value);
    if (inner !== undefined) {
      const masked = maskNode(inner, false, depth, hash);
      return masked === inner ? value : JSON.stringify(masked);
    }
  }
  return value
    .replace(TOKEN_SHAPES, (secret) => `masked:${hash(secret)}`)
    .replace(
      URL_CREDENTIALS,
      (_, before: string, secret: string, after: string) => `${before}${maskSecret(secret, hash)}${after}`,
    )
    .replace(
      NAMED_IN_TEXT,
      (_, before: string, secret: string) =>
        `${before}${MASKED.test(secret) || TEMPLATE.test(secret) ? secret : maskSecret(secret, hash)}`,
    );
}

function textOf(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch {
    // So deep that even writing it down fails; that it is there is all that will be known of it.
    return '';
  }
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
