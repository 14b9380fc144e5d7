import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';

export function pageSize(db: Database.Database): number {
  return db.pragma('page_size', { simple: true }) as number;
}

/** Bytes of the file, without the pages that are free. */
export function usedBytes(db: Database.Database): number {
  const [pages, free] = ['page_count', 'freelist_count'].map((name) => db.pragma(name, { simple: true }) as number);
  return ((pages as number) - (free as number)) * pageSize(db);
}

/** Bytes of the database with its log. */
export function bytesOnDisk(db: Database.Database, file: string): number {
  const bytes = (db.pragma('page_count', { simple: true }) as number) * pageSize(db);
  return bytes + (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0);
}
