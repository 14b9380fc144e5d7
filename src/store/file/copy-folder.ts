/**
 * A folder for a copy that nobody is to keep. A killed process cannot take its own away, so the next one that wants such a folder does. Whose
 * process lives is told by a lock, which ends with it whatever ends it; its number may be another's by now.
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { lockFile } from './database.ts';

const PREFIX = 'crowsnest-check-';
const LOCK = 'lock';

export interface CopyFolder {
  path: string;
  remove(): void;
}

export function newCopyFolder(): CopyFolder {
  const made = mkdtempSync(join(tmpdir(), 'crowsnest-new-'));
  let lock: Database.Database | undefined;
  try {
    lock = lockFile(join(made, LOCK));
    // Under this name it is never seen without its lock.
    const path = made.replace(/crowsnest-new-(?=[^/\\]*$)/, PREFIX);
    renameSync(made, path);
    const held = lock;
    const remove = () => {
      rmSync(path, { recursive: true });
      held.close();
    };
    return { path, remove };
  } catch (error) {
    lock?.close();
    rmSync(made, { recursive: true, force: true });
    throw error;
  }
}

/** What killed processes left of one's own. Best effort: what cannot be looked at or taken away stays. */
export function removeLeftCopies(): void {
  const within = tmpdir();
  for (const entry of listed(within)) {
    const folder = join(within, entry);
    try {
      if (statSync(folder).uid !== process.getuid?.() || !existsSync(join(folder, LOCK))) continue;
      const lock = lockFile(join(folder, LOCK));
      rmSync(folder, { recursive: true });
      lock.close();
    } catch {
      // In use, or gone meanwhile.
    }
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() && entry.name.startsWith(PREFIX) ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}
