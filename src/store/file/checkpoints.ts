/**
 * Bringing the write-ahead log into the file. It waits for the disk, which may take half a second where others use it too. A service that was held up
 * by it once has a thread do it from then on (checkpoint-thread.js) and goes on meanwhile; where the disk is quick it saves itself the thread, which
 * takes 9 MB. Where people ask, a disk that holds them up for some milliseconds each second is too slow already. SQLite lets a log begin anew only when all of it was brought in before the next commit, which
 * a thread beside a steady writer seldom manages: so where the log has become long in spite of it, the writer brings in what the thread has left just
 * when that is least.
 */
import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { CrowsnestError } from '../../domain/errors.ts';
import { type CheckpointNotice, type CheckpointThreadData, PLACES, SIGNAL_BYTES } from './checkpoint-signals.ts';

export interface Checkpoints {
  /** Has the log brought in, now or soon; who is asked something has less patience. Throws what went wrong, this time or the time before. */
  run(isAsked?: boolean): void;
  /** Returns when the file is no longer used. */
  close(): void;
}

/** Pages of 4 KiB: a page that many transactions touch goes to the file once instead of every thousand pages. */
const LOG_PAGES = 4_000;
const LOG_PAGES_BESIDE_THREAD = 16_000;
/** From here on the writer brings in the rest once the thread is done; a commit would do it at any time, with up to a second's changes to bring in. */
const LOG_PAGES_LONG = 12_000;
/** Of the patience otherwise. */
const ASKED_SHARE = 1 / 4;
/** While the thread works nobody else can; where it lags behind so far, it is waited for. */
const LOG_BYTES_MAX = 2 * LOG_PAGES_BESIDE_THREAD * 4_120;
const THREAD = new URL('./checkpoint-thread.js', import.meta.url);
/** It does nothing but calls of SQLite, whose memory is not in there. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 };
/** A disk that takes longer is not waited for; on closing, whoever opens the file next finds the log as after a crash. */
const WAIT_MS_MAX = 10_000;

/** By whoever calls, who waits for it. */
export function checkpointsHere(db: Database.Database): Checkpoints {
  db.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
  return { run: () => db.pragma('wal_checkpoint(PASSIVE)'), close: () => {} };
}

/** By whoever calls, until that takes longer than `patienceMs`, or a quarter of it where people ask; from then on by a thread. `db` is the connection that writes. */
export function checkpointsWithin(patienceMs: number, db: Database.Database, file: string): Checkpoints {
  const here = checkpointsHere(db);
  let thread: ThreadCheckpoints | undefined;
  return {
    run(isAsked = false) {
      if (thread !== undefined) return thread.run();
      const fromMs = performance.now();
      here.run();
      if (performance.now() - fromMs <= patienceMs * (isAsked ? ASKED_SHARE : 1)) return;
      thread = new ThreadCheckpoints(file, () => {
        if (db.open && !db.inTransaction) here.run();
      });
      db.pragma(`wal_autocheckpoint = ${LOG_PAGES_BESIDE_THREAD}`);
    },
    close: () => thread?.close(),
  };
}

class ThreadCheckpoints implements Checkpoints {
  readonly #file: string;
  readonly #bringInRest: () => void;
  readonly #shared = new Int32Array(new SharedArrayBuffer(SIGNAL_BYTES));
  #thread: Worker | undefined;
  #isRunning = false;
  #failure: Error | undefined;

  /** `bringInRest` is by the connection that writes. */
  constructor(file: string, bringInRest: () => void) {
    this.#file = file;
    this.#bringInRest = bringInRest;
  }

  run(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.#isRunning) {
      if (this.#logBytes() > LOG_BYTES_MAX) this.#wait(PLACES.done);
      return;
    }
    this.#isRunning = true;
    Atomics.store(this.#shared, PLACES.done, 0);
    this.#thread ??= this.#begin();
    this.#thread.postMessage('run');
  }

  #begin(): Worker {
    const workerData: CheckpointThreadData = { file: this.#file, shared: this.#shared, places: PLACES };
    Atomics.store(this.#shared, PLACES.closed, 0);
    const thread = new Worker(THREAD, { workerData, resourceLimits: THREAD_LIMITS, execArgv: [] });
    thread.on('message', (notice: CheckpointNotice) => {
      this.#isRunning = false;
      if ('code' in notice) this.#failure = new Database.SqliteError(notice.message, notice.code);
      else if (notice.logPages >= LOG_PAGES_LONG && this.#thread === thread) this.#bringIn();
    });
    thread.on('error', (cause: Error) => {
      const what = `the thread that brings the log into the database ended: ${cause.message}`;
      this.#failure = new CrowsnestError({ code: 'INTERNAL', what, where: this.#file, cause });
    });
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#isRunning = false;
    });
    // A process that has nothing else to do is to end.
    thread.unref();
    return thread;
  }

  #bringIn(): void {
    try {
      this.#bringInRest();
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  close(): void {
    if (this.#thread === undefined) return;
    this.#thread.postMessage('close');
    this.#thread = undefined;
    this.#wait(PLACES.closed);
  }

  #wait(what: number): void {
    Atomics.wait(this.#shared, what, 0, WAIT_MS_MAX);
  }

  #logBytes(): number {
    return statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}
