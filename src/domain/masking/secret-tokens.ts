/** Words that are secrets by what they look like: of well-known shapes, wrapped in Base64, or too random to be anything else. */

/** Tokens that their issuers made recognisable, and hashed passwords. */
export const TOKEN_SHAPES = new RegExp(
  [
    // Sixteen, as "Bearer authentication" is no token.
    '(?<=\\b(?:[Bb]earer|[Bb]asic|BEARER|BASIC) {1,4})[A-Za-z0-9._~+/-]{16,}=*',
    '(?<=\\bhooks\\.slack\\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/]{20,}',
    '(?<=\\bdiscord(?:app)?\\.com/api/webhooks/)[0-9]{5,30}/[A-Za-z0-9_-]{20,}',
    '(?<=\\bwebhook\\.office\\.com/webhookb2/)[A-Za-z0-9@/_-]{40,}',
    '(?<=\\bhooks\\.zapier\\.com/hooks/catch/)[A-Za-z0-9/]{8,}',
    '(?<=\\bapi\\.telegram\\.org/bot)[0-9]{5,15}:[A-Za-z0-9_-]{20,}',
    '\\b[0-9]{8,12}:AA[A-Za-z0-9_-]{33}\\b',
    '\\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\\b',
    '\\bgh[pousr]_[A-Za-z0-9]{30,}\\b',
    '\\bgithub_pat_[A-Za-z0-9_]{40,}\\b',
    '\\bgl(?:pat|rt|dt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{20,}',
    '\\bxox[abeoprs]-[A-Za-z0-9-]{10,}',
    '\\bxapp-[A-Za-z0-9-]{20,}',
    '\\bsk-[A-Za-z0-9_-]{20,}',
    '\\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}',
    '\\bwhsec_[A-Za-z0-9+/=]{20,}',
    '\\bAIza[A-Za-z0-9_-]{35}',
    '\\bya29\\.[A-Za-z0-9_-]{20,}',
    '\\bGOCSPX-[A-Za-z0-9_-]{20,}',
    '\\bnpm_[A-Za-z0-9]{36}\\b',
    '\\bpypi-[A-Za-z0-9_-]{40,}',
    '\\brubygems_[a-f0-9]{40,}\\b',
    '\\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}',
    '\\bhf_[A-Za-z0-9]{30,}\\b',
    '\\bgls?[ac]_[A-Za-z0-9_+/=-]{20,}',
    '\\bhv[sbr]\\.[A-Za-z0-9_-]{24,}',
    '\\bSG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}',
    '\\bkey-[0-9a-f]{32}\\b',
    '\\bSK[0-9a-f]{32}\\b',
    '\\bdo[opr]_v1_[0-9a-f]{40,}\\b',
    '\\bdapi[0-9a-f]{32}\\b',
    '\\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\\b',
    '\\bNRAK-[A-Z0-9]{20,}\\b',
    '\\bATATT3[A-Za-z0-9_=-]{20,}',
    '\\blin_api_[A-Za-z0-9]{30,}\\b',
    '\\bpul-[0-9a-f]{40}\\b',
    '\\btskey-[A-Za-z0-9-]{16,}',
    '\\bdt0c01\\.[A-Z0-9]{20,}\\.[A-Z0-9]{40,}',
    '\\bAGE-SECRET-KEY-1[0-9A-Z]{50,}',
    '\\bS[AOUNXC][A-Z2-7]{56}\\b',
    '\\b[MNO][A-Za-z0-9_-]{23,27}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27,40}\\b',
    '\\beyJ[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}',
    '\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}',
  ].join('|'),
  'g',
);

/** Hashed passwords: can be tried out, so they count as what they hash. */
export const PASSWORD_HASHES =
  /\$(?:2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}|(?:apr1|1|5|6|y)\$[^\s"'$:,]{1,64}(?:\$[^\s"'$:,]{1,64})?\$[./A-Za-z0-9]{20,}|argon2(?:id|i|d)\$[^\s"']{20,300}|(?:pbkdf2|scrypt)[-a-z0-9]*\$[^\s"']{20,300})|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{20,}={0,2}/g;

/** A word that may be Base64 or a token; what stands before tells whether it is a digest. */
export const LONG_WORD = /[A-Za-z0-9_+-][A-Za-z0-9_+/-]{15,}={0,2}/g;

const DIGEST_BEFORE = /(?:sha-?\d{1,3}|md5|h1)[:=-]$/i;
/** The same in a sentence or a file: `checksum: …`, `PublicKey = …`. */
const PUBLIC_BEFORE =
  /(?:\b(?:sha-?\d{1,3}|md5)|digest|checksum|fingerprint|public[-_ ]?key|\bpub[-_]?key|\bpeer)(?:["']?[ \t]{0,2}[:=]|\b)[ \t]{0,2}["']?$/i;
const BEFORE_MAX = 24;
const DIGEST = /^(?:sha-?\d{1,3}|md5)-/i;
/** Sortable identifiers: 48 bits of time first. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function isDigest(text: string, at: number, word: string): boolean {
  return DIGEST.test(word) || (at > 2 && DIGEST_BEFORE.test(text.slice(Math.max(0, at - 9), at)));
}

/** Identifiers of IPFS, recipients of age, public keys of minisign. */
const PUBLIC_IDS = /^(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|ba[fg][a-z2-7]{56}|age1[02-9ac-hj-np-z]{58}|RW[QRST][A-Za-z0-9+/]{53})$/;
const KSUID_LENGTH = 27;
/** KSUIDs begin with their time and sort by it: of 2017-05 and of 2033-05. A random word of their length lies between in one of 14. */
const [KSUID_FIRST, KSUID_LAST] = [ksuidAt(1_493_596_800), ksuidAt(2_000_000_000)];

/** Random and made for the public: known by its shape, or by what stands before it. */
export function isPublic(text: string, at: number, word: string): boolean {
  return isPublicId(word) || PUBLIC_BEFORE.test(text.slice(Math.max(0, at - BEFORE_MAX), at));
}

function isPublicId(word: string): boolean {
  if (word.length === KSUID_LENGTH) return word >= KSUID_FIRST && word <= KSUID_LAST && /^[0-9A-Za-z]+$/.test(word);
  return PUBLIC_IDS.test(word);
}

/** The least of a second since 1970: seconds since 1,400,000,000 and 128 bits, in 27 digits of base 62. */
function ksuidAt(second: number): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = BigInt(second - 1_400_000_000) << 128n;
  let text = '';
  for (; rest > 0n; rest /= 62n) text = `${digits[Number(rest % 62n)]}${text}`;
  return text.padStart(KSUID_LENGTH, '0');
}

const RANDOM_LENGTH_MAX = 512;

/**
 * True for what no name, path or number looks like: letters of both cases and digits in no order, or a long streak of letters of one case
 * and digits. Hexadecimal never is: digests, commits and UUIDs cannot be told from secrets.
 */
export function isRandom(word: string): boolean {
  const { length } = word;
  if (length > RANDOM_LENGTH_MAX || word.startsWith('AAAA') || ULID.test(word)) return false;
  const seen = new Map<number, number>();
  const counts = [0, 0, 0];
  let [letters, pairs, changes, streak, longest, before] = [0, 0, 0, 0, 0, -1];
  for (let i = 0; i < length; i++) {
    const code = word.charCodeAt(i);
    const kind = kindOf(code);
    if (kind < 0) {
      streak = 0;
      before = -1;
      continue;
    }
    letters++;
    streak++;
    if (streak > longest) longest = streak;
    counts[kind] = (counts[kind] as number) + 1;
    seen.set(code, (seen.get(code) ?? 0) + 1);
    if (before >= 0) {
      pairs++;
      if (kind !== before) changes++;
    }
    before = kind;
  }
  const [digits, lower, upper] = counts as [number, number, number];
  const mixed = lower > 1 && upper > 1;
  if (digits === 0 || (mixed ? letters < 20 || longest < 8 : longest < 24) || pairs === 0) return false;
  if (!mixed && (digits < 2 || digits > longest * 0.7 || !/[g-zG-Z]/.test(word))) return false;
  // Words run together have few changes, unless they are short and few.
  if (changes / pairs < (mixed ? (digits < 2 && letters < 28 ? 0.5 : 0.36) : 0.22)) return false;
  return entropyOf(seen, letters) >= (mixed ? 0.84 : 0.8) * Math.log2(Math.min(letters, mixed ? 62 : 36));
}

function kindOf(code: number): number {
  if (code >= 48 && code <= 57) return 0;
  if (code >= 97 && code <= 122) return 1;
  return code >= 65 && code <= 90 ? 2 : -1;
}

/** Bits for each letter. */
function entropyOf(counts: ReadonlyMap<number, number>, all: number): number {
  let bits = 0;
  for (const count of counts.values()) bits -= (count / all) * Math.log2(count / all);
  return bits;
}

const BASE64 = /^[A-Za-z0-9+/]{16,}={0,2}$/;
/** What is looked into; beyond it is no token and no certificate chain. */
const DECODED_MAX = 1024 * 1024;
const NOT_TEXT = /[^\P{C}\n\r\t]|\uFFFD/u;

export type Decoded = { text: string } | 'private-key' | 'public' | 'opaque';

/** What a word holds if it is Base64. Undefined if it is none. */
export function decodeBase64(word: string): Decoded | undefined {
  if (!BASE64.test(word) || word.length > DECODED_MAX || word.replace(/=+$/, '').length % 4 === 1) return undefined;
  const bytes = Buffer.from(word, 'base64');
  if (isDer(bytes)) return isPrivateDer(bytes) ? 'private-key' : 'public';
  // A keystore of Java.
  if (bytes.length > 8 && bytes.readUInt32BE(0) === 0xfeedfeed) return 'private-key';
  const text = bytes.toString('utf8');
  return NOT_TEXT.test(text) ? (isPicture(bytes) ? 'public' : 'opaque') : { text };
}

/** A SEQUENCE that fills the bytes. */
function isDer(bytes: Buffer): boolean {
  if (bytes.length < 24 || bytes[0] !== 0x30) return false;
  const [length, header] = derLength(bytes);
  return length > 0 && Math.abs(length + header - bytes.length) <= 2;
}

/** Keys begin with a version (PKCS #1, #8 and #12, SEC 1) where certificates, requests and public keys begin with a SEQUENCE. */
function isPrivateDer(bytes: Buffer): boolean {
  const [, header] = derLength(bytes);
  return bytes[header] === 0x02 && bytes[header + 1] === 0x01 && (bytes[header + 2] as number) <= 3;
}

function derLength(bytes: Buffer): [length: number, header: number] {
  const first = bytes[1] as number;
  if (first < 0x80) return [first, 2];
  if (first === 0x81) return [bytes[2] as number, 3];
  if (first === 0x82) return [bytes.readUInt16BE(2), 4];
  return first === 0x83 ? [bytes.readUIntBE(2, 3), 5] : [0, 0];
}

function isPicture(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 4);
  return start === '\x89PNG' || start === 'GIF8' || start === 'RIFF' || start.startsWith('\xff\xd8\xff');
}
