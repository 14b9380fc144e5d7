/**
 * Whether a database with a cap on its size has room for what is written next. A write that finds none is rolled back, and with it goes all that was known of the
 * database, as some of it is no longer so; one that is not begun costs nothing.
 */
import type Database from 'better-sqlite3';
import { pageSize } from './file-size.ts';

/** What a write took counts for so much less with each one after it. */
const FADING = 0.9;

export class Room {
  readonly #pages: {
    there: Database.Statement<[], number>;
    free: Database.Statement<[], number>;
    max: Database.Statement<[], number>;
  };
  readonly #pageSize: number;
  /** Pages a write took, at most lately. */
  #taken = 0;

  constructor(db: Database.Database) {
    this.#pageSize = pageSize(db);
    const count = (pragma: string) => db.prepare<[], number>(`PRAGMA ${pragma}`).pluck();
    this.#pages = { there: count('page_count'), free: count('freelist_count'), max: count('max_page_count') };
  }

  /** For another write as those before it. */
  get isThere(): boolean {
    const { max } = this.#pages;
    return (max.get() as number) - this.#used() >= this.#taken;
  }

  /** For so many bytes. */
  has(bytes: number): boolean {
    const { max } = this.#pages;
    return ((max.get() as number) - this.#used()) * this.#pageSize >= bytes;
  }

  /** Does a write, and remembers what it takes. */
  measured<T>(write: () => T): T {
    const before = this.#used();
    const result = write();
    this.#taken = Math.max(this.#taken * FADING, this.#used() - before);
    return result;
  }

  #used(): number {
    const { there, free } = this.#pages;
    return (there.get() as number) - (free.get() as number);
  }
}
