/**
 * A database whose process was killed in the middle of a transaction before it had a write-ahead log is put back by its journal before anybody can
 * read it, which writes to the file. Who only looks at it has that done to a copy.
 */
import { copyFileSync, existsSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CrowsnestError, isCrowsnestError } from '../../domain/errors.ts';
import { type CopyFolder, newCopyFolder, removeLeftCopies } from './copy-folder.ts';

const JOURNAL = '-journal';

/**
 * Calls `read` with the file, or with a copy that needs no journal. Copied by other means than SQLite's (see `checkFile`), which harms nobody here: this
 * process has no connection to a file that has to be put back first.
 */
export async function putBackAside<T>(file: string, read: (file: string) => Promise<T>): Promise<T> {
  removeLeftCopies();
  // A link has no journal beside it.
  const real = existsSync(file) ? realpathSync(file) : file;
  if (!needsJournal(real)) return read(file);
  const folder = newFolder();
  try {
    const copy = join(folder.path, 'database');
    for (const end of ['', JOURNAL]) copyFileSync(`${real}${end}`, `${copy}${end}`);
    try {
      return await read(copy);
    } catch (error) {
      if (!isCrowsnestError(error) || error.where !== copy) throw error;
      const { code, what, todo, cause } = error;
      throw new CrowsnestError({ code, what, where: file, todo, cause });
    }
  } finally {
    folder.remove();
  }
}

function newFolder(): CopyFolder {
  try {
    return newCopyFolder();
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'The database has to be put back by its journal before it can be read, and there is no room for a copy to do that to',
      where: tmpdir(),
      todo: 'Set TMPDIR to a folder that can be written to, with room for the database',
      cause,
    });
  }
}

function needsJournal(file: string): boolean {
  if ((statSync(`${file}${JOURNAL}`, { throwIfNoEntry: false })?.size ?? 0) === 0) return false;
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, timeout: 5_000 });
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'SQLITE_READONLY_ROLLBACK';
  } finally {
    db?.close();
  }
}
