/** Secrets within a text, whatever the name of the field that holds it. */
import type { Json } from '../json.ts';
import { findPairs, maskElements, maskFlags, maskNetrc, maskRedis, type Replace } from './secret-pairs.ts';
import { Suspicion, suspicionsOf } from './secret-scan.ts';
import { NO_STRUCTURE, readStructure } from './secret-structure.ts';
import { decodeBase64, isDigest, isPublic, isRandom, LONG_WORD, PASSWORD_HASHES, TOKEN_SHAPES } from './secret-tokens.ts';

/** Why a value was masked. */
export const MASK_REASONS = [
  'schema',
  'name',
  'entry',
  'flag',
  'secret-data',
  'private-key',
  'url',
  'pair',
  'password-hash',
  'token',
  'base64',
  'entropy',
  'depth',
] as const;
export type MaskReason = (typeof MASK_REASONS)[number];

export interface TextMasking {
  replace(secret: string, reason: MaskReason): string;
  replaceNamed(secret: string, reason: MaskReason, says: number): string;
  /** The field's name says that what is in it is random by nature: digests, identifiers, public keys. */
  mayBeRandom: boolean;
  /** Whether a text that was found in Base64 holds one, as JSON or as text. */
  holdsSecret(text: string): boolean;
  /** A value that was read out of a text, with what names tell masked and nothing told of it. */
  maskNamed(value: Json): Json;
  /** Tells of a secret that stands masked. */
  tell(reason: MaskReason): void;
}

const SHORT = 8;
/** A telling word at the end of its line or item, whose value may be the next item: `--db-password`. Or a name that is written as a block. */
const ANNOUNCES = /(?:pass|pwd|secret|token|key|cred)[\w.-]{0,60}["']?[ \t]{0,8}(?:[,\]#]|\r?$)/im;

const PEM = /-----BEGIN ([A-Z0-9 ]{1,60})-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,60}-----|$)/g;
/** Bounded, as it may begin anywhere: texts come from whoever may write an object, and nothing here may cost more than their length. */
const URL_PASSWORD = /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'<>]{0,200}:)(?!masked:[0-9a-f]{16}@)([^\s/?#"'<>]{1,300})(?=@)/gi;
/** With a slash and the like in it, which should not stand there as they are: what is no port, up to the first `@`. */
const URL_PASSWORD_UNESCAPED =
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'<>[]{0,200}:)(?!\d{1,5}[/?#;,)\]]|[A-Z_]{0,20}PORT[/?#]|[$%{]|masked:)([^\s"'<>@]{1,300})(?=@)/gi;
/** Whose paths hold no `@`: up to the last one before a host, whatever stands there. */
const DATABASE_PASSWORD =
  /\b((?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|clickhouse|cockroachdb|nats|smtps?)(?:\+[a-z0-9]{1,12})?:\/\/[^\s:/@"'<>]{0,200}:)((?:(?!:\/\/)[^\s"'<>?,]){1,300})(?=@[\w.[\]:%-]{1,255}(?:[/?#,;)}]|$|[\s"'<>\\]))/gi;
/** `ssh://git.example.com:group/repo.git@main`: what ends as names of hosts do is one there, and a path behind it. */
const HOST_BEFORE =
  /(?:ssh|git|oci):\/\/[\w-]+(?:\.[\w-]+)*\.(?:[a-z]{2}|com|org|net|edu|gov|info|biz|dev|app|cloud|test|example|local|localhost|localdomain|internal|intranet|intra|lan|home|corp|private|svc|xyz|tech|work|site|team|tools|systems|services|software|solutions|online|global|group|company|network|digital|zone|space|page|code|run|build|codes|technology|engineering|hosting|studio|arpa):$/i;
const PATH_OF_REPOSITORY = /^[\w.-]+\/[\w./-]+(?:\?ref=[\w.-]*)?$/;
const IS_DOTTED = /(?:ssh|git|oci):\/\/[\w-]+(?:\.[\w-]+)+:$/i;
/** Whatever the host is. */
const GIT_PATH = /^[\w./-]+\.git(?:\/\/|\?|$)/;
/** A user so long that it is a token. */
const URL_USER = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)([A-Za-z0-9_-]{20,300})(?=@)/gi;
/** `user:password@tcp(host)` */
const DSN_PASSWORD = /(?<![\w.:-])([\w.-]{1,64}:)([^\s"'@]{1,200})(?=@(?:tcp|udp|unix)\()/g;
const ORACLE_PASSWORD = /\b(jdbc:oracle:[a-z]{1,10}:[\w.-]{1,64}\/)([^\s"'@]{1,200})(?=@)/g;

export function maskInText(text: string, masking: TextMasking): string {
  if (text.length < SHORT) return text;
  const suspicions = suspicionsOf(text);
  if (suspicions === 0 || suspicions === Suspicion.lines) return text;
  if ((suspicions & Suspicion.pem) !== 0) return maskAroundPem(text, masking);
  return maskPlain(text, suspicions, masking);
}

/** Certificates and public keys stay as they are, private ones go. */
function maskAroundPem(text: string, masking: TextMasking): string {
  let out = '';
  let done = 0;
  for (const match of text.matchAll(PEM)) {
    const [block, label = ''] = match;
    const before = text.slice(done, match.index);
    out += maskPlain(before, suspicionsOf(before), masking);
    out += label.includes('PRIVATE KEY') ? masking.replace(block, 'private-key') : block;
    done = match.index + block.length;
  }
  const rest = text.slice(done);
  return out + maskPlain(rest, suspicionsOf(rest), masking);
}

function maskPlain(text: string, suspicions: number, masking: TextMasking): string {
  const named =
    (reason: MaskReason): Replace =>
    (secret, says) =>
      masking.replaceNamed(secret, reason, says);
  const because = (reason: MaskReason) => (secret: string) => masking.replace(secret, reason);
  let out = text;
  if ((suspicions & Suspicion.named) !== 0 || mayAnnounce(text, suspicions)) {
    out = maskPairs(out, named('pair'), suspicions, masking);
    if (out.includes('</')) out = maskElements(out, named('pair'));
    out = maskRedis(out, named('pair'));
    if (out.includes('login')) out = maskNetrc(out, named('pair'));
  }
  if ((suspicions & Suspicion.url) !== 0) {
    const url = (_: string, before: string, secret: string) => `${before}${masking.replace(secret, 'url')}`;
    const unescaped = (all: string, before: string, secret: string) =>
      PATH_OF_REPOSITORY.test(secret) && (HOST_BEFORE.test(before) || (IS_DOTTED.test(before) && GIT_PATH.test(secret)))
        ? all
        : url(all, before, secret);
    if (out.includes('://')) {
      out = out
        .replace(DATABASE_PASSWORD, url)
        .replace(URL_PASSWORD, url)
        .replace(URL_PASSWORD_UNESCAPED, unescaped)
        .replace(URL_USER, url);
    }
    if (out.includes('(') || out.includes('jdbc:oracle')) out = out.replace(DSN_PASSWORD, url).replace(ORACLE_PASSWORD, url);
  }
  if ((suspicions & Suspicion.flag) !== 0) out = maskFlags(out, named('flag'));
  if ((suspicions & (Suspicion.crypt | Suspicion.token)) !== 0) out = out.replace(PASSWORD_HASHES, because('password-hash'));
  // Some webhooks are made of digests.
  if ((suspicions & Suspicion.url) !== 0 && out.includes('webhook')) out = out.replace(TOKEN_SHAPES, because('token'));
  if ((suspicions & Suspicion.token) !== 0) {
    out = out.replace(TOKEN_SHAPES, because('token'));
    out = out.replace(LONG_WORD, (word, at: number) => maskWord(word, at, out, masking));
  }
  return out;
}

/** Line by line, and by the structure where that may tell more. */
function maskPairs(text: string, replace: Replace, suspicions: number, masking: TextMasking): string {
  let pairs = findPairs(text, NO_STRUCTURE);
  const { edits, settled } = mayHaveStructure(text, pairs.tells, suspicions)
    ? readStructure(text, (value) => masking.maskNamed(value))
    : NO_STRUCTURE;
  if (edits.length + settled.length > 0) pairs = findPairs(text, { edits, settled });
  let out = '';
  let done = 0;
  const take = (start: number, end: number, masked: string) => {
    out += text.slice(done, start) + masked;
    done = end;
  };
  let next = 0;
  const takeEdits = (to: number) => {
    for (let edit = edits[next]; edit !== undefined && edit.start < to; edit = edits[++next]) {
      if (edit.start < done) continue;
      take(edit.start, edit.end, edit.text);
      masking.tell('pair');
    }
  };
  for (const { start, end, says } of pairs.secrets) {
    takeEdits(start);
    take(start, end, replace(text.slice(start, end), says));
  }
  takeEdits(text.length);
  return done === 0 ? text : out + text.slice(done);
}

function mayHaveStructure(text: string, tells: boolean, suspicions: number): boolean {
  return hasStructure(text, suspicions) && (tells || ANNOUNCES.test(text));
}

/** Of flags, those in texts of YAML: of commands the flags themselves are looked for. */
function mayAnnounce(text: string, suspicions: number): boolean {
  return (suspicions & Suspicion.flag) !== 0 && hasStructure(text, suspicions) && ANNOUNCES.test(text);
}

function hasStructure(text: string, suspicions: number): boolean {
  return (suspicions & Suspicion.lines) !== 0 || text.includes('[') || text.includes('{');
}

function maskWord(word: string, at: number, text: string, masking: TextMasking): string {
  if (isDigest(text, at, word)) return word;
  const decoded = decodeBase64(word);
  if (decoded === 'private-key') return masking.replace(word, 'private-key');
  if (decoded === 'public') return word;
  if (typeof decoded === 'object') {
    return masking.holdsSecret(decoded.text) ? masking.replace(word, 'base64') : word;
  }
  return !masking.mayBeRandom && isRandom(word) && !isPublic(text, at, word) ? masking.replace(word, 'entropy') : word;
}
