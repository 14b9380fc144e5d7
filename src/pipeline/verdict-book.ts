/**
 * Which verdicts stand at a place of the record. Each is an event of the record with a place of its own, so that judging the record again
 * comes to the same decisions as judging it live.
 */
import type { Place, Verdict } from '../domain/verdict.ts';

interface Turn {
  place: Place;
  verdict: Verdict;
  stands: boolean;
}

export class VerdictBook {
  readonly #standing = new Map<string, Verdict>();
  #ahead: Turn[] = [];

  constructor(verdicts: readonly Verdict[]) {
    for (const verdict of verdicts) {
      this.#ahead.push({ place: verdict.place, verdict, stands: true });
      if (verdict.withdrawn !== undefined) this.withdraw(verdict);
    }
  }

  add(verdict: Verdict): void {
    this.#ahead.push({ place: verdict.place, verdict, stands: true });
  }

  withdraw(verdict: Verdict): void {
    if (verdict.withdrawn !== undefined) this.#ahead.push({ place: verdict.withdrawn.place, verdict, stands: false });
  }

  get standing(): Iterable<Verdict> {
    return this.#standing.values();
  }

  /** Those that begin to stand with everything up to this place seen, in the order they were given. */
  reach(place: { seq: number; position: number }): Verdict[] {
    if (this.#ahead.length === 0) return [];
    const begun: Verdict[] = [];
    this.#ahead = this.#ahead.filter((turn) => {
      if (turn.place.seq > place.seq || turn.place.position > place.position) return true;
      if (turn.stands) {
        this.#standing.set(turn.verdict.id, turn.verdict);
        begun.push(turn.verdict);
      } else this.#standing.delete(turn.verdict.id);
      return false;
    });
    return begun;
  }
}
