/**
 * Looks whether a database is whole: SQLite's own check of every page and index, then what this store promises of its rows. Nothing is
 * written, not even what a killed process left to be put back; it reads in one transaction, so the database may be in use. What cannot be read is named and the rest is looked at all the same.
 */
import type Database from 'better-sqlite3';
import type { KeyRing } from '../seal/store-key.ts';
import { claimKeys, createValueSeal } from '../seal/value-seal.ts';
import { checkLog } from './check-log.ts';
import { CheckReport, type Problem } from './check-report.ts';
import { checkRest } from './check-rest.ts';
import { checkRevisions } from './check-revisions.ts';
import { openToRead } from './database.ts';
import { putBackAside } from './put-back-aside.ts';
import { unsoundTables, unsoundVirtualTables } from './rebuild.ts';

export interface CheckOptions {
  file: string;
  keys?: KeyRing | undefined;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface CheckResult {
  file: string;
  ok: boolean;
  changes: number;
  objects: number;
  /** Changes whose state cannot be told any more. */
  changesHit: number;
  problems: Problem[];
  /** Tables with damaged pages that `crowsnest db repair` makes anew from the rest of the file, and those that follow from nothing. */
  repairable: string[];
  unreadable: string[];
}

/** Throws what opening a database throws. */
export async function checkDatabase(options: CheckOptions): Promise<CheckResult> {
  const { file } = options;
  return { ...(await putBackAside(file, (readable) => checkFile({ ...options, file: readable }))), file };
}

async function checkFile(options: CheckOptions): Promise<CheckResult> {
  const { file } = options;
  const db = openToRead(file, { current: true });
  try {
    db.exec('BEGIN');
    const seal = createValueSeal(options.keys, file);
    const report = new CheckReport();
    report.attempt('pages', 'small_state', () => claimKeys(db, options.keys, file));
    checkPages(db, report);
    const total = report.attempt('pages', 'change', () => count(db, 'change')) ?? 0;
    const objects = report.attempt('pages', 'object', () => count(db, 'object')) ?? 0;
    // Twice through the log: its rows, then the states they lead to.
    const pass = (half: number) => (done: number) => options.onProgress?.(half * total + done, 2 * total);
    const going = { signal: options.signal };
    await checkLog(db, report, { ...going, onProgress: pass(0) });
    await checkRevisions(db, report, { ...going, onProgress: pass(1), seal });
    checkRest(db, report, seal);
    options.onProgress?.(2 * total, 2 * total);
    const problems = report.problems();
    const isHit = problems.some(({ area }) => area === 'pages');
    const unsound = isHit ? unsoundTables(db) : [];
    const madeFrom = (isLost: boolean) => unsound.filter(({ from }) => (from === undefined) === isLost).map(({ table }) => table);
    const tables = { repairable: madeFrom(false), unreadable: [...madeFrom(true), ...(isHit ? unsoundVirtualTables(db) : [])] };
    return { file, ok: problems.length === 0, changes: total, objects, changesHit: report.changesHit, problems, ...tables };
  } finally {
    db.close();
  }
}

/** At most so many faults of pages are named; a file with more is to be restored, whatever else is wrong with it. */
const PAGE_FAULTS_MAX = 100;

function checkPages(db: Database.Database, report: CheckReport): void {
  try {
    checkIntegrity(db, report, { of: PAGE_FAULTS_MAX, where: 'file' });
  } catch {
    // A page that is none at all ends the check of the file without a word of where it is: then each table is asked for itself.
    for (const table of tablesOf(db, report)) {
      report.attempt('pages', table, () => checkIntegrity(db, report, { of: `"${table}"`, where: table }));
    }
  }
}

/** `of` is a number of faults at most, or a table with its indices. */
function checkIntegrity(db: Database.Database, report: CheckReport, { of, where }: { of: number | string; where: string }): void {
  const tableOf = db.prepare<[string], string>('SELECT tbl_name FROM sqlite_schema WHERE rootpage = cast(? AS INTEGER)').pluck();
  for (const { integrity_check: said } of db.pragma(`integrity_check(${of})`) as { integrity_check: string }[]) {
    if (said === 'ok') continue;
    // One text may tell of several tables.
    const [table, ...others] = new Set([...said.matchAll(/\bTree (\d+)\b/g)].map(([, root]) => tableOf.get(root as string)));
    report.add('pages', said.replaceAll(/\s+/g, ' '), (others.length === 0 ? table : undefined) ?? where);
  }
}

function tablesOf(db: Database.Database, report: CheckReport): string[] {
  const names = () => db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
  return report.attempt('pages', db.name, names) ?? [];
}

function count(db: Database.Database, table: string): number {
  return db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
}
