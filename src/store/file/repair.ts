/**
 * Makes anew what is damaged and follows from the rest of the file: indices, tables of names, where objects stand, which changes lie in which blocks (rebuild.ts), and what is derived from the
 * record: lists of changes with one value, and marks (derived.ts). A service does the last by itself where it meets such damage; what it cannot do beside
 * its work is the rest, and to get rid of pages that nobody can read, for which the whole file is written anew.
 *
 * Killed at any instant it is begun again: each step is one transaction, and what is left to do is in the file.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { asideTables, DERIVED_TABLES, type DerivedTable, tablesOf } from '../derived.ts';
import type { Copying } from '../seal/sealed-file.ts';
import type { KeyRing } from '../seal/store-key.ts';
import { createValueSeal, type ValueSeal } from '../seal/value-seal.ts';
import { openSqliteStore } from '../sqlite-store.ts';
import { storeError } from '../store-errors.ts';
import { checkLog } from './check-log.ts';
import { CheckReport } from './check-report.ts';
import { checkHeads } from './check-rest.ts';
import { openDatabase, openToRead } from './database.ts';
import { areOnlyPointersWrong, isSound, LINGERS, leaveOut, rebuild, unsoundTables, unsoundVirtualTables } from './rebuild.ts';
import { arePathSetsWrong } from './rebuild-path-sets.ts';
import { areSpansWrong } from './rebuild-spans.ts';

const AREAS = { posting: ['postings', ''], newest_mark: ['marks', 'newest_mark'], blame_mark: ['marks', 'blame_mark'] } as const;

export interface Repaired {
  /** Tables that were made anew, or their indices. */
  rebuilt: string[];
  /** Tables with pages that nobody can read and that follow from nothing. They are as they were, and the file is not written anew. */
  lost: string[];
  /** The file was written anew, as it held pages that nobody can read. */
  rewritten: boolean;
}

/** Throws what opening the database to write throws, and STORE_CORRUPT where so much is damaged that it cannot be opened. */
export async function repair(options: Copying & { file: string; keys?: KeyRing | undefined }): Promise<Repaired> {
  const { file, keys, signal, onProgress } = options;
  openToRead(file, { current: true }).close();
  const isAnew = rewritePointers(file);
  const { rebuilt, lost, virtual } = rebuildRecord(file, keys);
  const derived = await damagedTables(options);
  {
    using store = openSqliteStore({ file, keys, create: false, synchronous: 'full' });
    store.setAside(derived);
    for (let steps = 0; store.remake(); steps++) {
      signal?.throwIfAborted();
      if (steps % 16 === 0) await turn();
    }
  }
  const rewritten = (lost.length === 0 && rewrite(file, virtual.length > 0)) || isAnew;
  onProgress?.(1, 1);
  return { rebuilt: [...rebuilt, ...derived], lost: [...lost, ...virtual], rewritten };
}

/** Before anything else, as no page can be taken or freed where what says whose each is cannot be read. */
function rewritePointers(file: string): boolean {
  const { db, close } = openDatabase({ file, create: false, synchronous: 'full' });
  try {
    if (isSound(db, 1) || !areOnlyPointersWrong(db)) return false;
    db.exec('VACUUM');
    return true;
  } catch (error) {
    throw storeError(error, file);
  } finally {
    close();
  }
}

/** What of the record follows from the rest of it. */
function rebuildRecord(file: string, keys: KeyRing | undefined): Pick<Repaired, 'rebuilt' | 'lost'> & { virtual: string[] } {
  const { db, close } = openDatabase({ file, create: false, synchronous: 'full' });
  try {
    const seal = createValueSeal(keys, file);
    const unsound = unsoundTables(db);
    for (const one of unsound) rebuild(db, one, seal);
    const rebuilt = unsound.flatMap(({ table, from }) => (from === undefined ? [] : [table]));
    const lost = unsound.flatMap(({ table, from }) => (from === undefined ? [table] : []));
    const isLost = (...tables: string[]) => tables.some((table) => lost.includes(table));
    if (!isLost('head', 'object', 'life', 'change') && areHeadsWrong(db)) rebuilt.push(anew(db, 'head', seal));
    if (!isLost('path_pathset', 'path', 'pathset') && arePathSetsWrong(db)) rebuilt.push(anew(db, 'path_pathset', seal));
    if (!isLost('span', 'block', 'change') && areSpansWrong(db, seal)) rebuilt.push(anew(db, 'span', seal));
    return { rebuilt, lost, virtual: unsoundVirtualTables(db) };
  } catch (error) {
    throw storeError(error, file);
  } finally {
    close();
  }
}

function anew(db: Database.Database, table: string, seal: ValueSeal): string {
  rebuild(db, { table, from: 'the record' }, seal);
  return table;
}

function areHeadsWrong(db: Database.Database): boolean {
  const report = new CheckReport();
  checkHeads(db, report);
  return report.problems().length > 0;
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
      return (
        problems.some((one) => one.area === area && one.where.startsWith(begin)) ||
        !tablesOf(table).every((one) => isSound(db, `"${one}"`))
      );
    });
  } finally {
    db.close();
  }
}

/** Takes tables that were set aside, and cannot be read, out of the schema, and then their pages out of the file. Where it is unsound anyway, only for their sake. */
function rewrite(file: string, isUnsoundAnyway: boolean): boolean {
  const { db, close } = openDatabase({ file, create: false, synchronous: 'full' });
  try {
    const aside = asideTables(db);
    const lingers = db.prepare<[string], 1>('SELECT 1 FROM small_state WHERE key = ?').pluck();
    if (aside.length > 0) leaveOut(db, aside);
    // Where only what says which pages are free is damaged, no table is.
    if (lingers.get(LINGERS) === undefined && (isUnsoundAnyway || isSound(db, 1))) return false;
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
