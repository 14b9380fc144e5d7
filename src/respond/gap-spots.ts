import type { BlindSpot } from '../domain/blind-spot.ts';
import { describeGap, type Gap } from '../domain/gap.ts';

/** Gaps to alert on: those of whole kinds. One in which nothing moved cost nothing and is worth no alert, save that of a restore. */
export function gapSpots(gaps: readonly Gap[]): BlindSpot[] {
  return gaps.filter(isWorthAnAlert).map((gap) => ({
    cluster: gap.cluster,
    problem: 'gap',
    what: gap.group === '' ? gap.kind : `${gap.kind}.${gap.group}`,
    reason: describeGap(gap),
    sinceMs: gap.toMs,
  }));
}

function isWorthAnAlert({ name, objects, reason }: Gap): boolean {
  return name === '' && (objects > 0 || reason === 'restored');
}
