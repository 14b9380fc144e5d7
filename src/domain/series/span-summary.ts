/**
 * What the samples of one series within one span of time come to. Summaries of neighbouring spans add up to the summary of both, exactly
 * but for the rounding of floats, so that a coarse step can be answered from raw samples or from any tier of rollups alike.
 *
 * Samples are taken in the order in which they came. A counter that fell was restarted from zero: what it had reached is not lost.
 */
export interface SpanSummary {
  /** Of samples that are numbers; NaN is left out. */
  count: number;
  first: number;
  last: number;
  min: number;
  max: number;
  /** Sum of the differences to `first`: exactly 0 for a constant, and for whole numbers whole. */
  excess: number;
  /** Sum of the values from which a counter fell; its increase is last - first + fallen. */
  fallen: number;
}

export function startSummary(value: number): SpanSummary {
  return { count: 1, first: value, last: value, min: value, max: value, excess: 0, fallen: 0 };
}

export function addToSummary(to: SpanSummary, value: number): void {
  to.count += 1;
  if (value < to.last) to.fallen += to.last;
  to.last = value;
  if (value < to.min) to.min = value;
  if (value > to.max) to.max = value;
  to.excess += value - to.first;
}

/** `next` came after `to`. */
export function joinSummary(to: SpanSummary, next: SpanSummary): void {
  if (next.first < to.last) to.fallen += to.last;
  to.fallen += next.fallen;
  to.last = next.last;
  if (next.min < to.min) to.min = next.min;
  if (next.max > to.max) to.max = next.max;
  to.excess += next.excess + next.count * (next.first - to.first);
  to.count += next.count;
}

export function averageOf({ count, first, min, max, excess }: SpanSummary): number {
  return Number.isFinite(min) && Number.isFinite(max) ? first + excess / count : min + max;
}

/** How much a counter rose from one value to the next. */
export function riseBetween(before: number, now: number): number {
  return now < before ? now : now - before;
}

/** One step of a query. */
export interface StepWindow {
  summary: SpanSummary;
  /** Of a counter, since the last sample before the window, however long ago that was within what was read. */
  increase: number;
}

/** Gathers one series into windows of a step, from samples or summaries in the order in which they came. */
export class StepWindows {
  readonly #stepMs: number;
  readonly #windows = new Map<number, StepWindow>();
  #last: number | undefined;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  addSample(tsMs: number, value: number): void {
    if (Number.isNaN(value)) return;
    const window = Math.floor(tsMs / this.#stepMs) * this.#stepMs;
    const rise = this.#last === undefined ? 0 : riseBetween(this.#last, value);
    this.#last = value;
    const known = this.#windows.get(window);
    if (known === undefined) return void this.#windows.set(window, { summary: startSummary(value), increase: rise });
    addToSummary(known.summary, value);
    known.increase += rise;
  }

  /** Of a span that lies within one window. */
  addSummary(fromMs: number, summary: SpanSummary): void {
    const window = Math.floor(fromMs / this.#stepMs) * this.#stepMs;
    const rise = this.#last === undefined ? 0 : riseBetween(this.#last, summary.first);
    const increase = rise + summary.last - summary.first + summary.fallen;
    this.#last = summary.last;
    const known = this.#windows.get(window);
    if (known === undefined) return void this.#windows.set(window, { summary: { ...summary }, increase });
    joinSummary(known.summary, summary);
    known.increase += increase;
  }

  /** By rising time, those that begin within the range. */
  between(fromMs: number, toMs: number): [fromMs: number, window: StepWindow][] {
    return [...this.#windows].filter(([ms]) => ms >= fromMs && ms < toMs).sort(([a], [b]) => a - b);
  }
}
