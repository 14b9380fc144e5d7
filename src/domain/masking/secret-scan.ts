/**
 * One look at a text, character by character, that says which of the dearer searches for secrets could find anything in it. Nearly all
 * texts end here, so this is what masking costs.
 */

export const Suspicion = {
  /** A word before `:` or `=` ends as a telling name does. */
  named: 1,
  /** `@` in a text that may be a URL with credentials. */
  url: 2,
  /** `--flag` or `-f` within, also in quotes. */
  flag: 4,
  /** A long word of letters and digits that is not hexadecimal, or what follows `Bearer`. */
  token: 8,
  /** `$2y$…` or `{SHA}…`: a hashed password. */
  crypt: 16,
  /** `-----BEGIN`. */
  pem: 32,
  /** Several lines. */
  lines: 64,
} as const;

const DIGIT = 1;
const LOWER = 2;
const UPPER = 4;
/** A letter after f. */
const BEYOND_HEX = 8;
const ALPHANUMERIC = DIGIT | LOWER | UPPER | BEYOND_HEX;
/** `-`, `_` and `+`: within the words of Base64. */
const JOINT = 16;
const PIVOT = 32;

/** By code unit, so that none needs to be compared with a bound first. */
const CLASSES = new Uint8Array(65_536);
for (let code = 48; code <= 57; code++) CLASSES[code] = DIGIT;
for (let code = 97; code <= 122; code++) CLASSES[code] = LOWER | (code > 102 ? BEYOND_HEX : 0);
for (let code = 65; code <= 90; code++) CLASSES[code] = UPPER | (code > 70 ? BEYOND_HEX : 0);
const [COLON, EQUALS, AT, DOLLAR, NEWLINE, DASH, BLANK, BRACE, LESS] = [58, 61, 64, 36, 10, 45, 32, 125, 60];
const [QUOTE, DOUBLE_QUOTE] = [39, 34];
CLASSES[DASH] = JOINT | PIVOT;
CLASSES[95] = JOINT;
CLASSES[43] = JOINT;
for (const code of [COLON, EQUALS, AT, DOLLAR, NEWLINE, BLANK, BRACE, LESS]) CLASSES[code] = PIVOT;

const TELLING = 1;
/** Of what may stand behind a telling word: `PASSWORD_PROD`. */
const QUALIFIES = 2;
/** The last three letters of telling names, plurals too, by their place in the alphabet. */
const ENDINGS = new Uint8Array(26 * 26 * 26);
for (const ending of [
  'ord',
  'swd',
  'pwd',
  'ase',
  'ass',
  'ode',
  'ret',
  'ken',
  'key',
  'ial',
  'uth',
  'ing',
  'sig',
  'ure',
  'psk',
  'ata',
  'trc',
  'kie',
  'pat',
])
  ENDINGS[placeOf(ending)] = TELLING;
for (const ending of [
  'ords',
  'wds',
  'ses',
  'des',
  'ets',
  'ens',
  'eys',
  'als',
  'ngs',
  'lue',
  'ult',
  'pin',
  'ins',
  'url',
  'fig',
  'ass',
])
  ENDINGS[placeOf(ending.slice(-3))] = TELLING;
for (const qualifier of 'enc,encoded,values,val,plain,text,raw,old,new,prev,previous,current,prod,production,dev,development,test,stage,uat,live,demo,local,secondary,backup,replica'.split(
  ',',
))
  ENDINGS[placeOf(qualifier.slice(-3))] ||= QUALIFIES;
const TELLING_WORD = /pass|pwd?|secret|token|key|cred|psk|cookie/i;
const QUALIFIED_LENGTH = 40;
/** Of a closing tag. */
const ELEMENT_MAX = 80;

function placeOf(ending: string): number {
  const letter = (i: number) => ending.charCodeAt(i) - 97;
  return (letter(0) * 26 + letter(1)) * 26 + letter(2);
}

const [ER, IC, RD, SS, TH] = [101 * 128 + 114, 105 * 128 + 99, 114 * 128 + 100, 115 * 128 + 115, 116 * 128 + 104];
const STREAK_MIN = 16;
const RUN_MIN = 20;
const BOTH_CASES = LOWER | UPPER;

export function suspicionsOf(text: string): number {
  const { length } = text;
  if (isTime(text)) return 0;
  let found = 0;
  // A streak is letters and digits only, a run has joints too.
  let run = 0;
  let runBits = 0;
  let i = 0;
  while (i <= length) {
    const start = i;
    let bits = 0;
    let kind = 0;
    for (; i < length; i++) {
      kind = CLASSES[text.charCodeAt(i)] as number;
      if ((kind & ALPHANUMERIC) === 0) break;
      bits |= kind;
    }
    if (i === length) kind = 0;
    const streak = i - start;
    if (streak >= STREAK_MIN) {
      const mixed = (bits & DIGIT) !== 0 && (bits & BEYOND_HEX) !== 0;
      // Some of Amazon's key ids have no digit; some tokens are hexadecimal behind their prefix.
      if (mixed || (streak === 20 && (bits & LOWER) === 0) || isPrefixed(text, start, bits)) found |= Suspicion.token;
    }
    if ((kind & JOINT) !== 0) {
      run += streak + 1;
      runBits |= bits | JOINT;
    } else {
      if (run + streak >= RUN_MIN) {
        runBits |= bits;
        if ((runBits & BOTH_CASES) === BOTH_CASES && (runBits & (DIGIT | JOINT)) !== 0) found |= Suspicion.token;
      }
      run = 0;
      runBits = 0;
    }
    if ((kind & PIVOT) !== 0) found |= atPivot(text, i, text.charCodeAt(i));
    i++;
  }
  return found;
}

/** 2026-01-02T03:04:05Z, of which there are more than of anything else. */
function isTime(text: string): boolean {
  return (
    text.length === 20 &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(10) === 84 &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON &&
    text.charCodeAt(19) === 90
  );
}

function atPivot(text: string, i: number, code: number): number {
  const before = i === 0 ? 0 : text.charCodeAt(i - 1);
  switch (code) {
    case DASH: {
      const after = text.charCodeAt(i + 1);
      if (after === DASH && text.startsWith('-----BEGIN', i)) return Suspicion.pem;
      return (i === 0 || before === BLANK || before === QUOTE || before === DOUBLE_QUOTE) && after !== BLANK ? Suspicion.flag : 0;
    }
    case BLANK: {
      // "Bearer ", "Basic ", "password ": looked at by two letters first, as there are many blanks.
      const two = ((i < 2 ? 0 : text.charCodeAt(i - 2)) | 32) * 128 + (before | 32);
      if (two === ER) return endsWith(text, i, 'bearer') ? Suspicion.token : 0;
      if (two === IC) return endsWith(text, i, 'basic') ? Suspicion.token : 0;
      if (two === SS) return endsWith(text, i, 'requirepass') || endsWith(text, i, 'auth-pass') ? Suspicion.named : 0;
      if (two === TH) return endsWith(text, i, 'masterauth') ? Suspicion.named : 0;
      return two === RD && endsWith(text, i, 'password') ? Suspicion.named : 0;
    }
    case BRACE:
      // {SHA}
      return before === 65 || (before >= 48 && before <= 57) ? Suspicion.crypt : 0;
    case LESS: {
      if (text.charCodeAt(i + 1) !== 47) return 0;
      // </password>
      const end = text.slice(i, i + ELEMENT_MAX).indexOf('>');
      return end > 0 && isTellingEnd(text, i + end) ? Suspicion.named : 0;
    }
    case AT:
      return Suspicion.url;
    case NEWLINE:
      return Suspicion.lines;
    case DOLLAR: {
      const after = text.charCodeAt(i + 1);
      return (after >= 48 && after <= 57) || after === 97 || after === 112 || after === 115 || after === 121
        ? Suspicion.crypt
        : 0;
    }
    default:
      return isTellingEnd(text, i) ? Suspicion.named : 0;
  }
}

/** `dop_v1_…`, `key-…`, and the end of a webhook's address. */
function isPrefixed(text: string, at: number, bits: number): boolean {
  const before = at < 2 ? 0 : text.charCodeAt(at - 1);
  if (before === 47) return (bits & BOTH_CASES) === BOTH_CASES;
  return before === 95 || (before === DASH && text.charCodeAt(at - 2) === 121);
}

function endsWith(text: string, end: number, word: string): boolean {
  return end >= word.length && text.slice(end - word.length, end).toLowerCase() === word;
}

/** Whether the word before `:` or `=` may be a telling name; blanks, quotes and brackets may stand between. */
function isTellingEnd(text: string, at: number): boolean {
  if (text.charCodeAt(at + 1) === 47 && text.charCodeAt(at + 2) === 47) return false;
  let i = at - 1;
  while (i > 0 && isBetween(text.charCodeAt(i))) i--;
  // Numbers count names: PASSWORD_1.
  while (i > 0 && isNumbering(text.charCodeAt(i))) i--;
  if (i < 1) return false;
  const last = letterAt(text, i);
  const second = letterAt(text, i - 1);
  if (last < 0) return false;
  // "pw"
  if (last === 22 && second === 15) return true;
  const third = i < 2 ? -1 : letterAt(text, i - 2);
  if (second < 0 || third < 0) return isJoint(text, i - 1) || isJoint(text, i - 2) ? isQualified(text, i) : false;
  const ending = ENDINGS[(third * 26 + second) * 26 + last];
  if (ending !== 0) return ending === TELLING || isQualified(text, i);
  return last === 13 && second === 14 && endsWith(text, i + 1, 'authorization');
}

function letterAt(text: string, at: number): number {
  const letter = (text.charCodeAt(at) | 32) - 97;
  return letter <= 25 ? letter : -1;
}

function isJoint(text: string, at: number): boolean {
  return at >= 0 && ((CLASSES[text.charCodeAt(at)] as number) & JOINT) !== 0;
}

function isNumbering(code: number): boolean {
  return ((CLASSES[code] as number) & (DIGIT | JOINT)) !== 0;
}

/** Whether a telling word stands in the name that ends here. */
function isQualified(text: string, end: number): boolean {
  return TELLING_WORD.test(text.slice(Math.max(0, end - QUALIFIED_LENGTH), end));
}

function isBetween(code: number): boolean {
  return code === BLANK || code === 34 || code === 39 || code === 92 || code === 93;
}
