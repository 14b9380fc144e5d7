/**
 * Follows an API server's audit log as a Source of claims: goes on where it was after a restart, reads a renamed file to its end before the
 * one that took its name, begins again where a file was truncated (also when it has grown past the old place since), and leaves a half line
 * for later.
 *
 * The position that is stored lags a minute behind what was read: claims that wait for their change do so in memory, so after a crash they
 * are read again. Those joined before say nothing new.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock } from '../../domain/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Sink, Source, SourceBatch } from '../source.ts';
import { LineSplitter } from '../watch/line-splitter.ts';
import { claimRejects } from './audit-event.ts';
import { parseAuditExport } from './audit-exports.ts';

export interface AuditLogFileOptions {
  path: string;
  cluster: string;
  clock: Clock;
  logger: Logger;
  cursors: { cursor(name: string): string | undefined };
  /** How often to look for more. Default 500 ms. */
  pollMs?: number;
  /** By how much the stored position lags. Default one minute. */
  lagMs?: number;
}

/** Where reading goes on. `head` tells a file from another in its place: inodes are used again, and truncation keeps them. */
interface Position {
  inode: number;
  /** Of the first byte not read, at the beginning of a line. */
  offset: number;
  head: { bytes: number; hash: string };
}

interface OpenFile {
  handle: FileHandle;
  position: Position;
  /** Where the next read begins: beyond the half line that the splitter holds. */
  readTo: number;
  lines: LineSplitter;
}

const CHUNK_BYTES = 256 * 1024;
/** An event holds up to two objects of 1.5 MB, escaped. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;
const HEAD_BYTES = 512;

export class AuditLogFile implements Source {
  readonly name: string;
  readonly #options: AuditLogFileOptions;
  #file: OpenFile | undefined;
  /** Positions read to, oldest first; what is older than the lag is stored. */
  #marks: { atMs: number; position: string }[] = [];
  #complaint: string | undefined;
  #stored: string | undefined;
  #isFollowing = false;

  constructor(options: AuditLogFileOptions) {
    this.#options = options;
    this.name = `audit log ${options.path}`;
  }

  /** From now on nothing written to the log is missed. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { clock, pollMs = 500 } = this.#options;
    this.#stored = this.#options.cursors.cursor(this.#cursorName);
    try {
      await this.#guarded(() => this.#resume());
      this.#isFollowing = true;
      while (!signal.aborted) {
        await this.#guarded(() => this.#catchUp(sink, signal));
        await this.#store(sink);
        await clock.sleep(pollMs, signal).catch(() => {});
      }
    } finally {
      await this.#file?.handle.close();
    }
  }

  get #cursorName(): string {
    return `audit-log:${this.#options.path}`;
  }

  /** A file that cannot be read is waited for, and said once. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#complaint = undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      if (code !== this.#complaint)
        this.#options.logger.warn({ path: this.#options.path, reason: message }, 'the audit log cannot be read');
      this.#complaint = code;
    }
  }

  /** At the stored position, in whatever file that is by now; at the end of a log that is seen for the first time. */
  async #resume(): Promise<void> {
    const { path } = this.#options;
    if (this.#stored !== undefined) {
      const position = JSON.parse(this.#stored) as Position;
      for (const candidate of [path, ...(await renamed(path))]) {
        const file = await openAt(candidate, position);
        if (file === undefined) continue;
        this.#file = file;
        return;
      }
      return;
    }
    const { size } = await stat(path);
    const file = await openAt(path, undefined);
    if (file !== undefined) await startAtEnd(file, size);
    this.#file = file;
  }

  async #catchUp(sink: Sink, signal: AbortSignal): Promise<void> {
    const { path } = this.#options;
    for (;;) {
      this.#file ??= await openAt(path, undefined);
      if (this.#file === undefined) return;
      await this.#readOn(this.#file, sink, signal);
      if (signal.aborted) return;
      const now = await stat(path);
      const { handle, position, readTo } = this.#file;
      if (now.ino === position.inode && now.size >= readTo && (await headFits(handle, position))) return;
      // Another file took the name, or this one was truncated. What was written to the old one since the last read comes first.
      if (now.ino !== position.inode) await this.#readOn(this.#file, sink, signal);
      await handle.close();
      this.#file = undefined;
    }
  }

  async #readOn(file: OpenFile, sink: Sink, signal: AbortSignal): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    while (!signal.aborted) {
      const { bytesRead } = await file.handle.read(buffer, 0, CHUNK_BYTES, file.readTo);
      if (bytesRead === 0) return;
      if (!(await headFits(file.handle, file.position))) return;
      const chunk = buffer.subarray(0, bytesRead);
      const batch = this.#batchOf(chunk, file.lines);
      const newline = chunk.lastIndexOf(0x0a);
      if (newline >= 0) file.position.offset = file.readTo + newline + 1;
      file.readTo += bytesRead;
      if (file.position.head.bytes < HEAD_BYTES)
        file.position.head = await headOf(file.handle, Math.min(HEAD_BYTES, file.readTo));
      if ((batch.claims ?? []).length + (batch.rejects ?? []).length > 0) await sink(batch);
      this.#marks.push({ atMs: this.#options.clock.nowMs(), position: JSON.stringify(file.position) });
      // One a second is enough to lag by.
      if (this.#marks.length > 1 && this.#marks.at(-1)!.atMs - this.#marks.at(-2)!.atMs < 1_000 && this.#marks.length > 120)
        this.#marks.splice(-2, 1);
    }
  }

  #batchOf(chunk: Buffer, lines: LineSplitter): SourceBatch {
    const { cluster, path, clock } = this.#options;
    const batch: Required<Pick<SourceBatch, 'observations' | 'claims' | 'rejects'>> = {
      observations: [],
      claims: [],
      rejects: [],
    };
    const from = { cluster, where: path, observedMs: clock.nowMs() };
    lines.push(chunk, {
      piece: (bytes) => {
        if (bytes.length === 0) return;
        const parsed = parseAuditExport(bytes, cluster);
        batch.claims.push(...parsed.claims);
        batch.rejects.push(...claimRejects(parsed, from));
      },
      oversized: () => {
        const rejects = [{ where: 'a line', what: `longer than ${LINE_BYTES_MAX} bytes` }];
        batch.rejects.push(...claimRejects({ rejects }, from));
      },
    });
    return batch;
  }

  async #store(sink: Sink): Promise<void> {
    const { clock, lagMs = 60_000 } = this.#options;
    const due = this.#marks.findLastIndex(({ atMs }) => clock.nowMs() - atMs >= lagMs);
    const mark = this.#marks[due];
    if (mark === undefined) return;
    this.#marks.splice(0, due + 1);
    if (mark.position === this.#stored) return;
    await sink({ observations: [], cursors: { [this.#cursorName]: mark.position } });
    this.#stored = mark.position;
  }
}

/** The file at its beginning, or where `position` says; undefined when the file is another than that. */
async function openAt(path: string, position: Position | undefined): Promise<OpenFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { ino: inode, size } = await handle.stat();
  const lines = new LineSplitter(LINE_BYTES_MAX);
  if (position === undefined) return { handle, position: { inode, offset: 0, head: { bytes: 0, hash: '' } }, readTo: 0, lines };
  if (position.inode === inode && size >= position.offset && (await headFits(handle, position)))
    return { handle, position, readTo: position.offset, lines };
  await handle.close();
  return undefined;
}

/** Beyond the last whole line; a half one will be read when it is whole. */
async function startAtEnd(file: OpenFile, size: number): Promise<void> {
  const from = Math.max(0, size - LINE_BYTES_MAX);
  const { buffer, bytesRead } = await file.handle.read(Buffer.alloc(size - from), 0, size - from, from);
  const newline = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
  file.position.offset = newline < 0 ? from : from + newline + 1;
  file.readTo = file.position.offset;
  file.position.head = await headOf(file.handle, Math.min(HEAD_BYTES, file.readTo));
}

async function headOf(handle: FileHandle, bytes: number): Promise<Position['head']> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
  return { bytes: bytesRead, hash: createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('base64url') };
}

async function headFits(handle: FileHandle, { head }: Position): Promise<boolean> {
  if (head.bytes === 0) return true;
  const now = await headOf(handle, head.bytes);
  return now.bytes === head.bytes && now.hash === head.hash;
}

/** Files beside it that may be its former self, the newest first: `audit.log` becomes `audit.log.1` or `audit-2026-01-05T….log`. */
async function renamed(path: string): Promise<string[]> {
  const [folder, extension] = [dirname(path), extname(path)];
  const stem = basename(path, extension);
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.startsWith(stem) && name !== basename(path) && !name.endsWith('.gz'))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}
