/**
 * Changes that time had passed by when they came: pushed late, or told after a clock was set back. What is learnt of one depends on how far
 * time had been let pass, which the record does not say; so it is kept here for as long as the change may have to be learnt again.
 */
import type { Change } from '../domain/change.ts';

/** Time passes once a second and what was learnt is kept every few minutes, so it is some hundred; beyond it the oldest go. */
const MARKS_MAX = 1_000;

type Mark = [seq: number, clockMs: number];

export class PassedBy {
  #marks: Mark[];
  #saved: string | undefined;

  /** `saved` is what `save` returned, of any time. */
  constructor(saved?: string) {
    this.#marks = saved === undefined ? [] : (JSON.parse(saved) as Mark[]);
    this.#saved = saved;
  }

  /** Time had been let pass to `clockMs` when this change was judged. */
  note({ seq, observedMs }: Pick<Change, 'seq' | 'observedMs'>, clockMs: number): void {
    const last = this.#marks.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY;
    if (!(clockMs > observedMs && clockMs > last)) return;
    this.#marks.push([seq, clockMs]);
    if (this.#marks.length > MARKS_MAX) this.#marks.shift();
    this.#saved = undefined;
  }

  /** How far time has to pass before this change is learnt again; undefined where its own time says so. */
  before({ seq }: Pick<Change, 'seq'>): number | undefined {
    return this.#marks.find((mark) => mark[0] === seq)?.[1];
  }

  /** What was learnt up to this change is kept. */
  forgetThrough(seq: number): void {
    const kept = this.#marks.filter((mark) => mark[0] > seq);
    if (kept.length === this.#marks.length) return;
    this.#marks = kept;
    this.#saved = undefined;
  }

  save(): string {
    this.#saved ??= JSON.stringify(this.#marks);
    return this.#saved;
  }
}
