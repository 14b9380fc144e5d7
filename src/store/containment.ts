/**
 * Keeps damage to a page within what lies on it. What stands beside the record of changes (totals, gaps, samples, who wrote, findings and so on)
 * must not stop that record, nor one of them another: where SQLite finds one of their pages broken, the one thing is left out, said by name, and
 * the rest goes on.
 *
 * SQLite refuses to commit a transaction in which it met damage, whatever was undone of it. So one that fails by damage is done again without the part
 * that met it, and that part is left out for a while: damage to a page seldom hits all that is written to a table.
 */
import { isCrowsnestError } from '../domain/errors.ts';
import { storeError } from './store-errors.ts';

/** Write transactions after which a part that met damage is tried again; each try costs a transaction that fails. */
const LEFT_OUT = 500;

export class Containment {
  readonly #onLoss: (what: string, error: unknown) => void;
  /** What is left out, for how many more write transactions. */
  readonly #leftOut = new Map<string, number>();
  /** What met damage in the transaction under way. */
  #met: string | undefined;

  /** `onLoss` is told of each thing that cannot be read or written, again and again; it throws what is no damage. */
  constructor(onLoss: (what: string, error: unknown) => void) {
    this.#onLoss = onLoss;
  }

  /** Before each write transaction. */
  begin(): void {
    this.#met = undefined;
    for (const [what, left] of this.#leftOut) {
      if (left > 1) this.#leftOut.set(what, left - 1);
      else this.#leftOut.delete(what);
    }
  }

  /** Writes what can be done without; while that is left out the result is `otherwise`. */
  write<T>(what: string, work: () => T, otherwise: T): T {
    if (this.#leftOut.has(what)) return otherwise;
    try {
      return work();
    } catch (error) {
      // The innermost is all that has to be left out.
      if (isDamage(error)) this.#met ??= what;
      throw error;
    }
  }

  /**
   * After a transaction that failed: true if it may be done again, as what met damage is left out from now on. `atEnd` is what is written as the
   * transaction ends, where it was that which failed.
   */
  leavesOut(error: unknown, atEnd?: string): boolean {
    const what = this.#met ?? atEnd;
    this.#met = undefined;
    if (what === undefined || this.#leftOut.has(what) || !isDamage(error)) return false;
    this.#leftOut.set(what, LEFT_OUT);
    this.#onLoss(what, error);
    return true;
  }

  /** Of a thing that met damage and is done without. Throws what is no damage. */
  tell(what: string, error: unknown): void {
    this.#onLoss(what, error);
  }

  /** Reads what can be done without, in no write transaction; what cannot be read for damage is `otherwise`. */
  read<T>(what: string, work: () => T, otherwise: T): T {
    try {
      return work();
    } catch (error) {
      this.#onLoss(what, error);
      return otherwise;
    }
  }
}

export function isDamage(error: unknown): boolean {
  return isCrowsnestError(storeError(error, ''), 'STORE_CORRUPT');
}
