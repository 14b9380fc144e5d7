/**
 * When a series that rises reaches its limit if it goes on like this: a straight line through the last rows, with the band that the scatter
 * around it leaves. Says nothing unless the rise is beyond doubt.
 */
export interface Point {
  atMs: number;
  value: number;
}

export interface Outlook {
  inMs: number;
  /** Two standard errors of the slope either way; the later end may be never. */
  earliestMs: number;
  latestMs: number;
}

const POINTS_MIN = 20;
const SURE = 6;
const BAND = 2;

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
  const squares = points.reduce((sum, { atMs, value }) => sum + (value - now - slope * (atMs - last.atMs)) ** 2, 0);
  const error = Math.sqrt(squares / (n - 2) / spread);
  if (!(slope > 0) || slope < SURE * error || now >= limit) return undefined;
  const reach = (rate: number) => (rate > 0 ? (limit - now) / rate : Number.POSITIVE_INFINITY);
  return { inMs: reach(slope), earliestMs: reach(slope + BAND * error), latestMs: reach(slope - BAND * error) };
}
