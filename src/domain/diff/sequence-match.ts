/** Which items of two sequences belong together, in order: the basis of diffs of lists and of lines. Pure. */

/** Edits after which looking for a shortest script is given up; what lies between the common ends then counts as replaced. */
const EDITS_MAX = 1_000;

/**
 * Pairs [i, j] with `before[i] === after[j]`, both rising: a longest common subsequence where at most `EDITS_MAX` items differ (Myers'
 * algorithm, whose cost grows with the differences and not with the lengths), else the common beginning and end.
 */
export function commonSequence<T>(before: readonly T[], after: readonly T[]): [number, number][] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let [beforeEnd, afterEnd] = [before.length, after.length];
  while (beforeEnd > start && afterEnd > start && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd -= 1;
    afterEnd -= 1;
  }
  const pairs: [number, number][] = [];
  for (let i = 0; i < start; i++) pairs.push([i, i]);
  for (const [i, j] of middle(before.slice(start, beforeEnd), after.slice(start, afterEnd))) pairs.push([start + i, start + j]);
  for (let i = beforeEnd; i < before.length; i++) pairs.push([i, afterEnd + i - beforeEnd]);
  return pairs;
}

function middle<T>(before: readonly T[], after: readonly T[]): [number, number][] {
  if (before.length === 0 || after.length === 0) return [];
  const editsMax = Math.min(before.length + after.length, EDITS_MAX);
  // How far along `before` each diagonal (i - j) was reached, one copy for each number of edits.
  const furthest = new Int32Array(2 * editsMax + 3);
  const trail: Int32Array[] = [];
  for (let edits = 0; edits <= editsMax; edits++) {
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let i = comesDown(furthest, diagonal, edits, editsMax)
        ? at(furthest, diagonal + 1, editsMax)
        : at(furthest, diagonal - 1, editsMax) + 1;
      while (i < before.length && i - diagonal < after.length && before[i] === after[i - diagonal]) i += 1;
      furthest[diagonal + editsMax + 1] = i;
      if (i >= before.length && i - diagonal >= after.length) return backtrack(trail, before.length, after.length);
    }
    // Only the diagonals reached so far are looked at again.
    trail.push(furthest.slice(editsMax + 1 - edits - 1, editsMax + 1 + edits + 2));
  }
  return [];
}

function at(furthest: Int32Array, diagonal: number, middleAt: number): number {
  return furthest[diagonal + middleAt + 1] ?? 0;
}

/** Whether the furthest way onto a diagonal inserts an item of `after` rather than dropping one of `before`. */
function comesDown(furthest: Int32Array, diagonal: number, edits: number, middleAt: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && at(furthest, diagonal - 1, middleAt) < at(furthest, diagonal + 1, middleAt);
}

function backtrack(trail: readonly Int32Array[], beforeLength: number, afterLength: number): [number, number][] {
  const pairs: [number, number][] = [];
  let [i, j] = [beforeLength, afterLength];
  for (let edits = trail.length; edits > 0; edits--) {
    const furthest = trail[edits - 1] as Int32Array;
    // Each copy holds one diagonal more on either side than its own number of edits.
    const middleAt = edits - 1;
    const diagonal = i - j;
    const down = comesDown(furthest, diagonal, edits, middleAt);
    const fromDiagonal = down ? diagonal + 1 : diagonal - 1;
    const fromI = at(furthest, fromDiagonal, middleAt);
    const [edgeI, edgeJ] = down ? [fromI, fromI - diagonal] : [fromI + 1, fromI + 1 - diagonal];
    while (i > edgeI && j > edgeJ) pairs.push([--i, --j]);
    [i, j] = [fromI, fromI - fromDiagonal];
  }
  while (i > 0 && j > 0) pairs.push([--i, --j]);
  return pairs.reverse();
}

/** Places of a longest rising subsequence of numbers. */
export function longestRise(values: readonly number[]): Set<number> {
  const tails: number[] = [];
  const before = new Int32Array(values.length).fill(-1);
  values.forEach((value, place) => {
    let [low, high] = [0, tails.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((values[tails[mid] as number] as number) < value) low = mid + 1;
      else high = mid;
    }
    if (low > 0) before[place] = tails[low - 1] as number;
    tails[low] = place;
  });
  const rise = new Set<number>();
  for (let place = tails.at(-1) ?? -1; place >= 0; place = before[place] as number) rise.add(place);
  return rise;
}
