/**
 * How the store reads and writes: each write one transaction, done again without what can be done without where that met damage. What fails is told in the
 * store's own words.
 */
import type Database from 'better-sqlite3';
import { type Containment, isDamage } from './containment.ts';
import { storeError } from './store-errors.ts';
import { forgetCached, type StoreParts } from './store-parts.ts';
import type { Writability } from './writability.ts';

export interface TransactionParts {
  db: Database.Database;
  file: string;
  parts: StoreParts;
  containment: Containment;
  writability: Writability;
}

export class Transactions {
  readonly #parts: TransactionParts;
  /** Made once, as making it costs more than a small transaction. */
  readonly #inTransaction: Database.Transaction<(work: () => unknown) => unknown>;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    this.#inTransaction = parts.db.transaction((work: () => unknown) => work());
  }

  read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#parts.file);
    }
  }

  /** Reads as one. */
  together<T>(reads: () => T): T {
    return this.read(() => (this.#parts.db.inTransaction ? reads() : this.#readTogether(reads)));
  }

  #readTogether<T>(reads: () => T): T {
    let read: { value: T } | undefined;
    try {
      this.#inTransaction.deferred(() => {
        read = { value: reads() };
      });
    } catch (error) {
      // SQLite ends no transaction in good order in which it met damage, also where that was made do without.
      if (read === undefined || !isDamage(error)) throw error;
    }
    return (read as { value: T }).value;
  }

  /** What fails by damage to something that can be done without is done again without it, after `again`. */
  write<T>(work: () => T, again = () => {}): T {
    const { parts, containment, writability } = this.#parts;
    if (writability.refusal !== undefined) throw writability.refusal;
    containment.begin();
    // The index of words is written as the transaction ends.
    const atEnd = parts.fullText === undefined ? undefined : 'value_text';
    let ended = false;
    const whole = () => {
      const result = work();
      ended = true;
      return result;
    };
    for (;;) {
      try {
        return this.guard(() => {
          parts.objects.ready();
          return this.#inTransaction.immediate(whole) as T;
        });
      } catch (error) {
        if (!containment.leavesOut(error, ended ? atEnd : undefined)) throw error;
        ended = false;
        again();
      }
    }
  }

  /** Does what may write. After a failure nothing that is known is trusted, and whether writing works at all is for a probe to say. */
  guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { parts, file, writability } = this.#parts;
      forgetCached(parts);
      const failure = storeError(error, file);
      writability.failed(failure);
      throw failure;
    }
  }
}
