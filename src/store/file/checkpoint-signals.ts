/** What the thread for checkpoints and whoever has it share. A module of its own: whoever loads that of the thread, within a thread, runs it. */

export interface CheckpointThreadData {
  file: string;
  /** A number of 32 bits at each of the places. */
  shared: Int32Array;
  places: typeof PLACES;
}

export type CheckpointOrder = 'run' | 'close';
/** How long the log is, or what went wrong. */
export type CheckpointNotice = { logPages: number } | { message: string; code: string };

/** `closed`: 1 when the file is no longer used; `done`: 1 when nothing is being done. */
export const PLACES = { closed: 0, done: 1 } as const;
/** Of the memory: a number of 32 bits for each. */
export const SIGNAL_BYTES = 8;
