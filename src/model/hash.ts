/** Of texts that are to be known again and need not be kept. */

/** 53 bits: two runs of FNV-1a (Fowler, Noll and Vo), the second from another start and backwards. */
export function hashOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0, j = text.length - 1; j >= 0; i++, j--) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(j), 0x01000193);
  }
  return (high & 0x1fffff) * 4_294_967_296 + (low >>> 0);
}
