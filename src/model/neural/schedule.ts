/** When a network is due to be trained: by the changes alone, so that the same stream trains the same networks, whatever the restarts. */
import { DAY_MS } from '../detector.ts';

/** A place in the stream. */
export interface Place {
  seq: number;
  atMs: number;
}

export interface Schedule {
  intervalMs: number;
  /** Changes since the last training, at least. */
  changesMin: number;
  /** The newest so many changes are trained on. */
  changesMax: number;
}

export const NIGHTLY: Schedule = { intervalMs: DAY_MS, changesMin: 1_000, changesMax: 100_000 };
/** Below this share of news a network would say what the last one says. */
const NEWS_SHARE = 0.2;

/**
 * Whether a network is due once the change at `here` was seen. `last` is where the last one was trained, or the beginning, with the number
 * of changes it was trained on. However many changes come, it is once an interval: a training costs as much as thousands of changes. A clock that
 * was set ahead for a while delays nothing for longer than a whole window of changes.
 */
export function isDue(here: Place, last: Place & { trainedOn: number }, schedule: Schedule): boolean {
  const news = here.seq - last.seq;
  if (here.atMs < last.atMs) return news >= schedule.changesMax;
  return news >= Math.max(schedule.changesMin, NEWS_SHARE * last.trainedOn) && here.atMs - last.atMs >= schedule.intervalMs;
}
