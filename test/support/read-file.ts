import Database from 'better-sqlite3';

/** What is asked of a database by a connection that only reads, and is closed afterwards. */
export function readFrom<T>(file: string, ask: (db: Database.Database) => T): T {
  const db = new Database(file, { readonly: true });
  try {
    return ask(db);
  } finally {
    db.close();
  }
}
