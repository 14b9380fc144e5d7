import { isJsonObject, type Json, type JsonObject } from './json.ts';

/**
 * Masking before anything is kept: a secret value becomes `masked:<keyed hash>`, so that it stays unreadable while a change of it still
 * shows. What is masked: values under names that say so (password, token, …), values of list items so named (env entries), tokens of
 * well-known shapes inside any text, credentials in URLs, private keys, and the same inside JSON that sits in a string.
 * References to Secrets (names, keys of a Secret) are not secrets and stay readable, as do digests, commits and UUIDs.
 */
export type KeyedHash = (secret: string) => string;

const SECRET_NAME =
  /(^|[^a-z])(password|passwd|passphrase|secret|token|api[-_.]?key|access[-_.]?key|secret[-_.]?key|private[-_.]?key|client[-_.]?secret|credentials?|connection[-_.]?string|auth[-_.]?key|encryption[-_.]?key|license[-_.]?key|webhook[-_.]?url)s?$/;

/** Names that contain such a word and yet hold no secret: references, policies, switches, counts. */
const NOT_SECRET_NAME =
  /(ref|refs|name|names|path|file|files|kind|type|url|uri|expiration|expiry|ttl|duration|limit|limits|policy|rotation|enabled|audience|issuer|mount|provider|store|class|selector|namespace|length|size|budget|count|rate)$/;

const TOKEN_SHAPES = new RegExp(
  [
    '-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)',
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
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)([^\s@/]{3,})(@)/gi;
/** `password: hunter2` or `--token=…` inside a longer text, such as embedded YAML or arguments. */
const NAMED_IN_TEXT =
  /((?:^|[\s"'{,?&;-])[\w.-]*(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key)["']?\s*[:=]\s*["']?)([^\s"',;&}]{6,})/gim;
/** One cheap look that rules out nearly every string before the patterns above run. */
const SUSPECT =
  /:\/\/|PRIVATE KEY|AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|sk-|AIza|npm_|hvs\.|eyJ|passw|passphrase|secret|token|[aA]pi[-_]?[kK]ey|[kK]ey["']?\s*[:=]/i;

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
  return maskNode(value, false, hash) as T;
}

function maskNode(value: Json, named: boolean, hash: KeyedHash): Json {
  if (typeof value === 'string') return named ? maskSecret(value, hash) : maskText(value, hash);
  if (Array.isArray(value)) {
    let copy: Json[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const item = value[i] as Json;
      const masked = maskNode(item, named, hash);
      if (masked !== item) {
        copy ??= value.slice();
        copy[i] = masked;
      }
    }
    return copy ?? value;
  }
  return isJsonObject(value) ? maskObject(value, named, hash) : value;
}

function maskObject(object: JsonObject, named: boolean, hash: KeyedHash): JsonObject {
  // {name: DB_PASSWORD, value: …} is how env entries and parameters carry secrets.
  const entryName = typeof object.name === 'string' ? object.name : object.key;
  const entryIsSecret = typeof entryName === 'string' && typeof object.value === 'string' && isSecretName(entryName);
  const isSecretKind = object.kind === 'Secret' && object.apiVersion === 'v1';
  let copy: JsonObject | undefined;
  for (const key of Object.keys(object)) {
    const member = object[key];
    if (member === undefined || member === null || typeof member === 'number' || typeof member === 'boolean') continue;
    const masked = maskNode(member, named || isSecretMember(key, member, entryIsSecret, isSecretKind), hash);
    if (masked !== member) {
      copy ??= { ...object };
      copy[key] = masked;
    }
  }
  return copy ?? object;
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

function maskText(value: string, hash: KeyedHash): string {
  if (value.length < 8 || !SUSPECT.test(value)) return value;
  if (value.startsWith('{') || value.startsWith('[')) {
    const inner = parseJson(value);
    if (inner !== undefined) {
      const masked = maskNode(inner, false, hash);
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

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
