import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { PassThrough, Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { compressionFor } from '../collector/recording/recorder.ts';
import { formatSide } from '../collector/recording/stream-side.ts';
import { ToldListKeys } from '../collector/recording/told-lists.ts';
import type { Change } from '../domain/change.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import { genericPath } from '../domain/field-path.ts';
import { objectKey } from '../domain/object-ref.ts';
import type { Options } from '../options.ts';
import { openSqliteReader } from '../store/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { databaseOf, keysOf, withProgress } from './db-backup.ts';
import { chooseChanges } from './export-choice.ts';
import { CSV_COLUMNS, csvRow, exportLine, verdictLines } from './exported-change.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

const PAGE = 500;

/** Writes changes as of this instant, oldest first, to a file or the standard output; whoever writes the database goes on. */
export async function runExport(options: Options, target: string, terminal: Terminal): Promise<number> {
  const toFile = target !== '' && target !== '-';
  if (toFile && existsSync(target))
    throw new CrowsnestError({
      code: 'FILE_EXISTS',
      what: 'the file is there already and is not overwritten',
      where: target,
      todo: 'Give another name',
    });
  const made = `${target}.export-${process.pid}`;
  using store = openSqliteReader({ file: databaseOf(options), keys: keysOf(options) });
  const exported = { written: 0, said: 0, unreadable: 0 };
  try {
    await withProgress(createProgress(terminal, 'exporting', 'changes'), async (onProgress) => {
      const csv = (options.format ?? formatOf(target)) === 'csv';
      const lines = linesOf(store, options, { csv, onProgress, signal: terminal.signal, exported });
      const flags = { flags: 'wx', mode: 0o600, flush: true };
      const sink = toFile ? createWriteStream(made, flags) : standardOutput();
      await pipeline(Readable.from(lines), packing(toFile ? target : ''), sink);
    });
    if (toFile) renameSync(made, target);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    // `| head` has seen enough; anything else about the standard output has been said where it is opened.
    if (!toFile && syscall === 'write') return code === 'EPIPE' ? 0 : 1;
    throw unwritable(error, toFile ? target : 'stdout');
  } finally {
    if (toFile) rmSync(made, { force: true });
  }
  terminal.note(
    `${exported.written} changes exported${exported.said === 0 ? '' : `, ${exported.said} words of people on findings`}\n`,
  );
  if (exported.unreadable === 0) return 0;
  terminal.note(`crowsnest: ${exported.unreadable} changes are lost to damage and left out; see crowsnest db check\n`);
  return 1;
}

/**
 * Not a stream of its own on the descriptor: where standard error goes into the same pipe, that is switched to not blocking, and a
 * reader that is slow would end the export in the middle.
 */
function standardOutput(): Writable {
  return new Writable({ write: (chunk, _, done) => void process.stdout.write(chunk, done) });
}

/** What a name asks for that says nothing else: `out.csv`, `out.csv.gz`. */
function formatOf(target: string): 'csv' | 'ndjson' {
  return /\.csv(\.gz|\.zst)?$/i.test(target) ? 'csv' : 'ndjson';
}

function packing(target: string): Transform {
  const compression = compressionFor(target);
  if (compression === 'zstd') return createZstdCompress();
  return compression === 'gzip' ? createGzip() : new PassThrough();
}

function readable(store: Store, seq: number): Change | undefined {
  try {
    return store.change(seq);
  } catch (error) {
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
    return undefined;
  }
}

interface Exported {
  written: number;
  /** What people said, and took back. */
  said: number;
  /** Changes whose state is lost to damage. */
  unreadable: number;
}

async function* linesOf(
  store: Store,
  options: Options,
  going: { csv: boolean; onProgress: Progress['update']; signal: AbortSignal; exported: Exported },
) {
  const { csv, onProgress, signal, exported } = going;
  if (csv) yield `${CSV_COLUMNS.join(',')}\r\n`;
  const { seqs, total, partial, unreadable } = await chooseChanges(store, options, { nowMs: systemClock.nowMs(), signal });
  exported.unreadable += unreadable.size;
  let done = 0;
  const said = csv ? [] : saidOf(store, partial ? new Set(seqs) : undefined);
  let last: number | undefined;
  const gaps = new GapsOfObjects(store);
  const lists = new ToldListKeys();
  const saidBefore = function* (seq: number) {
    for (; said[0] !== undefined && said[0].afterSeq < seq; exported.said += 1) {
      const atMs = readable(store, last ?? seq)?.observedMs ?? 0;
      yield `${said.shift()!.line(atMs)}\n`;
    }
    last = seq;
  };
  for (const seq of seqs) {
    signal.throwIfAborted();
    yield* saidBefore(seq);
    try {
      const line = csv ? csvLine(store, seq) : ndjsonLine(store, seq, { gaps, lists });
      if (line !== undefined) {
        yield line;
        exported.written += 1;
      }
    } catch (error) {
      if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
      exported.unreadable += 1;
    }
    done += 1;
    if (done % PAGE === 0 || done === total) onProgress(done, total);
  }
  yield* saidBefore(Number.POSITIVE_INFINITY);
}

/** All of it, or what is said of these changes: whoever gives away a part gives away no words on the rest. */
function saidOf(store: Store, about: ReadonlySet<number> | undefined) {
  const lines = verdictLines(store.verdicts(), (seq) => readable(store, seq));
  return about === undefined ? lines : lines.filter((line) => line.about !== undefined && about.has(line.about));
}

/** With the actor as analysis saw it, beside it what became known later, and before it by which keys it names items of lists, where that is news. Undefined where the change is not kept; throws STORE_CORRUPT where it is damaged. */
function ndjsonLine(
  store: Store,
  seq: number,
  { gaps, lists }: { gaps: GapsOfObjects; lists: ToldListKeys },
): string | undefined {
  const [change] = store.changesAfter(seq - 1, 1);
  if (change?.seq === seq) {
    const news = lists.news(change.ref, store.lists(change.ref, seq), change.observedMs);
    const before = news === undefined ? '' : `${formatSide(news)}\n`;
    return `${before}${exportLine(change, store.attribution(seq), gaps.isBefore(change))}\n`;
  }
  if (store.change(seq) === undefined) return undefined;
  throw new Error(`change ${seq} can be read alone and not among others`);
}

/** Which changes of an export stand for earlier ones of their object that are not in it: let go of, left out by a filter, or lost. */
class GapsOfObjects {
  readonly #store: Store;
  /** The last change of each object that was written. */
  readonly #written = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** To be asked of each change that is written, in order. */
  isBefore({ ref, seq, type, ...change }: Change & { checkpoint?: true }): boolean {
    const key = objectKey(ref);
    const before = this.#written.get(key);
    this.#written.set(key, seq);
    if (change.checkpoint === true) return true;
    if (type !== 'MODIFIED') return false;
    const [, last] = this.#store.history(ref, { seq });
    return last === undefined || last.seq !== before;
  }
}

function csvLine(store: Store, seq: number): string | undefined {
  const change = store.change(seq);
  if (change === undefined) return undefined;
  return `${csvRow({ ...change, paths: [...new Set(change.diff.map(({ path }) => genericPath(path)))] })}\r\n`;
}

function unwritable(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const todo = 'Free space, correct the permissions, or give another file';
  return new CrowsnestError({
    code: 'STREAM_UNWRITABLE',
    what: `the export cannot be written: ${error.message}`,
    where,
    todo,
    cause: error,
  });
}
