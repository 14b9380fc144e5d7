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
} as const;

const SECRET =
  /(^|[^a-z])(password|passwd|passphrase|passcode|pass|pwd|secret|token|api[-_. ]?key|access[-_. ]?key|secret[-_. ]?key|private[-_. ]?key|account[-_. ]?key|signing[-_. ]?key|master[-_. ]?key|shared[-_. ]?key|pre[-_. ]?shared[-_. ]?key|psk|client[-_. ]?secret|credentials?|connection[-_. ]?string|auth[-_. ]?key|encryption[-_. ]?key|license[-_. ]?key|key[-_. ]?data|webhook[-_. ]?url|htpasswd|netrc|pgpass|secret[-_. ]?access[-_. ]?key|hmac[-_. ]?key|ssh[-_. ]?key|service[-_. ]?account[-_. ]?key|jaas[-_. ]?config)s?$/;
const PASSWORD = /(^|[^a-z])(password|passwd|passphrase|passcode|pwd|pin[-_. ]?code|pin)s?$/;
/** Names that contain such a word and yet hold no secret: references, policies, switches, counts. */
const NOT_SECRET =
  /((^|[^a-z])(checksum|digest|sha\d+|sum)[^a-z].*|(^|[^a-z])public[-_. ]?key|(^|[^a-z])(max|min|num|total|prompt|completion|input|output|used|image[-_. ]?pull)[-_. ]?(tokens?|secrets?)|(^|[^a-z])(existing|config|file|tls|from|pull|auth|by|external|superuser|bootstrap|deploy-key|count[^a-z]*)[-_. ]?secrets?|ref|refs|name|names|path|file|files|kind|type|(?<!webhook[-_. ]?)url|uri|expiration|expiry|ttl|duration|limit|limits|policy|rotation|enabled|audience|issuer|mount|provider|store|class|selector|namespace|length|size|budget|count|rate)$/;
const ENTRY_VALUE = /^(value|val|default|defaultvalue|stringvalue|string_value|literal)$/i;
const RANDOM =
  /(^|[^a-z])(id|uid|uuid|guid|hash|digest|checksum|sha|sha\d+|md5|revision|rev|commit|version|etag|fingerprint|thumbprint|serial|signature|public[-_. ]?key|certificate|cert|crt|pem|ca|bundle|host|hostname|dns|address|arn|path|name|image|icon|logo|base64data|regex|pattern|known[-_. ]?hosts|cipher[-_. ]?text|encrypted[-_. ]?data|continue|cursor|hashes|identities)s?$/;
const LOGIN = /(^|[^a-z])auth$/;

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
  if (!NOT_SECRET.test(words)) {
    if (SECRET.test(words)) says |= NameSays.secret;
    if (PASSWORD.test(words)) says |= NameSays.secret | NameSays.password;
  }
  if ((says & NameSays.secret) === 0 && RANDOM.test(words)) says |= NameSays.random;
  return says;
}
