/**
 * Small tasks that are done until they succeed: each key is in here once, tasks start in the order they are due and no faster than the
 * rate, and one that fails waits for itself alone, twice as long each time. Bounded: what does not fit is refused, and the caller knows.
 */
import type { Clock } from '../../domain/clock.ts';
import { type BackOffOptions, backOffMs } from './back-off.ts';

export interface WorkQueueOptions {
  clock: Clock;
  /** Tasks waiting at most. */
  tasksMax: number;
  /** Tasks started in a second, on the average and at most. */
  perSecond: number;
  /** How often a task is tried before it is given up. */
  attemptsMax: number;
  backOff: BackOffOptions;
  /** Tells how many more (or fewer) wait. */
  onDepth?: (more: number) => void;
  onRetry?: () => void;
}

interface Task<T> {
  item: T;
  attempts: number;
  dueMs: number;
}

export class WorkQueue<T> {
  readonly #options: WorkQueueOptions;
  readonly #tasks = new Map<string, Task<T>>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  get depth(): number {
    return this.#tasks.size;
  }

  /** False when the queue is full. A key that waits already keeps its place and gets the newer item. */
  add(key: string, item: T): boolean {
    const waiting = this.#tasks.get(key);
    if (waiting !== undefined) waiting.item = item;
    else if (this.#tasks.size >= this.#options.tasksMax) return false;
    else {
      this.#tasks.set(key, { item, attempts: 0, dueMs: this.#options.clock.nowMs() });
      this.#options.onDepth?.(1);
    }
    return true;
  }

  /** Works until nothing waits; returns what was given up, with its last error. Rejects when the signal aborts; the rest then goes. */
  async drain(work: (item: T) => Promise<void>, signal: AbortSignal): Promise<{ item: T; error: unknown }[]> {
    const { clock, perSecond, attemptsMax, backOff, onRetry } = this.#options;
    const givenUp: { item: T; error: unknown }[] = [];
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        const [key, task] = next;
        signal.throwIfAborted();
        const waitMs = task.dueMs - clock.nowMs();
        if (waitMs > 0) await clock.sleep(waitMs, signal);
        task.attempts += 1;
        try {
          await work(task.item);
          this.#end(key);
        } catch (error) {
          signal.throwIfAborted();
          if (task.attempts >= attemptsMax) {
            givenUp.push({ item: task.item, error });
            this.#end(key);
          } else {
            onRetry?.();
            task.dueMs = clock.nowMs() + backOffMs(task.attempts, backOff);
          }
        }
        await clock.sleep(1_000 / perSecond, signal);
      }
    } finally {
      if (this.#tasks.size > 0) this.#options.onDepth?.(-this.#tasks.size);
      this.#tasks.clear();
    }
    return givenUp;
  }

  /** The task due first; of those due together the one that came first. */
  #next(): [string, Task<T>] | undefined {
    let first: [string, Task<T>] | undefined;
    for (const entry of this.#tasks) if (first === undefined || entry[1].dueMs < first[1].dueMs) first = entry;
    return first;
  }

  #end(key: string): void {
    this.#tasks.delete(key);
    this.#options.onDepth?.(-1);
  }
}
