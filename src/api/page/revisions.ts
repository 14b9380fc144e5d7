/** Revisions of an object by change number or time, found among the changes that are loaded, newest first. Pure. */
import type { ChangeSummary } from './types.ts';

/** A change number rather than a time. */
export function isSeq(revision: string): boolean {
  return /^\d+$/.test(revision);
}

/** The change that led to a revision, among those that are loaded. */
export function changeAt(changes: readonly ChangeSummary[], revision: string): ChangeSummary | undefined {
  if (isSeq(revision)) return changes.find(({ seq }) => seq === Number(revision));
  const ms = Date.parse(revision);
  return changes.find(({ time }) => Date.parse(time) <= ms);
}

/** The older one first, and how many changes lie between where both are loaded. */
export function inOrder(changes: readonly ChangeSummary[], a: string, b: string): { from: string; to: string; between?: number } {
  const [first, second] = [changeAt(changes, a), changeAt(changes, b)];
  if (first === undefined || second === undefined) {
    const swap = isSeq(a) && isSeq(b) && Number(a) > Number(b);
    return swap ? { from: b, to: a } : { from: a, to: b };
  }
  const [i, k] = [changes.indexOf(first), changes.indexOf(second)];
  const between = Math.abs(i - k);
  return i >= k
    ? { from: String(first.seq), to: String(second.seq), between }
    : { from: String(second.seq), to: String(first.seq), between };
}
