/**
 * SQLite with STAT4, as better-sqlite3 has it, looks at the values that are bound while it plans a statement, at those of LIMIT too, and plans anew
 * whenever others are bound: with each use. That costs ten times as much as a look-up, and tells nothing, as there are no statistics (nobody
 * runs ANALYZE). Behind a unary plus, which changes no value, they are not looked at.
 */
import type Database from 'better-sqlite3';

/** Text, names in quotes and comments, or a parameter. */
const QUOTED_OR_PARAMETER = /'[^']*'|"[^"]*"|--[^\n]*|[?@]\w*/g;

/** The same statement, planned without its values. */
export function withoutValues(sql: string): string {
  return sql.replace(QUOTED_OR_PARAMETER, (found) => (found.startsWith('?') || found.startsWith('@') ? `+${found}` : found));
}

/** Has the statements of a connection planned once each. */
export function planOnce(db: Database.Database): Database.Database {
  const prepare = db.prepare.bind(db);
  db.prepare = ((sql: string) => prepare(withoutValues(sql))) as Database.Database['prepare'];
  return db;
}
