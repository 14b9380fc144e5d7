/**
 * When refused writes are somebody's business. A disk that is full stays full: ten seconds of it tell. Under a cap that is made room for, a flood finds none
 * for some seconds time and again, which slows it down and is no trouble; where that is so most of the time, recording falls behind for good. Pure.
 */
export interface Trouble {
  /** Refused without a break, or again and again. */
  how: 'lasting' | 'often';
  sinceMs: number;
}

const LASTING_MS = 10_000;
/** What happens again and again is looked at over this time, and is trouble from this share of it on. */
export const LATELY_MS = 300_000;
const OFTEN_SHARE = 1 / 2;
/** Begun less often within that time, it is told by how long it lasts, and over when it is. */
const BEGUN_MIN = 3;

export class Refusals {
  readonly #everyMs: number;
  /** Looks of late that found writes refused, and those before which they were not. */
  #refused: number[] = [];
  #begun: number[] = [];
  #lastMs = Number.NEGATIVE_INFINITY;
  #runSinceMs: number | undefined;

  /** `everyMs` lies between two looks. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** To be called at each look; what it comes to. A clock that was set back counts from there. */
  look(nowMs: number, isRefused: boolean): Trouble | undefined {
    const isSetBack = nowMs < this.#lastMs;
    this.#lastMs = nowMs;
    const isLate = (ms: number) => ms > nowMs - LATELY_MS && ms <= nowMs;
    this.#refused = this.#refused.filter(isLate);
    this.#begun = this.#begun.filter(isLate);
    if (!isRefused) this.#runSinceMs = undefined;
    else {
      if (this.#runSinceMs === undefined) this.#begun.push(nowMs);
      if (this.#runSinceMs === undefined || isSetBack) this.#runSinceMs = nowMs;
      this.#refused.push(nowMs);
    }
    if (this.#runSinceMs !== undefined && nowMs - this.#runSinceMs >= LASTING_MS)
      return { how: 'lasting', sinceMs: this.#runSinceMs };
    const [sinceMs] = this.#refused;
    const isOften = this.#begun.length >= BEGUN_MIN && this.#refused.length * this.#everyMs >= LATELY_MS * OFTEN_SHARE;
    return isOften && sinceMs !== undefined ? { how: 'often', sinceMs } : undefined;
  }
}
