/**
 * Copies of a database: made while another process writes it, put back where none does.
 *
 * A backup is read in one transaction, so it is the database as of one instant however long the copying takes; the writer goes on meanwhile,
 * its log only grows until the copy is done. Without that transaction SQLite would start the copy anew at each commit of the writer. Under
 * its name a backup is whole and checked, or not there: it is written beside it first.
 */
import { constants, existsSync, linkSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { CrowsnestError, isCrowsnestError } from '../../domain/errors.ts';
import { type Copying, isSealedFile, openSealedFile, sealFile, unusable } from '../seal/sealed-file.ts';
import type { KeyRing } from '../seal/store-key.ts';
import { claimKeys } from '../seal/value-seal.ts';
import { storeError } from '../store-errors.ts';
import { checkIdentity, lockWriter, openToRead } from './database.ts';

/** Pages copied before the event loop has its turn. */
const PAGES_PER_STEP = 1_000;
const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

export interface BackupOptions extends Copying {
  file: string;
  /** Must not be there. */
  target: string;
  /** Encrypts the backup with the newest of them. */
  keys?: KeyRing | undefined;
}

export interface BackupFacts {
  /** Newest change in it. */
  changes: number;
  bytes: number;
}

/** Throws FILE_EXISTS, STREAM_UNWRITABLE, STORE_KEY_WRONG where a key that the database needs is not among those given, or what opening the database throws; then nothing is left at `target`. */
export async function backUp(options: BackupOptions): Promise<BackupFacts> {
  const { file, target, keys, signal } = options;
  if (existsSync(target)) throw fileExists(target, 'Give the backup another name');
  // Plain pages of a backup that is to be encrypted never leave the folder in which the database has them anyway.
  const plain = `${keys === undefined ? target : file}.backup-${process.pid}`;
  const sealed = `${target}.backup-${process.pid}`;
  for (const base of [file, target]) removeStale(base);
  const db = openToRead(file);
  try {
    db.exec('BEGIN');
    // Under another key the backup would open, and what is in it would not.
    if (keys !== undefined) claimKeys(db, keys, file);
    const changes = db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck().get() ?? 0;
    await db.backup(plain, {
      progress({ totalPages, remainingPages }) {
        signal?.throwIfAborted();
        options.onProgress?.(totalPages - remainingPages, totalPages);
        return PAGES_PER_STEP;
      },
    });
    const bytes = settle(plain);
    if (keys === undefined) await syncPath(plain);
    else await sealFile(plain, sealed, keys.newest, { signal });
    renameSync(keys === undefined ? plain : sealed, target);
    await syncPath(dirname(target));
    return { changes, bytes };
  } catch (error) {
    throw signal?.aborted === true ? error : unwritable(error, file, target);
  } finally {
    db.close();
    removeDatabase(plain);
    rmSync(sealed, { force: true });
  }
}

export interface RestoreOptions extends Copying {
  backup: string;
  file: string;
  keys?: KeyRing | undefined;
  /** An existing database is kept as `<file>.replaced`; without this it is not touched. */
  replace?: boolean;
}

/** Throws STORE_LOCKED, FILE_EXISTS, NOT_FOUND, BACKUP_UNUSABLE, STORE_KEY_WRONG; then the database is as it was. */
export async function restore(options: RestoreOptions): Promise<BackupFacts> {
  const { backup, file, keys, signal, onProgress } = options;
  if (!existsSync(backup))
    throw new CrowsnestError({ code: 'NOT_FOUND', what: 'there is no such backup', where: backup, todo: 'Check the path' });
  const made = `${file}.restoring`;
  let lock: Database.Database | undefined;
  try {
    lock = lockWriter(file);
    if (existsSync(file) && options.replace !== true)
      throw fileExists(file, 'Give --replace to put the backup in its place, or another --db');
    removeDatabase(made);
    if (await isSealedFile(backup)) await openSealedFile(backup, made, keys, { signal, onProgress });
    else await copyPlain(backup, made);
    const facts = checkBackup(made, backup);
    await syncPath(made);
    signal?.throwIfAborted();
    await setAside(file);
    renameSync(made, file);
    await syncPath(dirname(file));
    return facts;
  } catch (error) {
    throw storeError(error, file);
  } finally {
    removeDatabase(made);
    lock?.close();
  }
}

/** A copy by a snapshot of the file system may have its log beside it. */
async function copyPlain(backup: string, made: string): Promise<void> {
  await copyFile(backup, made, constants.COPYFILE_FICLONE);
  if (existsSync(`${backup}-wal`)) await copyFile(`${backup}-wal`, `${made}-wal`, constants.COPYFILE_FICLONE);
}

/** Refuses what is no database of ours, of a newer format, or damaged. */
function checkBackup(made: string, backup: string): BackupFacts {
  try {
    checkIdentity(made);
    const bytes = settle(made);
    const db = new Database(made, { readonly: true });
    try {
      return { changes: db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck().get() ?? 0, bytes };
    } finally {
      db.close();
    }
  } catch (error) {
    const cause = storeError(error, backup);
    // What was looked at is a copy that is gone by now.
    if (isCrowsnestError(cause, 'STORE_TOO_NEW')) {
      const todo = 'Restore it with the crowsnest that wrote it or a newer one; the database was left as it is';
      throw new CrowsnestError({ code: cause.code, what: cause.what, where: backup, todo });
    }
    throw unusable(isCrowsnestError(cause) ? cause.what : 'it cannot be read as a database', backup, error);
  }
}

/** One file without a log beside it, checked page by page; returns its bytes. Throws what SQLite throws on a damaged one. */
function settle(file: string): number {
  const db = new Database(file);
  try {
    db.pragma('journal_mode = DELETE');
    const [fault] = db.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
    if (fault?.quick_check !== 'ok')
      throw new CrowsnestError({
        code: 'STORE_CORRUPT',
        what: `the database is damaged: ${fault?.quick_check}`,
        where: file,
        todo: 'Run crowsnest db check',
      });
    return (db.pragma('page_count', { simple: true }) as number) * (db.pragma('page_size', { simple: true }) as number);
  } finally {
    db.close();
  }
}

/**
 * Keeps what is there under another name as well. Its log is brought into the file first, since a log beside another file would be played
 * into that one; where a damaged file does not allow that, the log is moved beside the copy. Killed at any instant, there is the old
 * database or the new one under the name.
 */
async function setAside(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const aside = `${file}.replaced`;
  removeDatabase(aside);
  try {
    const db = new Database(file);
    try {
      db.pragma('journal_mode = DELETE');
    } finally {
      db.close();
    }
  } catch {
    for (const side of SIDE_FILES) if (existsSync(file + side)) renameSync(file + side, aside + side);
  }
  try {
    linkSync(file, aside);
  } catch {
    await copyFile(file, aside);
  }
}

/** What a killed process left half-made. */
function removeStale(base: string): void {
  const prefix = `${basename(base)}.backup-`;
  if (!existsSync(dirname(base))) return;
  for (const name of readdirSync(dirname(base))) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (pid > 0 && (pid === process.pid || !isAlive(pid))) rmSync(join(dirname(base), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function removeDatabase(file: string): void {
  for (const side of ['', ...SIDE_FILES]) rmSync(file + side, { force: true });
}

async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

function fileExists(where: string, todo: string): CrowsnestError {
  return new CrowsnestError({ code: 'FILE_EXISTS', what: 'the file is there already and is not overwritten', where, todo });
}

function unwritable(error: unknown, file: string, target: string): unknown {
  const failure = storeError(error, file);
  const isOurs = isCrowsnestError(failure) && !['STORE_FULL', 'STORE_READ_ONLY', 'INTERNAL'].includes(failure.code);
  if (isOurs) return failure;
  return new CrowsnestError({
    code: 'STREAM_UNWRITABLE',
    what: `the backup cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    where: target,
    todo: 'Free space, correct the permissions, or give another file',
    cause: error,
  });
}
