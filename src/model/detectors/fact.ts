/** What a fact is, and the tests of values that tables of facts are made of. */
import type { Severity } from '../../domain/finding.ts';
import type { Json } from '../../domain/json.ts';

export interface Fact {
  id: string;
  severity: Severity;
  path: RegExp;
  /** `gain`: the value came to be this. `loss`: the field went away. */
  when: 'gain' | 'loss';
  /** Test of the new value (gain) or the old one (loss); absent: any value. */
  value?: (value: Json) => boolean;
  /** Test of the value before; only a value in place of such another is meant. */
  from?: (value: Json) => boolean;
  /** Completes "<field> …". */
  means: string;
  source: 'pod-security-standards' | 'rbac-good-practices' | 'kubernetes-docs' | 'project-docs' | 'nist';
}

export const yes = (value: Json) => value === true || value === 'true';
/** A switch may be a word. */
export const affirmed = (value: Json) =>
  yes(value) || (typeof value === 'string' && /^(?:allow(?:ed)?|enabled?|always|on|yes)$/i.test(value));
export const no = (value: Json) =>
  value === false || (typeof value === 'string' && /^(?:false|off|disabled?|none|no)$/i.test(value));
export const zero = (value: Json) => value === 0 || value === '0';
export const among = (...texts: string[]) => {
  const isOne = oneOf(texts);
  return (value: Json) => typeof value === 'string' && isOne(value);
};
export const outside = (...texts: string[]) => {
  const isOne = oneOf(texts);
  return (value: Json) => typeof value === 'string' && !isOne(value);
};
/** Asked of the value of every field: most are told from these by their length, which no letter that has a small one of ASCII changes with that. */
const oneOf = (texts: string[]) => {
  const lengths = texts.map(({ length }) => length);
  return (value: string) => lengths.includes(value.length) && texts.includes(value.toLowerCase());
};
export const like = (pattern: RegExp) => (value: Json) => typeof value === 'string' && value.length <= 300 && pattern.test(value);
/** As `like`, of patterns of whole addresses. */
export const address = (pattern: RegExp) => {
  const isLike = like(pattern);
  // Asked of the value of every field: most are told from addresses by this.
  return (value: Json) => typeof value === 'string' && value.includes('://') && isLike(value);
};
