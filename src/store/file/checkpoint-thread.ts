/** The thread of checkpoints.ts: it waits for the disk, so that the one that writes and answers does not. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { CLOSED, DONE } from './checkpoint-signals.ts';

export interface CheckpointThreadData {
  file: string;
  /** See checkpoint-signals.ts. */
  shared: Int32Array;
}

export type CheckpointOrder = 'run' | 'close';
/** How long the log is, or what went wrong. */
export type CheckpointNotice = { logPages: number } | { message: string; code: string };

if (parentPort !== null) serve(parentPort, workerData as CheckpointThreadData);

function serve(main: MessagePort, { file, shared }: CheckpointThreadData): void {
  let db: Database.Database | undefined;
  const signal = (what: number) => {
    Atomics.store(shared, what, 1);
    Atomics.notify(shared, what);
  };
  const release = () => {
    db?.close();
    signal(DONE);
    signal(CLOSED);
  };
  // However the thread ends, nobody waits for it in vain.
  process.once('exit', release);
  const checkpoint = (): CheckpointNotice => {
    try {
      db ??= opened(file);
      const [{ log: logPages }] = db.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }];
      return { logPages };
    } catch (error) {
      const { message, code = 'SQLITE_ERROR' } = error as Error & { code?: string };
      return { message, code };
    }
  };
  main.on('message', (order: CheckpointOrder) => {
    if (order === 'close') {
      release();
      main.close();
      return;
    }
    const notice = checkpoint();
    signal(DONE);
    main.postMessage(notice);
  });
}

function opened(file: string): Database.Database {
  const db = new Database(file, { fileMustExist: true });
  // It reads pages of the log into a buffer of its own, none through the cache.
  db.pragma('cache_size = 0');
  return db;
}
