/**
 * Makes anew what is damaged of the record and follows from the rest of the file: an index from its table, a table of names from the index that has all
 * its columns, where each object stands from the changes, the way from a path to its sets from the sets, which run
 * of changes lies in which blocks from those. Indices are dropped from the schema and not
 * from the file, and tables set aside under another name, as SQLite cannot free the pages of what it cannot read: `repair` gets rid of those.
 *
 * SQLite commits no transaction in which it met damage, so what is damaged is looked at before any.
 */
import type Database from 'better-sqlite3';
import { isDamage } from '../containment.ts';
import { asideNameOf, isAside, isDerivedTable } from '../derived.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { fillHeads, keptOfHeads } from './rebuild-heads.ts';
import { fillPathSets } from './rebuild-path-sets.ts';
import { fillSpans } from './rebuild-spans.ts';

/** There while pages of what is in the schema no more are still in the file. */
export const LINGERS = 'store/repair-lingers';

/** From what a table can be made anew. */
type Source = 'its rows' | 'its index' | 'the record';

/** Tables that follow from others as a whole, and these. */
const RECORD_OF: Readonly<Record<string, readonly string[]>> = {
  head: ['object', 'life', 'change'],
  path_pathset: ['path', 'pathset'],
  span: ['block', 'change'],
};
/** Columns that no index has and that follow from others. */
const FOLLOWS: Readonly<Record<string, string>> = {
  'actor_set.name': `coalesce(json_extract(candidates, '$[' || (max(json_extract(candidates, '$[0]'), 0) + 1) || '][0]'), '')`,
};

export interface Rebuildable {
  table: string;
  from: Source | undefined;
}

/** The tables with a page that is damaged, or that do not agree with their indices, and from what each can be made anew; those of `derived.ts` are left out. */
export function unsoundTables(db: Database.Database): Rebuildable[] {
  if (isSound(db, 1) || areOnlyPointersWrong(db)) return [];
  const names = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0").pluck().all();
  const unsound = names.filter((table) => !isDerivedTable(table) && !isAside(table) && !isSound(db, `"${table}"`));
  const found = unsound.map((table) => ({ table, from: sourceOf(db, table) }));
  const isLost = (table: string) => found.some((one) => one.table === table && one.from === undefined);
  const all = found.map(({ table, from }): Rebuildable => {
    const isMade = from === undefined && RECORD_OF[table]?.some(isLost) === false;
    return { table, from: isMade ? 'the record' : from };
  });
  // What is made from others after those.
  return all.sort((a, b) => Number(a.from === 'the record') - Number(b.from === 'the record'));
}

/** Virtual tables of which what their own tables hold, though it may be readable, is not what they put there. Nothing makes them anew. */
export function unsoundVirtualTables(db: Database.Database): string[] {
  if (isSound(db, 1) || areOnlyPointersWrong(db)) return [];
  const names = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0").pluck().all();
  return names.filter((table) => !isSound(db, `"${table}"`));
}

const FAULTS_MAX = 1_000_000;
const OF_POINTERS = /ptr ?map|^Freelist/i;

/** Nothing is damaged but what says to which table each page belongs, or which are free. Writing the file anew needs neither. */
export function areOnlyPointersWrong(db: Database.Database): boolean {
  try {
    const said = db.pragma(`integrity_check(${FAULTS_MAX})`) as { integrity_check: string }[];
    const faults = said.flatMap((one) => one.integrity_check.split('\n')).filter((line) => !line.startsWith('***'));
    // Free pages that are no longer known to be free are used by nobody.
    const are = faults.every((line) => OF_POINTERS.test(line) || line.endsWith(': never used'));
    return are && faults.some((line) => OF_POINTERS.test(line));
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}

/** `of` is a number of faults, of the whole file, or a table with its indices. */
export function isSound(db: Database.Database, of: number | string): boolean {
  try {
    return db.pragma(`integrity_check(${of})`, { simple: true }) === 'ok';
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}

/** Makes a table anew, or only its indices where those are all that is damaged. */
export function rebuild(db: Database.Database, { table, from }: Rebuildable, seal: ValueSeal): void {
  if (from === 'its rows') {
    const sql = indicesOf(db, table);
    if (sql.length > 0) changeSchema(db, () => remakeIndices(db, table, sql));
    if (isSound(db, `"${table}"`)) return;
  }
  if (from !== undefined) replace(db, { table, from }, seal);
}

/** Puts a new table in the place of one. */
function replace(db: Database.Database, { table, from }: { table: string; from: Source }, seal: ValueSeal): void {
  const kept = table === 'head' ? keptOfHeads(db) : new Map();
  changeSchema(db, () => {
    const indices = indicesOf(db, table);
    dropFromSchema(db, table);
    const { sql } = db.prepare<[string], { sql: string }>('SELECT sql FROM sqlite_schema WHERE name = ?').get(table) as {
      sql: string;
    };
    const aside = asideNameOf(db, table);
    db.exec(`ALTER TABLE "${table}" RENAME TO "${aside}"`);
    db.exec(sql);
    if (from !== 'the record') db.exec(copying(db, { table, aside, from }));
    else if (table === 'head') fillHeads(db, kept);
    else if (table === 'span') fillSpans(db, seal);
    else fillPathSets(db);
    for (const index of indices) db.exec(index);
  });
}

function remakeIndices(db: Database.Database, table: string, indices: readonly string[]): void {
  dropFromSchema(db, table);
  for (const index of indices) db.exec(index);
}

/** In one transaction, in which the schema may be written to. */
function changeSchema(db: Database.Database, work: () => void): void {
  db.unsafeMode(true);
  db.pragma('writable_schema = ON');
  try {
    db.transaction(() => {
      noteLingering(db);
      work();
    }).immediate();
  } finally {
    // Also reads the schema anew.
    db.pragma('writable_schema = RESET');
    db.unsafeMode(false);
  }
}

/** Takes tables out of the schema; to be called by `changeSchema` alone, as the rest here. */
function leaveOutOf(db: Database.Database, tables: readonly string[]): void {
  const out = db.prepare<[string]>('DELETE FROM sqlite_schema WHERE tbl_name = ?');
  for (const table of tables) out.run(table);
}

/** Takes tables that cannot be read out of the schema; their pages stay in the file. */
export function leaveOut(db: Database.Database, tables: readonly string[]): void {
  changeSchema(db, () => leaveOutOf(db, tables));
}

export function noteLingering(db: Database.Database): void {
  db.prepare<[string]>('INSERT OR REPLACE INTO small_state (key, value) VALUES (?, 1)').run(LINGERS);
}

/** Takes the indices that were made by themselves out of the schema; those of a constraint go with their table. */
function dropFromSchema(db: Database.Database, table: string): void {
  db.prepare<[string]>("DELETE FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL").run(table);
  db.pragma('writable_schema = RESET');
  db.pragma('writable_schema = ON');
}

/** What makes the indices of a table, but for those of its constraints. */
function indicesOf(db: Database.Database, table: string): string[] {
  const made = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name";
  return db.prepare<[string], string>(made).pluck().all(table);
}

function sourceOf(db: Database.Database, table: string): Source | undefined {
  if (canRead(db, `SELECT * FROM "${table}" NOT INDEXED`)) return 'its rows';
  const index = coveringIndexOf(db, table);
  if (index !== undefined && canRead(db, `SELECT ${index.columns} FROM "${table}" INDEXED BY "${index.name}"`))
    return 'its index';
  return undefined;
}

function canRead(db: Database.Database, sql: string): boolean {
  try {
    for (const _ of db.prepare(sql).raw().iterate());
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}

/** In the order of what they are found by, and none by an index, from which SQLite would copy pages as they are. */
function copying(db: Database.Database, { table, aside, from }: { table: string; aside: string; from: Source }): string {
  const columns = columnsOf(db, aside);
  const names = columns.map(({ name }) => name).join(', ');
  if (from === 'its rows') {
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    const order = key.length === 0 ? 'rowid' : key.map(({ name }) => name).join(', ');
    return `INSERT INTO "${table}" (${names}) SELECT ${names} FROM "${aside}" NOT INDEXED ORDER BY ${order}`;
  }
  const index = coveringIndexOf(db, aside, table);
  return `INSERT INTO "${table}" (${names}) SELECT ${index?.columns} FROM "${aside}" INDEXED BY "${index?.name}" ORDER BY 1`;
}

interface Column {
  name: string;
  pk: number;
}

function columnsOf(db: Database.Database, table: string): Column[] {
  return db.prepare<[string], Column>('SELECT name, pk FROM pragma_table_info(?)').all(table);
}

/** A unique index from which all columns of a table can be told; `known` is what the table was called. */
function coveringIndexOf(db: Database.Database, table: string, known = table): { name: string; columns: string } | undefined {
  const columns = columnsOf(db, table);
  const indices = db.prepare<[string], string>('SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial').pluck();
  const inIndex = db.prepare<[string], string>('SELECT name FROM pragma_index_info(?) WHERE name IS NOT NULL').pluck();
  for (const name of indices.all(table)) {
    const has = new Set(inIndex.all(name));
    // An index knows the row it leads to.
    const told = columns.map((one) => (has.has(one.name) || one.pk > 0 ? one.name : FOLLOWS[`${known}.${one.name}`]));
    if (told.every((one) => one !== undefined)) return { name, columns: told.join(', ') };
  }
  return undefined;
}
