/** Secrets within a text, whatever the name of the field that holds it. */
import { maskElements, maskFlags, maskNetrc, maskPairs, maskRedis, type Replace } from './secret-pairs.ts';
import { Suspicion, suspicionsOf } from './secret-scan.ts';
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
}

const SHORT = 8;

const PEM = /-----BEGIN ([A-Z0-9 ]{1,60})-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,60}-----|$)/g;
/** Bounded, as it may begin anywhere: texts come from whoever may write an object, and nothing here may cost more than their length. */
const URL_PASSWORD = /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'<>]{0,200}:)(?!masked:[0-9a-f]{16}@)([^\s/?#"'<>]{1,300})(?=@)/gi;
/** With a slash and the like in it, which should not stand there as they are: what is no port, up to the first `@`. */
const URL_PASSWORD_UNESCAPED =
  /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'<>[]{0,200}:)(?!\d{1,5}[/?#;,)\]]|[A-Z_]{0,20}PORT[/?#]|[$%{]|masked:)([^\s"'<>@]{1,300})(?=@)/gi;
/** `ssh://git.example.com:group/repo.git@main`: what has a dot is a host there, and a path behind it. */
const HOST_BEFORE = /(?:ssh|git|oci):\/\/[\w-]+(?:\.[\w-]+)+:$/i;
const PATH_OF_REPOSITORY = /^[\w.-]+\/[\w./-]+(?:\?ref=[\w.-]*)?$/;
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
  if ((suspicions & Suspicion.named) !== 0) {
    out = maskPairs(out, named('pair'));
    if (out.includes('</')) out = maskElements(out, named('pair'));
    out = maskRedis(out, named('pair'));
    if (out.includes('login')) out = maskNetrc(out, named('pair'));
  }
  if ((suspicions & Suspicion.url) !== 0) {
    const url = (_: string, before: string, secret: string) => `${before}${masking.replace(secret, 'url')}`;
    const unescaped = (all: string, before: string, secret: string) =>
      HOST_BEFORE.test(before) && PATH_OF_REPOSITORY.test(secret) ? all : url(all, before, secret);
    if (out.includes('://')) {
      out = out.replace(URL_PASSWORD, url).replace(URL_PASSWORD_UNESCAPED, unescaped).replace(URL_USER, url);
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
