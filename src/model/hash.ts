/** Of texts that are to be known again and need not be kept. */

const PRIME = 0x01000193;
const START = 0x811c9dc5;
const OTHER_START = PRIME;

/** 53 bits: two runs of FNV-1a (Fowler, Noll and Vo), the second from another start and backwards. */
export function hashOf(text: string): number {
  return put(backwards(OTHER_START, text), forwards(START, text));
}

/** As `hashOf` of both with a zero byte between, without putting them together. */
export function hashOfBoth(first: string, second: string): number {
  const low = forwards(pastZero(forwards(START, first)), second);
  const high = backwards(pastZero(backwards(OTHER_START, second)), first);
  return put(high, low);
}

function forwards(hash: number, text: string): number {
  let on = hash;
  for (let i = 0; i < text.length; i++) on = Math.imul(on ^ text.charCodeAt(i), PRIME);
  return on;
}

function backwards(hash: number, text: string): number {
  let on = hash;
  for (let i = text.length - 1; i >= 0; i--) on = Math.imul(on ^ text.charCodeAt(i), PRIME);
  return on;
}

function pastZero(hash: number): number {
  return Math.imul(hash, PRIME);
}

function put(high: number, low: number): number {
  return (high & 0x1fffff) * 4_294_967_296 + (low >>> 0);
}
