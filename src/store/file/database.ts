/**
 * Opens the file: looks before it touches, takes the writer's lock, sets the pragmas, migrates forward. Knows nothing of the tables.
 *
 * One process writes, any number may read. SQLite's own locks last for a transaction, and `locking_mode=EXCLUSIVE` would shut readers
 * out, so the writer holds an exclusive transaction on an empty second database, `<file>.lock`, for as long as it lives. That is an
 * fcntl lock: the kernel drops it with the process, however it dies, so there is no stale pid to judge and nothing to clean up. The lock
 * file is left in place, since deleting it would let two processes lock two different files of the same name.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { CrowsnestError } from '../../domain/errors.ts';
import { storeError } from '../store-errors.ts';
import { type Checkpoints, checkpointsHere, checkpointsWithin } from './checkpoints.ts';
import { planOnce } from './steady-plans.ts';

/** 'CROW' in ASCII, kept in the file's header so that a stranger's database is never written to. */
export const APPLICATION_ID = 0x43524f57;

const MIGRATIONS_DIR = new URL('../migrations/', import.meta.url);
/** Shorter than this no file of SQLite is; an empty one is made by whoever begins a database. */
const HEADER_BYTES = 16;
const FOREIGN_TODO = 'Point --db at another file; this one was left as it is';

export interface DatabaseOptions {
  /** Path, or ':memory:'. */
  file: string;
  /** False: the file must exist. */
  create?: boolean;
  /**
   * 'normal' loses nothing when the process dies at any instant; after a power cut the last transactions may be missing, each as a whole
   * with its cursors. 'full' syncs every commit and survives a power cut too, for the price of an fsync per batch.
   */
  synchronous?: 'normal' | 'full';
  /**
   * How long bringing the log into the file may hold up whoever writes, before a thread of its own does it from then on. Without it there is none.
   */
  checkpointMsMax?: number | undefined;
}

export interface OpenDatabase {
  db: Database.Database;
  checkpoints: Checkpoints;
  /** Closes the database, then gives the writer's lock back. */
  close(): void;
}

/** Throws NOT_FOUND, STORE_LOCKED, STORE_READ_ONLY, STORE_FOREIGN, STORE_TOO_NEW or STORE_CORRUPT; the file is then as it was. */
export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const { file } = options;
  const inMemory = file === ':memory:';
  const opened: { close(): unknown }[] = [];
  const close = () => {
    for (const db of opened.splice(0).reverse()) db.close();
  };
  try {
    if (!inMemory) {
      if (!existsSync(dirname(file))) {
        const todo = 'Create it, or point --db elsewhere';
        throw new CrowsnestError({ code: 'NOT_FOUND', what: 'the directory for the database does not exist', where: file, todo });
      }
      const exists = existsSync(file) && statSync(file).size > 0;
      if (!exists && options.create === false) {
        throw new CrowsnestError({ code: 'NOT_FOUND', what: 'there is no such database', where: file, todo: 'Check --db' });
      }
      // Before the lock, which is a file of its own, so that nothing is left beside a file that is not ours.
      if (exists) checkIdentity(file);
      opened.push(lockWriter(file));
      if (exists) inspect(file);
    }
    const db = planOnce(new Database(file, { timeout: 5_000 }));
    opened.push(db);
    db.pragma('auto_vacuum = INCREMENTAL');
    if (!inMemory) db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${options.synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
    db.pragma('journal_size_limit = 67108864');
    db.pragma('temp_store = MEMORY');
    // 4 MB of pages: inserts of a busy second touch more of the indexes than fit the 2 MB that SQLite takes by itself; 8 MB bring nothing (ADR 13).
    db.pragma('cache_size = -4000');
    migrate(db);
    if (!inMemory) probe(db);
    const patienceMs = inMemory ? undefined : options.checkpointMsMax;
    const checkpoints = patienceMs === undefined ? checkpointsHere(db) : checkpointsWithin(patienceMs, db, realPathOf(file));
    opened.push(checkpoints);
    return { db, checkpoints, close };
  } catch (error) {
    close();
    throw storeError(error, file);
  }
}

/**
 * Opens a database to read beside whoever writes it; throws what `openDatabase` throws. With `current` also STORE_OUTDATED, as only the
 * newest format can be read without upgrading it.
 */
export function openToRead(file: string, { current = false } = {}): Database.Database {
  if (!existsSync(file))
    throw new CrowsnestError({ code: 'NOT_FOUND', what: 'there is no such database', where: file, todo: 'Check --db' });
  try {
    checkIdentity(file);
    const db = planOnce(new Database(file, { readonly: true, timeout: 5_000 }));
    const version = db.pragma('user_version', { simple: true }) as number;
    const newest = newestFormat();
    if (!current || version === newest) return db;
    db.close();
    throw new CrowsnestError({
      code: 'STORE_OUTDATED',
      what: `the database has format ${version}, reading it needs format ${newest}`,
      where: file,
      todo: 'Back it up, then run crowsnest serve on it once, which upgrades it',
    });
  } catch (error) {
    throw storeError(error, file);
  }
}

/** Throws STORE_FOREIGN, STORE_TOO_NEW or STORE_CORRUPT for what is no database of a known format. */
export function checkIdentity(file: string): void {
  checkFile(file);
  inspect(file);
}

/**
 * What is too short or may not be read. By name alone: whoever opens and closes a database file by other means than SQLite drops all locks that
 * this process holds on it, those of its other connections included (fcntl(2); https://sqlite.org/howtocorrupt.html, 2.2).
 */
function checkFile(file: string): void {
  let size: number;
  try {
    accessSync(file, constants.R_OK);
    size = statSync(file).size;
  } catch (error) {
    throw new CrowsnestError({
      code: 'STORE_READ_ONLY',
      what: 'the database cannot be read',
      where: file,
      todo: 'Make the file and its directory readable and writable for this user',
      cause: error,
    });
  }
  if (size < HEADER_BYTES) throw foreign(file);
}

function foreign(file: string, cause?: unknown): CrowsnestError {
  return new CrowsnestError({
    code: 'STORE_FOREIGN',
    what: 'the file is not a crowsnest database',
    where: file,
    todo: FOREIGN_TODO,
    cause,
  });
}

/** Of a database whoever writes to it, under whichever name; see `lockFile`. */
export function lockWriter(file: string): Database.Database {
  return lockFile(`${realPathOf(file)}.lock`);
}

/** Where a file is that may be named by links: beside that SQLite has its log, too. */
function realPathOf(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const folder = dirname(file);
  return existsSync(folder) ? join(realpathSync(folder), basename(file)) : file;
}

/** Held until it is closed; throws while another process holds it, or this one. */
export function lockFile(path: string): Database.Database {
  const lock = new Database(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** The first that is read of a file; here SQLite notices what is none of its own. */
function applicationIdOf(db: Database.Database, file: string): unknown {
  try {
    return db.pragma('application_id', { simple: true });
  } catch (error) {
    throw (error as { code?: string }).code === 'SQLITE_NOTADB' ? foreign(file, error) : error;
  }
}

/** Reads identity and version through a read-only connection, which leaves even the write-ahead log of a stranger alone. */
function inspect(file: string): void {
  try {
    inspectReadOnly(file);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'SQLITE_CORRUPT' && isCutShort(file))
      throw cutShort(file, `only its first ${statSync(file).size} bytes are there`);
    if (code !== 'SQLITE_READONLY_ROLLBACK') throw error;
    rollBack(file);
    inspectReadOnly(file);
  }
}

/**
 * A process killed in the middle of a transaction, as at the birth of a database before it has a write-ahead log, leaves a journal by which the file
 * has to be put back before anyone can read it. SQLite does that for whoever may write, also to a stranger's file: to what that had last committed.
 */
function rollBack(file: string): void {
  const db = new Database(file, { fileMustExist: true, timeout: 5_000 });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
  } finally {
    db.close();
  }
}

function inspectReadOnly(file: string): void {
  const db = new Database(file, { readonly: true });
  try {
    const applicationId = applicationIdOf(db, file);
    const version = db.pragma('user_version', { simple: true }) as number;
    const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
    // A process killed while it created the file leaves an empty database of nobody: ours to fill.
    if (applicationId !== APPLICATION_ID && (tables > 0 || applicationId !== 0)) {
      throw new CrowsnestError({
        code: 'STORE_FOREIGN',
        what: "the file is another program's SQLite database",
        where: file,
        todo: FOREIGN_TODO,
      });
    }
    const newest = newestFormat();
    if (version > newest) {
      throw new CrowsnestError({
        code: 'STORE_TOO_NEW',
        what: `the database has format ${version}, this crowsnest knows formats up to ${newest}`,
        where: file,
        todo: 'Run the crowsnest that wrote it or a newer one, or give this one another file with --db; this one was left as it is',
      });
    }
    checkLength(db, file);
  } finally {
    db.close();
  }
}

/** A file shorter than its header says, with no log that could hold the rest, was cut. */
function checkLength(db: Database.Database, file: string): void {
  const wal = `${realPathOf(file)}-wal`;
  if (existsSync(wal) && statSync(wal).size > 0) return;
  const bytes = (db.pragma('page_count', { simple: true }) as number) * (db.pragma('page_size', { simple: true }) as number);
  const size = statSync(file).size;
  if (size >= bytes) return;
  throw cutShort(file, `${size} of ${bytes} bytes are there`);
}

function cutShort(file: string, what: string): CrowsnestError {
  return new CrowsnestError({
    code: 'STORE_CORRUPT',
    what: `the database is cut short: ${what}`,
    where: file,
    todo: 'Keep a copy of the file, restore a backup or start with a new file',
  });
}

/**
 * Of a file that SQLite calls damaged, as it does with one that ends within a page, or has fewer pages than its header says. The latter it reads all the same
 * where it is told to put up with what is wrong in a schema.
 */
function isCutShort(file: string): boolean {
  const db = new Database(file, { readonly: true });
  const isRead = () => {
    try {
      return db.pragma('application_id', { simple: true }) === APPLICATION_ID;
    } catch {
      return false;
    }
  };
  try {
    if (statSync(file).size % (db.pragma('page_size', { simple: true }) as number) !== 0) return true;
    if (isRead()) return false;
    db.unsafeMode(true);
    db.pragma('writable_schema = ON');
    return isRead();
  } finally {
    db.close();
  }
}

/** Finds out now rather than at the first batch whether the file can be written. */
function probe(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE');
  db.pragma(`user_version = ${db.pragma('user_version', { simple: true })}`);
  db.exec('ROLLBACK');
}

/** The format that this program writes. */
export function newestFormat(): number {
  return migrations().at(-1)?.version ?? 0;
}

function migrations(): { version: number; name: string }[] {
  return readdirSync(MIGRATIONS_DIR)
    .filter((name) => /^\d{4}-.*\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 4)), name }));
}

/** Each migration is one transaction together with the version it leads to: killed in between, the next start goes on from there. */
function migrate(db: Database.Database): void {
  for (const { version, name } of migrations()) {
    if ((db.pragma('user_version', { simple: true }) as number) >= version) continue;
    const sql = readFileSync(new URL(name, MIGRATIONS_DIR), 'utf8');
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version}`);
    }).immediate();
  }
}
