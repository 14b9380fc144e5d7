import Database from 'better-sqlite3';
import { CrowsnestError, type ErrorCode } from '../domain/errors.ts';

/** One row per way SQLite can fail that a person can do something about: the code, what happened, what to do. */
const MEANINGS: readonly { match: RegExp; code: ErrorCode; what: string; todo: string }[] = [
  {
    match: /^SQLITE_(BUSY|LOCKED)/,
    code: 'STORE_LOCKED',
    what: 'the database is locked by another process',
    todo: 'Stop the other crowsnest that uses this file, or give this one a file of its own with --db',
  },
  {
    match: /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/,
    code: 'STORE_READ_ONLY',
    what: 'the database cannot be written',
    todo: 'Make the file and its directory writable for this user, or point --db at a writable volume',
  },
  {
    match: /^SQLITE_NOTADB/,
    code: 'STORE_FOREIGN',
    what: 'the file is not a crowsnest database',
    todo: 'Point --db at another file; this one was left as it is',
  },
  {
    match: /^SQLITE_(CORRUPT|FORMAT)/,
    code: 'STORE_CORRUPT',
    what: 'the database is damaged',
    todo: 'Run crowsnest db check, which says whether db repair helps; where not even that can read it, keep a copy of the file with its -wal and -shm files and restore a backup or start with a new file',
  },
  {
    match: /^SQLITE_(FULL|IOERR_(WRITE|SHMSIZE|FSYNC|TRUNCATE))/,
    code: 'STORE_FULL',
    what: 'the disk or the size set for the database is full, nothing of this batch was stored',
    todo: 'Free space on the volume or raise the limit; recording goes on by itself once a write succeeds',
  },
];

/** What an error of SQLite means to the user; errors that are already ours, or none of SQLite's, pass unchanged. */
export function storeError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const meaning = MEANINGS.find(({ match }) => match.test(error.code));
  if (meaning !== undefined) {
    return new CrowsnestError({ code: meaning.code, what: meaning.what, where: file, todo: meaning.todo, cause: error });
  }
  return new CrowsnestError({ code: 'INTERNAL', what: `the database refused: ${error.message}`, where: file, cause: error });
}

/** What SQLite would say of a write for which there is no room, without trying it. */
export function fullError(file: string): unknown {
  return storeError(new Database.SqliteError('database or disk is full', 'SQLITE_FULL'), file);
}

/** A record that cannot be rebuilt: its row is there, what it stands on is not, or does not decode. */
export function corruptRecord(what: string, where: string, cause?: unknown): CrowsnestError {
  return new CrowsnestError({
    code: 'STORE_CORRUPT',
    what,
    where,
    todo: 'Other objects stay readable; restore a backup to get this one back',
    cause,
  });
}

/** JSON that was stored, parsed; `what` and `where` say of what. Throws STORE_CORRUPT where it is JSON no more. */
export function storedJson(text: string, what: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw corruptRecord(`${what} does not decode`, where, error);
  }
}
