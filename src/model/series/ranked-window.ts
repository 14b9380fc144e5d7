/**
 * The last values of a series, in order of arrival and in rising order, in single precision and no longer than `max`. Plain data, so that
 * a snapshot holds it as it is; it grows by doubling, so that a young series is small.
 */
export interface RankedWindow {
  max: number;
  n: number;
  /** Index of the oldest in `ring`. */
  head: number;
  ring: Float32Array;
  rising: Float32Array;
}

const FIRST_SIZE = 32;

export function makeWindow(max: number): RankedWindow {
  const size = Math.min(max, FIRST_SIZE);
  return { max, n: 0, head: 0, ring: new Float32Array(size), rising: new Float32Array(size) };
}

export function pushWindow(window: RankedWindow, value: number): void {
  if (window.n === window.ring.length && window.n < window.max) grow(window);
  if (window.n === window.max) {
    remove(window, window.ring[window.head] as number);
    window.head = (window.head + 1) % window.ring.length;
  }
  const single = Math.fround(value);
  window.ring[(window.head + window.n) % window.ring.length] = single;
  const at = countBelow(window, single);
  window.rising.copyWithin(at + 1, at, window.n);
  window.rising[at] = single;
  window.n++;
}

/** How many of the window's values are smaller. */
export function countBelow({ rising, n }: RankedWindow, value: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Undefined of an empty window. */
export function quantileOf({ rising, n }: RankedWindow, share: number): number | undefined {
  return n === 0 ? undefined : (rising[Math.min(n - 1, Math.floor(share * n))] as number);
}

function remove(window: RankedWindow, value: number): void {
  const at = countBelow(window, value);
  window.rising.copyWithin(at, at + 1, window.n);
  window.n--;
}

function grow(window: RankedWindow): void {
  const size = Math.min(window.max, window.ring.length * 2);
  const ring = new Float32Array(size);
  for (let i = 0; i < window.n; i++) ring[i] = window.ring[(window.head + i) % window.ring.length] as number;
  const rising = new Float32Array(size);
  rising.set(window.rising.subarray(0, window.n));
  window.ring = ring;
  window.rising = rising;
  window.head = 0;
}
