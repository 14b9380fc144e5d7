import Database from 'better-sqlite3';
import { isCrowsnestError } from '../../domain/errors.ts';

/** What was looked at: the pages, the rows of changes, the states they lead to, and so on. */
export type CheckArea =
  | 'pages'
  | 'log'
  | 'revisions'
  | 'heads'
  | 'postings'
  | 'marks'
  | 'cursors'
  | 'tallies'
  | 'findings'
  | 'series'
  | 'names';

export interface Problem {
  area: CheckArea;
  what: string;
  /** The first place hit; an object where it is known. */
  where: string;
  /** How many places it hits. */
  count: number;
}

/** Different problems that are told apart; more are counted under `more`. */
const PROBLEMS_MAX = 1_000;

/** Gathers problems: the same thing said of the same place is one, with a count. */
export class CheckReport {
  readonly #problems = new Map<string, Problem>();
  #more = 0;
  /** Changes whose state cannot be told. */
  changesHit = 0;

  /** `of` groups: what is said of one object again and again is one problem, shown with its first `where`. */
  add(area: CheckArea, what: string, where: string, of = where): void {
    const key = `${area}\0${what}\0${of}`;
    const known = this.#problems.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#problems.size < PROBLEMS_MAX) this.#problems.set(key, { area, what, where, count: 1 });
    else this.#more += 1;
  }

  /** Does what reading allows; a part that cannot be read is a problem and not the end of the check. */
  attempt<T>(area: CheckArea, where: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.fault(area, where, error);
      return undefined;
    }
  }

  /** A failure of reading, as a problem; throws what is none. */
  fault(area: CheckArea, where: string, error: unknown, of = where): void {
    if (error instanceof Database.SqliteError) this.add(area, `SQLite cannot read it: ${error.message}`, where, of);
    else if (isCrowsnestError(error, 'STORE_CORRUPT')) this.add(area, error.what, `${where}, ${error.where ?? ''}`, of);
    else if (isCrowsnestError(error)) throw error;
    else this.add(area, `it does not decode: ${error instanceof Error ? error.message : String(error)}`, where, of);
  }

  problems(): Problem[] {
    const all = [...this.#problems.values()];
    if (this.#more > 0)
      all.push({ area: 'pages', what: 'there are more problems than are told apart', where: 'file', count: this.#more });
    return all;
  }
}

/** Between so many rows the event loop has its turn, so that progress shows and signals arrive. */
export const ROWS_PER_TURN = 2_000;

export interface Going {
  onProgress?: ((done: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}
