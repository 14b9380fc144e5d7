/**
 * Makes anew what is damaged and follows from the record: lists of changes with one value, and marks. A service does the same by itself where it meets
 * such damage; what it cannot do beside its work is to get rid of pages that nobody can read, for which the whole file is written anew.
 *
 * Killed at any instant it is begun again: each step is one transaction, and what is left to do is in the file.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { asideTables, DERIVED_TABLES, type DerivedTable } from '../derived.ts';
import type { Copying } from '../seal/sealed-file.ts';
import type { KeyRing } from '../seal/store-key.ts';
import { openSqliteStore } from '../sqlite-store.ts';
import { storeError } from '../store-errors.ts';
import { checkLog } from './check-log.ts';
import { CheckReport } from './check-report.ts';
import { openDatabase, openToRead } from './database.ts';

/** There while pages of a table that is no more are still in the file. */
const LINGERS = 'store/repair-lingers';
const AREAS = { posting: ['postings', ''], newest_mark: ['marks', 'newest_mark'], blame_mark: ['marks', 'blame_mark'] } as const;

export interface Repaired {
  /** Tables that were made anew. */
  rebuilt: DerivedTable[];
  /** The file was written anew, as it held pages that nobody can read. */
  rewritten: boolean;
}

/** Throws what opening the database to write throws, and STORE_CORRUPT where more is damaged than can be made anew. */
export async function repair(options: Copying & { file: string; keys?: KeyRing | undefined }): Promise<Repaired> {
  const { file, keys, signal, onProgress } = options;
  const rebuilt = await damagedTables(options);
  {
    using store = openSqliteStore({ file, keys, create: false, synchronous: 'full' });
    store.setAside(rebuilt);
    for (let steps = 0; store.remake(); steps++) {
      signal?.throwIfAborted();
      if (steps % 16 === 0) await turn();
    }
  }
  const rewritten = rewrite(file);
  onProgress?.(1, 1);
  return { rebuilt, rewritten };
}

/** Those of which a page or a row is not what the changes say. */
async function damagedTables({ file, signal, onProgress }: Copying & { file: string }): Promise<DerivedTable[]> {
  const db = openToRead(file, { current: true });
  try {
    db.exec('BEGIN');
    const total = db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck().get() ?? 0;
    const report = new CheckReport();
    await checkLog(db, report, { signal, onProgress: (done) => onProgress?.(done, total + 1) });
    const problems = report.problems();
    return DERIVED_TABLES.filter((table) => {
      const [area, begin] = AREAS[table];
      return problems.some((one) => one.area === area && one.where.startsWith(begin)) || !isWhole(db, table);
    });
  } finally {
    db.close();
  }
}

function isWhole(db: Database.Database, table: DerivedTable): boolean {
  try {
    return db.pragma(`integrity_check("${table}")`, { simple: true }) === 'ok';
  } catch {
    return false;
  }
}

/** Takes tables that were set aside, and cannot be read, out of the schema, and then their pages out of the file. */
function rewrite(file: string): boolean {
  const { db, close } = openDatabase({ file, create: false, synchronous: 'full' });
  try {
    const aside = asideTables(db);
    const lingers = db.prepare<[string], 1>('SELECT 1 FROM small_state WHERE key = ?').pluck();
    if (aside.length > 0) leaveOut(db, aside);
    if (lingers.get(LINGERS) === undefined) return false;
    db.exec('VACUUM');
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.prepare('DELETE FROM small_state WHERE key = ?').run(LINGERS);
    return true;
  } catch (error) {
    throw storeError(error, file);
  } finally {
    close();
  }
}

function leaveOut(db: Database.Database, tables: readonly string[]): void {
  db.unsafeMode(true);
  db.pragma('writable_schema = ON');
  try {
    db.transaction(() => {
      const out = db.prepare<[string]>('DELETE FROM sqlite_schema WHERE tbl_name = ?');
      for (const table of tables) out.run(table);
      db.prepare('INSERT OR REPLACE INTO small_state (key, value) VALUES (?, 1)').run(LINGERS);
    }).immediate();
  } finally {
    // Also reads the schema anew.
    db.pragma('writable_schema = RESET');
    db.unsafeMode(false);
  }
}
