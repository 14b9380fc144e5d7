/**
 * What is worth remembering of a field's value: its type and, for ordered types, the direction and size of the step rather than
 * the value itself, so that "a patch release up" is one habit whatever the numbers.
 */
import type { Json } from '../domain/json.ts';

const SUFFIX: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  '%': 0.01,
};
const QUANTITY = /^([+-]?\d{1,15}(?:\.\d{1,9})?)(ms|Ki|Mi|Gi|Ti|Pi|[numshdkMGTP%])?$/;
const VERSION = /^(\D{0,16}?)(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?([^\n]{0,100})$/;
const IMAGE = /^((?:[\w.-]{1,200}(?::\d{1,5})?\/)?[\w./-]{1,200}?)(?::([\w][\w.+-]{0,127}))?(@sha256:[0-9a-f]{16,64})?$/;
/** The host is what stands behind the last @, however long the user before it; one that does not end where a host may is none. */
const URL_START = /^([a-z][\w+.-]{1,15}):\/\/(?:[^/\s?#]{1,4096}@)?([^/@\s?#]{1,253})(?![^/\s?#])(\/[^/\s?#]{0,100})?/i;
const HOST = /^(?:[\w*-]{1,63}\.)+[a-z]{2,24}$/i;
/** Files, and keys by which secrets hold them, look like hosts. */
const FILE =
  /\.(?:json|ya?ml|toml|xml|conf|cfg|ini|properties|crt|key|pem|p12|jks|txt|logs?|tmpl|tpl|js|jar|sql|db|rules|html|lua|env|token|password)$/i;
const HEX = /^(?:sha256:)?[0-9a-f]{7,128}$/;
const DURATION_PARTS = /(\d{1,9}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h)/g;
const SECONDS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
const DURATION = /^(?:\d{1,9}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h)){2,}$/;
const CRON = /^(?:[\d*/,A-Za-z?LW#-]{1,40} ){4,5}[\d*/,A-Za-z?LW#-]{1,40}$/;
const CIDR = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]{2,39})\/\d{1,3}$/i;

/** What a form is of a text. The last two texts are remembered: the old and the new value of a field are asked about several times, one after the other. */
function remembered<T>(formOf: (text: string) => T): (text: string) => T {
  let [first, second] = ['', ''];
  let [ofFirst, ofSecond] = [formOf(''), formOf('')];
  return (text) => {
    if (text === first) return ofFirst;
    if (text === second) return ofSecond;
    [second, ofSecond] = [first, ofFirst];
    first = text;
    ofFirst = formOf(text);
    return ofFirst;
  };
}

/**
 * A number, or a Kubernetes quantity or duration as one, in seconds; a tag that is a number is one however it is pinned. The suffix `m` is milli for
 * CPU and minutes elsewhere.
 */
export function numberOf(value: Json | undefined, generic: string): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || value.length > PINNED_NUMBER_MAX || !mayBeNumber(value.charCodeAt(0))) return undefined;
  const digits = digitsIn(value);
  if (digits !== undefined) return digits;
  const text = withoutDigest(value);
  if (text.length > NUMBER_MAX) return undefined;
  const match = hasTwoDots(text) ? null : QUANTITY.exec(text);
  if (match === null) return isDuration(text) ? secondsOf(text) : undefined;
  const suffix = match[2];
  const number = Number(match[1]);
  if (suffix === undefined) return number;
  return number * (suffix === 'm' && /cpu/i.test(generic) ? 1e-3 : (SUFFIX[suffix] as number));
}

const DIGITS_MAX = 15;

/** The number of a text that is digits and nothing else, as most that are numbers are; as many as a number holds exactly. */
function digitsIn(text: string): number | undefined {
  if (text.length > DIGITS_MAX) return undefined;
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

const DIGEST_MAX = '@sha256:'.length + 64;
const NUMBER_MAX = 28;
const PINNED_NUMBER_MAX = NUMBER_MAX + DIGEST_MAX;

/** As versions have, which are told from quantities by that in less than a pattern takes to begin. */
function hasTwoDots(text: string): boolean {
  const first = text.indexOf('.');
  return first >= 0 && text.includes('.', first + 1);
}

/** Of a duration in several parts, such as 1h30m. */
function secondsOf(duration: string): number {
  let sum = 0;
  for (const [, amount, unit] of duration.matchAll(DURATION_PARTS)) sum += Number(amount) * (SECONDS[unit as string] as number);
  return sum;
}

/**
 * Whether the new value is the old one in other words: as a text instead of a number or a switch, or in another unit. Another digest
 * is another value, whatever tag it pins; and nothing at all has no two forms: an empty selector takes everything where none takes nothing, and
 * the texts "false" and "0" are true to a template.
 */
export function saysTheSame(old: Json | undefined, next: Json | undefined, generic: string): boolean {
  if (old === undefined || next === undefined) return false;
  if (typeof old === 'object' || typeof next === 'object') return false;
  if (typeof old !== typeof next) return String(old) === String(next) && Boolean(old) === Boolean(next);
  return typeof old === 'string' && typeof next === 'string' && isSameNumber(old, next, generic);
}

/** Each in a unit: 1.1 and 1.10 may be two versions, and what is counted in 60 is for its reader to know. */
function isSameNumber(old: Json, next: Json, generic: string): boolean {
  if (!hasUnit(old) || !hasUnit(next)) return false;
  const number = numberOf(next, generic);
  return number !== undefined && number === numberOf(old, generic) && !isPinned(old) && !isPinned(next);
}

function hasUnit(value: Json): boolean {
  if (typeof value !== 'string') return false;
  const code = value.charCodeAt(value.length - 1) | 0x20;
  return code >= 0x61 && code <= 0x7a;
}

function isPinned(value: Json): boolean {
  return typeof value === 'string' && value.includes('@');
}

/** Digits and signs; most texts are told from numbers by their first letter. */
function mayBeNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d;
}

export interface Version {
  readonly prefix: string;
  /** What follows the numbers. */
  readonly rest: string;
  readonly parts: readonly [number, number, number];
}

/** major.minor[.patch] with an optional prefix such as `v`; undefined when the value is not of that form. */
export function versionOf(text: string): Version | undefined {
  return text.length > 128 || !text.includes('.') ? undefined : versionIn(text);
}

const versionIn = remembered((text): Version | undefined => {
  const match = VERSION.exec(text);
  if (match === null || match[1]?.includes('/')) return undefined;
  return {
    prefix: match[1] as string,
    parts: [Number(match[2]), Number(match[3]), Number(match[4] ?? 0)],
    rest: match[5] as string,
  };
});

export interface Image {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: boolean;
}

/** An image reference with at least one slash or a digest; undefined for anything else. */
export function imageOf(value: Json | undefined): Image | undefined {
  if (typeof value !== 'string' || value.length > 400 || !value.includes('/') || value.includes('://')) return undefined;
  // Both a tag and a digest stand behind a colon.
  return value.includes(':') ? imageIn(value) : undefined;
}

const imageIn = remembered((text): Image | undefined => {
  const match = IMAGE.exec(text);
  if (match === null || (match[2] === undefined && match[3] === undefined)) return undefined;
  return { repository: match[1] as string, tag: match[2], digest: match[3] !== undefined };
});

/** Old and new value as numbers, where they are any. */
interface Numbers {
  x: number | undefined;
  y: number | undefined;
}

/** The tokens of the value that another took the place of: as `tokensOf` has those of a value by itself, and of nobody else is it asked. */
export function tokensBefore(old: Json | undefined, x: number | undefined): string[] {
  return typedTokens(undefined, old, { x: undefined, y: x });
}

/** The tokens of a new value given the old one. A token's text before its first `:` is its type. */
export function tokensOf(
  old: Json | undefined,
  next: Json | undefined,
  generic: string,
  numbers: Numbers = { x: numberOf(old, generic), y: numberOf(next, generic) },
): string[] {
  const alone = old === undefined && numbers.y === undefined && typeof next === 'string' && next.length <= ALONE_MAX;
  if (!alone) return typedTokens(old, next, numbers);
  const known = KNOWN_ALONE.get(next);
  if (known !== undefined) return known;
  const tokens = typedTokens(old, next, numbers);
  if (KNOWN_ALONE.size >= KNOWN_ALONE_MAX) KNOWN_ALONE.clear();
  KNOWN_ALONE.set(next, tokens);
  return tokens;
}

/** Of texts that stand in place of nothing, which new objects bring by the dozen and many of them alike: worked out once, and never written to. */
const KNOWN_ALONE = new Map<string, string[]>();
const KNOWN_ALONE_MAX = 4_000;
const ALONE_MAX = 120;

function typedTokens(old: Json | undefined, next: Json | undefined, numbers: Numbers): string[] {
  const tokens = valueTokens(old, next, numbers);
  // What sort of value it is counts apart: a word where versions are usual is odd, however many versions there have been.
  const last = tokens[tokens.length - 1] as string;
  return typeof next === 'string' && next !== '' ? withOneMore(tokens, typeToken(last)) : tokens;
}

/** Written out for the usual lengths: an array that grows, or into which another is spread, keeps room for a dozen more, and these wait with their visit. */
function withOneMore(tokens: string[], token: string): string[] {
  if (tokens.length === 1) return [tokens[0] as string, token];
  if (tokens.length === 2) return [tokens[0] as string, tokens[1] as string, token];
  return tokens.concat(token);
}

/** The commonest types of texts with their tokens: one text of each for all values, as a new one has to be interned by each look-up. */
const TYPE_TOKENS = ['word', 'version', 'tag-version', 'form', 'hex', 'step', 'num', 'text', 'base', 'digest', 'tag-word'].map(
  // A step is to a number, which a new object simply has.
  (type) => ({ start: `${type}:`, token: `type:${type === 'step' ? 'num' : type}` }),
);

function typeToken(of: string): string {
  for (let i = 0; i < TYPE_TOKENS.length; i++) {
    const { start, token } = TYPE_TOKENS[i] as (typeof TYPE_TOKENS)[number];
    if (of.startsWith(start)) return token;
  }
  return `type:${of.slice(0, of.indexOf(':'))}`;
}

function valueTokens(old: Json | undefined, next: Json | undefined, { x, y }: Numbers): string[] {
  if (next === undefined) return ['gone:'];
  if (next === null || typeof next === 'boolean') return [`is:${next}`];
  if (y !== undefined) {
    if (y === 0) return ['num:0'];
    if (x === 0) return ['step:from0'];
    // Without a past value only the size counts, to half an octave: 27 replicas are no news where 25 are usual.
    return [x === undefined ? `num:${y < 0 ? '-' : ''}${Math.round(Math.log2(Math.abs(y)) * 2)}` : stepToken(x, y)];
  }
  if (typeof next !== 'string') return [Array.isArray(next) ? 'empty:list' : 'empty:object'];
  return textTokens(old, next);
}

function stepToken(x: number, y: number): string {
  if (x < 0 !== y < 0) return 'step:sign';
  const octaves = Math.log2(Math.abs(y / x));
  return (octaves > 0 ? STEPS_UP : STEPS_DOWN)[Math.min(STEP_MAX, Math.floor(Math.abs(octaves)))] as string;
}

const STEP_MAX = 6;
/** By whole octaves. */
const STEPS_UP = Array.from({ length: STEP_MAX + 1 }, (_, octaves) => `step:up${octaves}`);
const STEPS_DOWN = Array.from({ length: STEP_MAX + 1 }, (_, octaves) => `step:down${octaves}`);

function textTokens(old: Json | undefined, next: string): string[] {
  const image = imageOf(next);
  if (image !== undefined) {
    const tokens = [repoToken(image.repository)];
    const was = imageOf(old);
    // Versions of two things are no step from one to the other.
    const tagWas = was?.repository === image.repository ? was.tag : undefined;
    if (image.tag !== undefined) tokens.push(`tag-${wordToken(tagWas, image.tag)}`);
    if (image.digest !== was?.digest) tokens.push(`digest:${image.digest}`);
    return tokens;
  }
  const url = next.includes('://') ? URL_START.exec(next) : null;
  if (url !== null) return [`url:${url[1]}://${url[2]}`, `base:${url[2]}${url[3] ?? ''}`];
  return [wordToken(typeof old === 'string' ? old : undefined, next)];
}

/** Versions within a name, such as index-4.18, make no other repository. */
const repoToken = remembered((repository) => `repo:${repository.replaceAll(/\d+(?:\.\d+)*/g, '0')}`);

const DIGEST_END = /@sha256:[0-9a-f]{16,64}$/;

function withoutDigest(text: string): string {
  return text.includes('@') ? text.replace(DIGEST_END, '') : text;
}

function wordToken(before: string | undefined, after: string): string {
  // A pinned digest says nothing beside the tag it pins.
  const next = withoutDigest(after);
  const old = before === undefined ? undefined : withoutDigest(before);
  if (mayBeHex(next) && HEX.test(next) && /\d/.test(next)) return `hex:${next.length}`;
  if (next.includes('/') && CIDR.test(next)) return `cidr:/${next.slice(next.lastIndexOf('/') + 1)}`;
  const version = versionOf(next);
  if (version !== undefined && !isHost(next)) return versionToken(old === undefined ? undefined : versionOf(old), version);
  if (isDuration(next)) return 'duration:';
  if (next.includes(' ') && CRON.test(next)) return `cron:${next.split(' ').slice(0, 2).join(' ')}`;
  if (isHost(next) && !FILE.test(next)) return `host:${next.toLowerCase().split('.').slice(-2).join('.')}`;
  if (next.length <= 80 && !next.includes('\n'))
    return /\d\D*\d\D*\d/.test(next) ? `form:${next.replaceAll(/\d+/g, '0')}` : `word:${next}`;
  return `text:${Math.round(Math.log2(next.length / Math.max(1, old?.length ?? next.length)))}`;
}

/** Words and versions are told from these by a letter at one end, in less than a pattern takes to begin. */
function mayBeHex(text: string): boolean {
  const code = text.charCodeAt(0);
  return text.length >= 7 && ((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || code === 0x73);
}

/** All begin with a digit and end in seconds or parts of one, minutes or hours. */
function isDuration(text: string): boolean {
  const code = text.charCodeAt(0);
  const mayBe = code >= 0x30 && code <= 0x39 && (text.endsWith('s') || text.endsWith('m') || text.endsWith('h'));
  return mayBe && DURATION.test(text);
}

function isHost(text: string): boolean {
  const code = text.charCodeAt(text.length - 1) | 0x20;
  return code >= 0x61 && code <= 0x7a && text.includes('.') && HOST.test(text);
}

function versionToken(was: Version | undefined, now: Version): string {
  if (was === undefined) return `version:${now.prefix}`;
  const level = now.parts.findIndex((part, i) => part !== was.parts[i]);
  if (level < 0) return `version:${now.prefix}${now.rest === was.rest ? 'same' : 'variant'}`;
  const delta = (now.parts[level] as number) - (was.parts[level] as number);
  const size = level === 0 ? Math.min(MAJOR_MAX, Math.floor(Math.log2(Math.abs(delta) + 1))) : 0;
  const steps = now.prefix === '' ? PLAIN_STEPS : now.prefix === 'v' ? V_STEPS : undefined;
  const place = (delta > 0 ? LEVELS : 0) * (MAJOR_MAX + 1) + level * (MAJOR_MAX + 1) + size;
  return steps === undefined ? versionStep(now.prefix, place) : (steps[place] as string);
}

const MAJOR_MAX = 4;
const LEVELS = 3;
/** By direction, level and size: one text of each, as most versions have no prefix or this one. */
const [PLAIN_STEPS, V_STEPS] = ['', 'v'].map((prefix) =>
  Array.from({ length: 2 * LEVELS * (MAJOR_MAX + 1) }, (_, place) => versionStep(prefix, place)),
) as [string[], string[]];

function versionStep(prefix: string, place: number): string {
  const level = Math.floor(place / (MAJOR_MAX + 1));
  return `version:${prefix}${level >= LEVELS ? 'up' : 'down'}${level % LEVELS}.${place % (MAJOR_MAX + 1)}`;
}

const TO_NOTHING = 4;
/** Further than any setting moves. */
const LEAP_MAX = 64;

/**
 * How far an ordered value jumped: doublings of a number; for a version thrown back, how deep (patch 1, minor 2, major 4 and more).
 * A number set to nothing is as far as one divided by sixteen. 0 where there is no order or a version merely moved up.
 */
export function leapOf(old: Json | undefined, next: Json | undefined, x: number | undefined, y: number | undefined): number {
  if (x !== undefined && y !== undefined) {
    // Their quotient may be beyond what a number holds.
    if (x > 0 && y > 0) return Math.min(LEAP_MAX, Math.abs(Math.log2(y) - Math.log2(x)));
    return x > 0 && y === 0 ? TO_NOTHING : 0;
  }
  const versions = versionsOf(old, next);
  if (versions === undefined) return 0;
  const [was, now] = versions;
  for (let level = 0; level < 3; level++) {
    const back = (was.parts[level] as number) - (now.parts[level] as number);
    if (back < 0) return 0;
    if (back > 0) return level === 0 ? 4 + Math.log2(1 + Math.min(9999, back)) : level === 1 ? 2 : 1;
  }
  return 0;
}

/** By how many majors a version moved up; 0 where it did not, or is one of another sort. */
export function majorsUp(old: Json | undefined, next: Json | undefined): number {
  const versions = versionsOf(old, next);
  return versions === undefined ? 0 : Math.max(0, versions[1].parts[0] - versions[0].parts[0]);
}

/** Two values as versions that can be set beside each other, of images by their tags: those of two images cannot. */
function versionsOf(old: Json | undefined, next: Json | undefined): [was: Version, now: Version] | undefined {
  if (typeof old !== 'string' || typeof next !== 'string' || old.length > 400 || next.length > 400) return undefined;
  const [image, then] = [imageOf(old), imageOf(next)];
  if (image?.repository !== then?.repository) return undefined;
  const was = versionOf(image?.tag ?? old);
  const now = versionOf(then?.tag ?? next);
  return was === undefined || now === undefined || was.prefix !== now.prefix ? undefined : [was, now];
}
