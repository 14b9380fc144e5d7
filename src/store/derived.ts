/**
 * What follows from the record and is kept beside it to find things quickly: lists of changes with one value, and two kinds of marks. Where one of these
 * tables turns out to be damaged, what is asked is found without it, and upkeep makes it again: the table is set aside under another name, as no page of a
 * damaged one need be read for that, and an empty one takes its place, which is filled as it was the first time. What was set aside is then taken apart row
 * by row, if its pages are whole and no other table's: by a damaged page it may lead into pages of the record, and what is taken from it would be taken
 * from there. Otherwise it stays as it is until `crowsnest db repair`.
 */
import type Database from 'better-sqlite3';
import { type Containment, isDamage } from './containment.ts';

export const DERIVED_TABLES = ['posting', 'newest_mark', 'blame_mark'] as const;
export type DerivedTable = (typeof DERIVED_TABLES)[number];

/** What has to agree is made again together. */
const WITH: Partial<Record<DerivedTable, string>> = { posting: 'posting_run' };

/** A derived table, and the one that is made with it. */
export function tablesOf(table: DerivedTable): string[] {
  const other = WITH[table];
  return other === undefined ? [table] : [table, other];
}

/** Of a process: damage that comes again and again has another cause than the pages of the table. */
const SET_ASIDE_MAX = 3;
const ROWS_PER_STEP = 256;
const ASIDE = '_damaged';

/** Whether a name is that of a derived table, or of one that was set aside. */
export function isDerivedTable(name: string): boolean {
  return DERIVED_TABLES.flatMap(tablesOf).some((table) => name === table || name.startsWith(`${table}${ASIDE}`));
}

/** Whether a name is that of a table that was set aside. */
export function isAside(name: string): boolean {
  return name.includes(ASIDE);
}

/** Under which name a table can be set aside. */
export function asideNameOf(db: Database.Database, table: string): string {
  const taken = new Set(asideTables(db));
  let aside = `${table}${ASIDE}`;
  for (let n = 2; taken.has(aside); n++) aside = `${table}${ASIDE}_${n}`;
  return aside;
}

/** From where each is made again, said in the transaction that empties it. */
const ANEW: Record<DerivedTable, string> = {
  posting: `UPDATE small_state SET value = '0' WHERE key = 'store/posted-through'`,
  newest_mark: `DELETE FROM small_state WHERE key = 'store/newestMarks'`,
  blame_mark: `INSERT OR REPLACE INTO small_state (key, value)
    SELECT 'store/blame-marks-again', '0 ' || coalesce(max(seq), 0) FROM change`,
};

export class Derived {
  readonly #db: Database.Database;
  readonly #containment: Containment;
  readonly #damaged = new Set<DerivedTable>();
  readonly #timesSetAside = new Map<DerivedTable, number>();
  /** Those that were set aside, but for what cannot be read any further. */
  #aside: string[] | undefined;
  /** The one of these that was found whole. */
  #whole: string | undefined;
  /** To be told after a table was emptied: what was known of it is not true any more. */
  onAnew: () => void = () => {};

  constructor(db: Database.Database, containment: Containment) {
    this.#db = db;
    this.#containment = containment;
  }

  /** Uses a table; where it turns out to be damaged, that is noted and thrown. */
  use<T>(table: DerivedTable, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (isDamage(error)) this.#damaged.add(table);
      throw error;
    }
  }

  /** Reads a table, in no write transaction; where it cannot be read for damage the result is `otherwise`. */
  read<T>(table: DerivedTable, work: () => T, otherwise: T): T {
    return this.#containment.read(table, () => this.use(table, work), otherwise);
  }

  /** Does work that uses a table among others, in no write transaction; if it fails and the table is damaged, it is done in the other way. */
  without<T>(table: DerivedTable, work: () => T, inOtherWay: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!this.#damaged.has(table)) throw error;
      this.#containment.tell(table, error);
      return inOtherWay();
    }
  }

  /** Puts an empty table in the place of one, and has it made again. */
  setAside(table: DerivedTable): void {
    const made = this.#db.prepare<[string], string>("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?").pluck();
    this.#db
      .transaction(() => {
        for (const name of tablesOf(table)) {
          const sql = made.get(name);
          if (sql === undefined) continue;
          this.#db.exec(`ALTER TABLE ${name} RENAME TO ${asideNameOf(this.#db, name)}`);
          this.#db.exec(sql);
        }
        this.#db.exec(ANEW[table]);
      })
      .immediate();
    this.#damaged.delete(table);
    this.#aside = undefined;
    this.onAnew();
  }

  /** Sets aside what turned out to be damaged, or takes some rows away of what was; false where there is neither. */
  step(): boolean {
    for (const table of this.#damaged) {
      const times = this.#timesSetAside.get(table) ?? 0;
      if (times >= SET_ASIDE_MAX) continue;
      this.#timesSetAside.set(table, times + 1);
      this.setAside(table);
      return true;
    }
    this.#aside ??= asideTables(this.#db);
    const [aside] = this.#aside;
    if (aside === undefined) return false;
    try {
      if (!this.#isWhole(aside) || this.#takeApart(aside)) this.#aside.shift();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#aside.shift();
    }
    return true;
  }

  /** Looked at once for each: nobody writes to it any more. */
  #isWhole(aside: string): boolean {
    if (this.#whole === aside) return true;
    // Whose each page is can be told only where the file says so.
    const tells = this.#db.pragma('auto_vacuum', { simple: true }) !== 0;
    if (!tells || this.#db.pragma(`integrity_check("${aside}")`, { simple: true }) !== 'ok') return false;
    this.#whole = aside;
    return true;
  }

  /** True when nothing is left of it. */
  #takeApart(aside: string): boolean {
    const columns = this.#db.prepare<[string], string>('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk').pluck();
    const key = columns.all(aside).join(', ');
    const { changes } = this.#db
      .prepare<[number]>(`DELETE FROM ${aside} WHERE (${key}) IN (SELECT ${key} FROM ${aside} LIMIT ?)`)
      .run(ROWS_PER_STEP);
    if (changes > 0) return false;
    this.#db.exec(`DROP TABLE ${aside}`);
    this.#whole = undefined;
    return true;
  }
}

/** Tables that were set aside and are still there. */
export function asideTables(db: Database.Database): string[] {
  const names = db.prepare<[string], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND instr(name, ?) > 0");
  return names.pluck().all(ASIDE);
}
