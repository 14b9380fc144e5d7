/** Of texts that are to be known again and need not be kept. */

/** As `hashOf` of both with a zero byte between, without putting them together. */
export function hashOfBoth(first: string, second: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < first.length; i++) low = Math.imul(low ^ first.charCodeAt(i), 0x01000193);
  for (let i = second.length - 1; i >= 0; i--) high = Math.imul(high ^ second.charCodeAt(i), 0x01000193);
  low = Math.imul(low, 0x01000193);
  high = Math.imul(high, 0x01000193);
  for (let i = 0; i < second.length; i++) low = Math.imul(low ^ second.charCodeAt(i), 0x01000193);
  for (let i = first.length - 1; i >= 0; i--) high = Math.imul(high ^ first.charCodeAt(i), 0x01000193);
  return put(high, low);
}

function put(high: number, low: number): number {
  return (high & 0x1fffff) * 4_294_967_296 + (low >>> 0);
}

/** 53 bits: two runs of FNV-1a (Fowler, Noll and Vo), the second from another start and backwards. */
export function hashOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0, j = text.length - 1; j >= 0; i++, j--) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(j), 0x01000193);
  }
  return put(high, low);
}
