/**
 * The order of resourceVersions. Since Kubernetes 1.35 (KEP-5504) those of one resource may be compared as whole numbers of any length
 * where both are written as such; every API server backed by etcd gave such numbers before too. Anything else stays opaque: it can be
 * told apart, not ordered.
 */

const DIGIT_ZERO = 0x30;

/** `older`, `same` or `newer` is what `a` is beside `b`; `unknown` when they cannot be ordered. */
export type VersionOrder = 'older' | 'same' | 'newer' | 'unknown';

export function compareResourceVersions(a: string, b: string): VersionOrder {
  if (a === b) return 'same';
  if (!isOrdered(a) || !isOrdered(b)) return 'unknown';
  if (a.length !== b.length) return a.length < b.length ? 'older' : 'newer';
  return a < b ? 'older' : 'newer';
}

/** A positive whole number without leading zeros; 0 is a word of requests and never the version of anything. */
function isOrdered(text: string): boolean {
  if (text === '' || text.charCodeAt(0) === DIGIT_ZERO) return false;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return false;
  }
  return true;
}

/** Certainly older; versions that have no order are not. */
export function isOlder(a: string, b: string): boolean {
  return compareResourceVersions(a, b) === 'older';
}
