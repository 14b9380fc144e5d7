// @ts-check
/**
 * The thread of checkpoints.ts: it waits for the disk, so that the one that writes and answers does not. In JavaScript, with no import of a file that is not: where
 * nothing is compiled yet, what takes types out would be loaded in this thread once more, 13 MB beside the 10 that a thread takes.
 */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

/** @import { MessagePort } from 'node:worker_threads' */
/** @import { CheckpointNotice, CheckpointOrder, CheckpointThreadData } from './checkpoint-signals.ts' */

if (parentPort !== null) serve(parentPort, workerData);

/**
 * @param {MessagePort} main
 * @param {CheckpointThreadData} data
 */
function serve(main, { file, shared, places }) {
  /** @type {Database.Database | undefined} */
  let db;
  const signal = (/** @type {number} */ what) => {
    Atomics.store(shared, what, 1);
    Atomics.notify(shared, what);
  };
  const release = () => {
    db?.close();
    signal(places.done);
    signal(places.closed);
  };
  // However the thread ends, nobody waits for it in vain.
  process.once('exit', release);
  /** @returns {CheckpointNotice} */
  const checkpoint = () => {
    try {
      db ??= opened(file);
      const [{ log: logPages }] = /** @type {[{ log: number }]} */ (db.pragma('wal_checkpoint(PASSIVE)'));
      return { logPages };
    } catch (error) {
      const { message, code = 'SQLITE_ERROR' } = /** @type {Error & { code?: string }} */ (error);
      return { message, code };
    }
  };
  main.on('message', (/** @type {CheckpointOrder} */ order) => {
    if (order === 'close') {
      release();
      main.close();
      return;
    }
    const notice = checkpoint();
    signal(places.done);
    main.postMessage(notice);
  });
}

/** @param {string} file */
function opened(file) {
  const db = new Database(file, { fileMustExist: true });
  // It reads pages of the log into a buffer of its own, none through the cache.
  db.pragma('cache_size = 0');
  return db;
}
