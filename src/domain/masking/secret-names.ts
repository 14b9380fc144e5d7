/**
 * What the name of a field says about its value. Words are read out of camelCase, snake_case and all the rest: `adminPassword`, `API_TOKEN`,
 * `client-secret`. Names come again and again, so what one says is found once.
 */

export const NameSays = {
  /** The value is a secret. */
  secret: 1,
  /** Even if it is a number, or a map of them. */
  password: 2,
  /** The value belongs to the name that stands beside it: `{name: DB_PASSWORD, value: …}`. */
  entryValue: 4,
  /** Digests, identifiers, certificates, addresses: long and random by their nature, and public. */
  random: 8,
  /** A secret where the value is of the form user:password, as it is or in Base64. */
  login: 16,
  /** The values within are secrets whatever their names: `stringData`. */
  allWithin: 32,
  /** A secret behind the word for how it is meant: `Basic …`. */
  scheme: 64,
  /** A secret where the value has a name of its own: `Cookie: session=…`. */
  cookie: 128,
  /** May be what a form shows: `passwordText`. */
  label: 256,
  /** A header of HTTP. */
  header: 64 | 128,
} as const;

/** Ends of words, so that a name that is written without any division (`PGPASSWORD`, `dbpasswd`, `myapikey`) is known too. */
const SECRET =
  /(?:(^|[^a-z])(pass|secret|token|psk|credentials?|auth[-_. ]?key|key[-_. ]?data|netrc|masterauth|rediscli[-_. ]?auth)|api[-_. ]?key|access[-_. ]?key|secret[-_. ]?key(?:[-_. ]?base)?|private[-_. ]?key|(?:account|signing|master|shared|encryption|decryption|licen[cs]e|hmac|ssh|jwt|session|cookie|unseal|azure[-_. ]?storage)[-_. ]?key|connection[-_. ]?string|webhook[-_. ]?url|htpasswd|pgpass|jaas[-_. ]?config|erlang[-_. ]?cookie|(^|[^a-z])(?:github|gitlab|gh|ghcr|git|azure|devops|azdo|ado|bot)[-_. ]?pat)s?$/;
const PASSWORD =
  /(?:password|passwd|passphrase|(^|[^a-z])(?:passcode|pwd|pw|pin[-_. ]?code|pin)|(^|[^a-z])(?:db|root|admin|user|bind|ldap|pg|my|mysql|sql|redis|mongo|smtp|ftp)(?:pwd|pw))s?$/;
/** Words run together whose last one ends other words as well: `compass`, `nextToken`, `imagepullsecrets`. */
const RUN_TOGETHER =
  /(^|[^a-z])(?:(?:ssh|store|key|keystore|truststore|require|db|root|admin|user|bind|ldap|pg|my|mysql|sql|redis|mongo|smtp|mail|ftp|http|proxy|login|rpc|vnc)pass|(?:auth|oauth|access|bearer|refresh|id|api|session|bot|join|github|gitlab|git|slack|vault|user|admin|root|client|login|service|registry|npm|device|webhook|security|bootstrap|csrf|xsrf)token|(?:client|app|api|jwt|shared|consumer|cookie|session|hmac|webhook|token|oauth|user|root|admin|key)secret)s?$/;
/** What stands behind the telling word and takes nothing from it: `PASSWORD_1`, `DB_PASSWORD_PROD`, `passwordBase64`, `TOKEN_VALUE`. */
const QUALIFIER =
  /(?:[-_. ]?(?<!\d)\d+|[-_. ]+(?:v\d+|base-?64|b64|enc|encoded|values?|val|plain|plaintext|text|string|raw|data|old|new|prev|previous|current|next|prod|production|dev|development|test|testing|stage|staging|qa|uat|live|demo|local|primary|secondary|backup|main|replica|ro|rw))$/;
/** Of boards, where each has a number. */
const PIN = /(?:^|[^a-z])pins?$/;
/** Names that contain such a word and yet hold no secret: references, policies, switches, counts. */
const NOT_SECRET =
  /((^|[^a-z])(checksum|digest|sha\d+|sum)[^a-z].*|(^|[^a-z])public[-_. ]?key|(^|[^a-z])(max|min|num|total|prompt|completion|input|output|used|image[-_. ]?pull)[-_. ]?(tokens?|secrets?)|(^|[^a-z])(existing|config|file|tls|from|pull|auth|by|external|superuser|bootstrap|deploy-key|count[^a-z]*)[-_. ]?secrets?|ref|refs|name|names|path|file|files|kind|type|(?<!webhook[-_. ]?)url|uri|expiration|expiry|ttl|duration|limit|limits|policy|rotation|enabled|audience|issuer|mount|provider|store|class|selector|namespace|length|size|budget|count|rate)$/;
const ENTRY_VALUE = /^(value|val|default|defaultvalue|stringvalue|string_value|literal)$/i;
const RANDOM =
  /(^|[^a-z])(peer|(?:peer|pub)[-_. ]?key|id|uid|uuid|guid|hash|digest|checksum|sha|sha\d+|md5|revision|rev|commit|version|etag|fingerprint|thumbprint|serial|signature|public[-_. ]?key|certificate|cert|crt|pem|ca|bundle|host|hostname|dns|address|arn|path|name|image|icon|logo|base64data|regex|pattern|known[-_. ]?hosts|cipher[-_. ]?text|encrypted[-_. ]?data|continue|cursor|hashes|identities)s?$/;
const LOGIN = /(^|[^a-z])auth$/;
const SCHEME = /(^|[^a-z])authorization$/;
const COOKIE = /^(?:set-)?cookie$/;
const LABEL = /(?<!(?:^|[^a-z])plain[-_. ]?)text$/;

const CACHED_MAX = 20_000;
const cached = new Map<string, number>();

/** Bits of NameSays. */
export function nameSays(name: string): number {
  let says = cached.get(name);
  if (says === undefined) {
    says = read(name);
    if (cached.size >= CACHED_MAX) cached.clear();
    cached.set(name, says);
  }
  return says;
}

/** True when a field of this name holds a secret value. */
export function isSecretName(name: string): boolean {
  return (nameSays(name) & NameSays.secret) !== 0;
}

/** Whether `value` holds what the name beside it names. */
export function isEntryValue(name: string): boolean {
  return (nameSays(name) & NameSays.entryValue) !== 0;
}

function read(name: string): number {
  if (name === 'stringData') return NameSays.allWithin;
  // Names of annotations have the domain of whoever thought them up before them.
  const words = name
    .slice(-120)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();
  let says = 0;
  if (ENTRY_VALUE.test(name)) says |= NameSays.entryValue;
  if (LOGIN.test(words)) says |= NameSays.login;
  if (SCHEME.test(words)) says |= NameSays.scheme;
  if (COOKIE.test(words)) says |= NameSays.cookie;
  if (LABEL.test(words)) says |= NameSays.label;
  if (!NOT_SECRET.test(words)) {
    says |= secretIn(words);
    const unqualified = withoutQualifiers(words);
    if ((says & NameSays.secret) === 0 && unqualified !== words && !NOT_SECRET.test(unqualified) && !PIN.test(unqualified))
      says |= secretIn(unqualified);
  }
  if ((says & NameSays.secret) === 0 && RANDOM.test(words)) says |= NameSays.random;
  return says;
}

/** One after the other: repeated within the pattern, digits could be divided in as many ways as they are many, doubled with each. */
function withoutQualifiers(words: string): string {
  for (let left = words; ; ) {
    const shorter = left.replace(QUALIFIER, '');
    if (shorter === left) return left;
    left = shorter;
  }
}

function secretIn(words: string): number {
  if (PASSWORD.test(words)) return NameSays.secret | NameSays.password;
  return SECRET.test(words) || RUN_TOGETHER.test(words) ? NameSays.secret : 0;
}
