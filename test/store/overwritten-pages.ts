import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Overwrites some pages of a database, as a broken disk might: `pick` says which, by number. */
export function overwritePages(file: string, pick: (db: Database.Database) => readonly number[]): void {
  const db = new Database(file, { readonly: true });
  const size = db.pragma('page_size', { simple: true }) as number;
  const pages = pick(db);
  db.close();
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(0xa5, (page - 1) * size, page * size);
  writeFileSync(file, bytes);
}

/** The leaves of a table or an index, in its order. */
export function leavesOf(db: Database.Database, name: string): number[] {
  const leaves = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path";
  return db.prepare<[string], number>(leaves).pluck().all(name);
}

/** One in the middle, where there are some before and behind it. */
export function middleLeafOf(db: Database.Database, name: string): number {
  const leaves = leavesOf(db, name);
  assert.ok(leaves.length >= 3, `${name} has ${leaves.length} leaves`);
  return leaves[leaves.length >>> 1] as number;
}
