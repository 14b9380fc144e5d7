/**
 * The time that a bench measures by. The wall clock is what people wait for. The processor's clock counts what this process used of it, and skips
 * waiting: what the wall clock would show on a machine with nothing else to do, whose disk is never waited for. Between them is the wall clock less
 * the time that this thread was ready and the processors were others': waiting for the disk, and for other threads of this process, is in it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface WorkClock {
  nowMs(): number;
  /** Nothing is to be done before. */
  idleUntil(ms: number): Promise<void>;
}

export const wallClock: WorkClock = {
  nowMs: () => performance.now(),
  async idleUntil(ms) {
    await delay(Math.max(0, ms - performance.now()));
  },
};

export class ProcessorClock implements WorkClock {
  #skippedMs = 0;

  /** Of all threads, the one that answers as well as those that collect garbage. */
  nowMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000 + this.#skippedMs;
  }

  async idleUntil(ms: number): Promise<void> {
    this.#skippedMs += Math.max(0, ms - this.nowMs());
    // What was put off until the next turn has its turn.
    await delay(0);
  }
}

export const unqueuedClock: WorkClock = {
  nowMs: () => performance.now() - queuedMs(),
  idleUntil: (ms) => delay(Math.max(0, ms - (performance.now() - queuedMs()))).then(() => undefined),
};

const SCHEDULED = '/proc/thread-self/schedstat';
let isTold = true;

/** How long this thread has waited for a processor since it began; 0 where the system does not say. */
export function queuedMs(): number {
  if (!isTold) return 0;
  try {
    return Number(readFileSync(SCHEDULED, 'latin1').split(' ')[1]) / 1e6;
  } catch {
    isTold = false;
    return 0;
  }
}
