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
