/**
 * When a series that rises reaches its limit if it goes on like this: a straight line through the last rows, and a band of 80 % for when it is
 * reached first. The band takes what the line does not explain for pushes that stay, as load that came stays for a while: of independent errors around the line it would be
 * narrower, and held in one case of ten where series are real (docs/benchmarks.md). Says nothing unless the rise is beyond doubt.
 */
import { passageBy } from './first-passage.ts';

export interface Point {
  atMs: number;
  value: number;
}

export interface Outlook {
  inMs: number;
  /** Reached earlier in one case of ten, and later in one; the later end may be never. */
  earliestMs: number;
  latestMs: number;
}

const POINTS_MIN = 20;
const SURE = 6;
const BEYOND_EACH_EDGE = 0.1;
const STRETCHES = 10;
/** Of a walk: what its steps vary by, beside the means of stretches that follow each other; and the slope of a line through it, beside its two ends. */
const MEANS_SMOOTH = 3 / 2;
const LINE_DOUBT = 6 / 5;
/** Of the time that the line gives: what comes behind it is as good as never. */
const MOST = 20;

export function outlookOf(points: readonly Point[], limit: number): Outlook | undefined {
  const last = points[points.length - 1];
  const n = points.length;
  if (last === undefined || n < POINTS_MIN || last.value >= limit) return undefined;
  const meanMs = points.reduce((sum, { atMs }) => sum + (atMs - last.atMs), 0) / n;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / n;
  let [spread, shared] = [0, 0];
  for (const { atMs, value } of points) {
    spread += (atMs - last.atMs - meanMs) ** 2;
    shared += (atMs - last.atMs - meanMs) * (value - mean);
  }
  if (spread === 0) return undefined;
  const slope = shared / spread;
  const now = mean - slope * meanMs;
  const beside = points.map(({ atMs, value }) => value - now - slope * (atMs - last.atMs));
  const squares = beside.reduce((sum, each) => sum + each ** 2, 0);
  const error = Math.sqrt(squares / (n - 2) / spread);
  if (!(slope > 0) || slope < SURE * error || now >= limit) return undefined;
  const inMs = (limit - now) / slope;
  const push = pushOf(points, slope);
  const lengthMs = last.atMs - (points[0] as Point).atMs;
  const by = (chance: number, ahead: number) =>
    passageBy(chance, { ahead, drift: slope, driftError: push * Math.sqrt(LINE_DOUBT / lengthMs), spread: push }, MOST * inMs);
  // A single reading gets there before the line does, by as much as readings lie above it.
  const above = beside.sort((a, b) => a - b)[Math.floor((1 - BEYOND_EACH_EDGE) * n)] as number;
  const nearest = limit - now - above;
  return {
    inMs,
    earliestMs: nearest > 0 ? by(BEYOND_EACH_EDGE, nearest) : 0,
    latestMs: by(1 - BEYOND_EACH_EDGE, limit - now),
  };
}

/** Standard deviation of what pushes add in a millisecond, from how unevenly the means of stretches follow each other. */
function pushOf(points: readonly Point[], slope: number): number {
  const size = points.length / STRETCHES;
  const means = Array.from({ length: STRETCHES }, (_, i): Point => {
    const some = points.slice(Math.floor(i * size), Math.floor((i + 1) * size));
    const sum = some.reduce((total, { atMs, value }) => ({ atMs: total.atMs + atMs, value: total.value + value }));
    return { atMs: sum.atMs / some.length, value: sum.value / some.length };
  });
  let squares = 0;
  means.slice(1).forEach(({ atMs, value }, i) => {
    const before = means[i] as Point;
    squares += (value - before.value - slope * (atMs - before.atMs)) ** 2 / (atMs - before.atMs);
  });
  return Math.sqrt((MEANS_SMOOTH * squares) / (STRETCHES - 2));
}
