/** Places in the memory shared with the thread for checkpoints. A module of its own: whoever loads that of the thread, within a thread, runs it. */

/** 1 when the file is no longer used. */
export const CLOSED = 0;
/** 1 when nothing is being done. */
export const DONE = 1;
/** Of the memory: a number of 32 bits for each. */
export const SIGNAL_BYTES = 8;
