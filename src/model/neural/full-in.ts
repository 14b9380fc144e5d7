/** "At this rate full in 3 h": when a forecast with its band reaches a limit. */
import { HORIZONS, STEP_MS } from './series-window.ts';

export interface FullIn {
  /** Undefined where the median does not reach the limit within the forecast. */
  inMs: number | undefined;
  earliestMs: number;
  /** Undefined where the lower edge of the band does not reach it within the forecast. */
  latestMs: number | undefined;
}

/** Undefined where not even the upper edge of the band reaches the limit, or it is reached already. */
export function fullIn(
  now: number,
  { median, low, high }: { median: readonly number[]; low: readonly number[]; high: readonly number[] },
  limit: number,
): FullIn | undefined {
  if (!(now < limit)) return undefined;
  const earliestMs = crossing(now, high, limit);
  if (earliestMs === undefined) return undefined;
  return { inMs: crossing(now, median, limit), earliestMs, latestMs: crossing(now, low, limit) };
}

/** Straight between the points that are known. */
function crossing(now: number, ahead: readonly number[], limit: number): number | undefined {
  let [fromMs, from] = [0, now];
  for (let i = 0; i < HORIZONS.length; i++) {
    const value = ahead[i];
    if (value === undefined || !Number.isFinite(value)) return undefined;
    const toMs = (HORIZONS[i] as number) * STEP_MS;
    if (value >= limit) return fromMs + ((toMs - fromMs) * (limit - from)) / (value - from);
    [fromMs, from] = [toMs, value];
  }
  return undefined;
}
