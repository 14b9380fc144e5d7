/**
 * Time as a port. Two clocks exist side by side: the wall clock (timers, alert pushes) and event time (everything the model
 * learns), which comes from the changes themselves so that a replayed stream behaves as it did live.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Event time follows the wall clock at this distance, so that it does not run ahead of changes that are still on their way through a batch. */
export const EVENT_TIME_LAG_MS = 5_000;

/** A clock that stands where it was last set: event time, while a recording is played faster or slower than life. */
export interface EventClock extends Pick<Clock, 'nowMs'> {
  set(ms: number): void;
}

export function createEventClock(startMs: number): EventClock {
  let now = startMs;
  return {
    nowMs: () => now,
    set(ms) {
      now = ms;
    },
  };
}
