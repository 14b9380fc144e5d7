import { type Clock, EVENT_TIME_LAG_MS } from '../../domain/clock.ts';
import type { Source, SourceBatch } from '../source.ts';

const MARK_MS = 60_000;

/** Says each minute that time passed, for a recording: what did not come by then was not there, and a replay has no clock to know by. */
export function createTimeMarks(clock: Clock): Source {
  return {
    name: 'time marks',
    async run(sink, signal) {
      while (!signal.aborted) {
        await clock.sleep(MARK_MS, signal).catch(() => {});
        if (!signal.aborted) await sink(timeMark(clock));
      }
    },
  };
}

/** As far behind the wall clock as a live run lets event time be. */
export function timeMark(clock: Pick<Clock, 'nowMs'>): SourceBatch {
  return { observations: [], seenToMs: clock.nowMs() - EVENT_TIME_LAG_MS };
}
