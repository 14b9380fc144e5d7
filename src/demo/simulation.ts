import type { Mark } from './planted.ts';

/** `carrier`: the events made are the thing itself; `aftermath`: they follow from it. */
export interface Tag {
  mark: Mark;
  role: 'carrier' | 'aftermath';
}

interface Task {
  tsMs: number;
  order: number;
  run: () => void;
  tag: Tag | undefined;
}

/**
 * Runs tasks in the order of event time. What a tagged task sets going is tagged as its aftermath, however far it goes,
 * so that consequences need no bookkeeping of their own.
 */
export class Simulation {
  readonly #heap: Task[] = [];
  #order = 0;
  #nowMs: number;
  #tag: Tag | undefined;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get tag(): Tag | undefined {
    return this.#tag;
  }

  /** A time that has passed means now. */
  at(tsMs: number, run: () => void, tag: Tag | undefined = this.#inherited()): void {
    this.#push({ tsMs: Math.max(Math.round(tsMs), this.#nowMs), order: this.#order++, run, tag });
  }

  /** Runs `step` at once under another tag. */
  under(tag: Tag, step: () => void): void {
    const outer = this.#tag;
    this.#tag = tag;
    step();
    this.#tag = outer;
  }

  /** Runs all tasks before `endMs`. */
  run(endMs: number): void {
    for (let task = this.#pop(); task !== undefined && task.tsMs < endMs; task = this.#pop()) {
      this.#nowMs = task.tsMs;
      this.#tag = task.tag;
      task.run();
    }
    this.#tag = undefined;
  }

  #inherited(): Tag | undefined {
    return this.#tag === undefined ? undefined : { mark: this.#tag.mark, role: 'aftermath' };
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let i = heap.push(task) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #pop(): Task | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && isBefore(heap[left + 1]!, heap[left]!) ? left + 1 : left;
      if (!isBefore(heap[child]!, heap[i]!)) break;
      [heap[i], heap[child]] = [heap[child]!, heap[i]!];
      i = child;
    }
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.tsMs < b.tsMs || (a.tsMs === b.tsMs && a.order < b.order);
}
