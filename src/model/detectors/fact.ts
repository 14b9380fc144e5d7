/** What a fact is, and the tests of values that tables of facts are made of. */
import type { Severity } from '../../domain/finding.ts';
import type { Json } from '../../domain/json.ts';

export interface Fact {
  id: string;
  severity: Severity;
  path: RegExp;
  /** Of the kind, `group/Kind`, whose object it is; absent: any. */
  kind?: RegExp | undefined;
  /** `gain`: the value came to be this. `loss`: the field went away. */
  when: 'gain' | 'loss';
  /** Test of the new value (gain) or the old one (loss); absent: any value. */
  value?: ((value: Json) => boolean) | undefined;
  /** Test of the value before; only a value in place of such another is meant. */
  from?: ((value: Json) => boolean) | undefined;
  /** Test of both, where a value took the place of another; nothing else is meant then. */
  step?: ((old: Json, next: Json) => boolean) | undefined;
  /** Of what is there already only; a new object may begin so. */
  edits?: true | undefined;
  /** Completes "<field> …". */
  means: string;
  source: 'pod-security-standards' | 'rbac-good-practices' | 'kubernetes-docs' | 'project-docs' | 'nist';
}

/** With a place for each member, whether it is there or not: what looks at facts of many shapes looks each member up by its name. */
export function ofOneShape({ id, severity, path, when, means, source, kind, value, from, step, edits }: Fact): Fact {
  return { id, severity, path, when, means, source, kind, value, from, step, edits };
}

export const yes = (value: Json) => value === true || value === 'true';
/** A switch may be a word. */
export const affirmed = (value: Json) =>
  yes(value) || (typeof value === 'string' && /^(?:allow(?:ed)?|enabled?|always|on|yes)$/i.test(value));
export const no = (value: Json) =>
  value === false || (typeof value === 'string' && /^(?:false|off|disabled?|none|no)$/i.test(value));
export const zero = (value: Json) => value === 0 || value === '0';
const OF_TEXTS = new WeakSet<(value: Json) => boolean>();
/** Whether a test holds of texts only: of other values it need not be asked. */
export const isOfTexts = (test: (value: Json) => boolean) => OF_TEXTS.has(test);
const ofTexts = (test: (text: string) => boolean) => {
  const isSo = (value: Json) => typeof value === 'string' && test(value);
  OF_TEXTS.add(isSo);
  return isSo;
};
/** One bit for each length; those beyond share one. */
const bitOf = (length: number) => 1 << Math.min(length, 31);
/** Asked of the value of every field: most are told from these by their length, which no letter that has a small one of ASCII changes with that. */
const oneOf = (texts: string[]) => {
  const lengths = texts.reduce((bits, { length }) => bits | bitOf(length), 0);
  return (text: string) => (lengths & bitOf(text.length)) !== 0 && texts.includes(text.toLowerCase());
};
export const among = (...texts: string[]) => ofTexts(oneOf(texts));
export const outside = (...texts: string[]) => {
  const isOne = oneOf(texts);
  return ofTexts((text) => !isOne(text));
};
const isLike = (pattern: RegExp, text: string) => text.length <= 300 && pattern.test(text);
/** `start` and `end` are what all of them begin and end with, which takes less to ask than a pattern. */
export const like = (pattern: RegExp, start = '', end = '') =>
  ofTexts((text) => text.startsWith(start) && text.endsWith(end) && isLike(pattern, text));
/** As `like`, of patterns of whole addresses. Asked of the value of every field: most are told from addresses by what stands in these. */
export const address = (pattern: RegExp) => ofTexts((text) => text.includes('://') && isLike(pattern, text));
