/** Changes so unusual that they wait a day before they are learnt: time for somebody to say that they were wrong. */
import { insertByTime } from './by-time.ts';
import { DAY_MS } from './detector.ts';
import { type ChangeEvent, savedEvent } from './features.ts';

const WAIT_MS = DAY_MS;
const MAX = 2_000;

/** Plain data, as it stands in a snapshot. */
interface Held {
  /** When it is to be learnt. */
  atMs: number;
  event: ChangeEvent;
}

export class Quarantine {
  #held: Held[] = [];

  put(event: ChangeEvent, seenMs: number): void {
    insertByTime(this.#held, { atMs: seenMs + WAIT_MS, event }, ({ atMs }) => atMs);
  }

  /** True where the one that has waited longest has to be learnt before its day is over. */
  isFull(): boolean {
    return this.#held.length > MAX;
  }

  /** When the next is to be learnt; infinity when none waits. */
  nextMs(): number {
    return this.#held[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Hands out the one that has waited longest. */
  release(): ChangeEvent | undefined {
    return this.#held.shift()?.event;
  }

  /** Takes a change out, never to be learnt. False where it is not here. */
  withhold(seq: number): boolean {
    const at = this.#held.findIndex(({ event }) => event.seq === seq);
    if (at < 0) return false;
    this.#held.splice(at, 1);
    return true;
  }

  save(): Held[] {
    return this.#held.map(({ atMs, event }) => ({ atMs, event: savedEvent(event) }));
  }

  load(saved: Held[]): void {
    this.#held = saved;
  }
}
