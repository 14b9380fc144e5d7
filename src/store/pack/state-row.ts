/** One row of `small_state`, for parts of the store that keep a position or a list of their own there. */
import type Database from 'better-sqlite3';

export const STATE_GET = 'SELECT value FROM small_state WHERE key = ?';
export const STATE_PUT =
  'INSERT INTO small_state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value';

export class StateRow {
  readonly #key: string;
  readonly #get: Database.Statement<[string], string>;
  readonly #put: Database.Statement<[string, string]>;

  constructor(db: Database.Database, key: string) {
    this.#key = key;
    this.#get = db.prepare<[string], string>(STATE_GET).pluck();
    this.#put = db.prepare<[string, string]>(STATE_PUT);
  }

  get(): string | undefined {
    return this.#get.get(this.#key);
  }

  put(value: string): void {
    this.#put.run(this.#key, value);
  }
}
