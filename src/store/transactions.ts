/**
 * How the store reads and writes: each write one transaction, done again without what can be done without where that met damage, and each synced with the
 * log as a whole, at once or with the next one. What fails is told in the store's own words.
 */
import type Database from 'better-sqlite3';
import { type Containment, isDamage } from './containment.ts';
import { storeError } from './store-errors.ts';
import { forgetCached, type StoreParts } from './store-parts.ts';
import type { Writability } from './writability.ts';

export interface TransactionParts {
  db: Database.Database;
  file: string;
  /** Opened to survive a loss of power. */
  syncs: boolean;
  parts: StoreParts;
  containment: Containment;
  writability: Writability;
}

export class Transactions {
  readonly #parts: TransactionParts;
  /** Made once, as making it costs more than a small transaction. */
  readonly #inTransaction: Database.Transaction<(work: () => unknown) => unknown>;
  /** The next write may be synced with the one after it. */
  #relaxed = false;
  /** The last write was, and the connection is still set so. */
  #unsynced = false;

  constructor(parts: TransactionParts) {
    this.#parts = parts;
    this.#inTransaction = parts.db.transaction((work: () => unknown) => work());
  }

  /** True where the last write is synced with the next one. */
  get isUnsynced(): boolean {
    return this.#unsynced;
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

  /** The log is synced as a whole, so the next commit that is covers this one too. */
  syncLater(): void {
    if (!this.#parts.syncs || this.#unsynced || this.#parts.writability.refusal !== undefined) return;
    this.#parts.db.pragma('synchronous = NORMAL');
    this.#relaxed = true;
  }

  /** What fails by damage to something that can be done without is done again without it, after `again`. */
  write<T>(work: () => T, again = () => {}): T {
    const { db, parts, containment, writability } = this.#parts;
    if (writability.refusal !== undefined) throw writability.refusal;
    const relaxed = this.#relaxed;
    if (!relaxed && this.#unsynced) db.pragma('synchronous = FULL');
    this.#relaxed = false;
    containment.begin();
    // The index of words is written as the transaction ends.
    const atEnd = parts.fullText === undefined ? undefined : 'value_text';
    let ended = false;
    const whole = () => {
      const result = work();
      ended = true;
      return result;
    };
    try {
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
    } finally {
      this.#unsynced = relaxed;
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
