/** Plays a recorded stream (stream-format.ts) as a source: every line is delivered, rejected with its number, or counted as passed over. */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, EventClock } from '../../domain/clock.ts';
import { CrowsnestError } from '../../domain/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Sink, Source } from '../source.ts';
import { StreamBatcher } from './stream-batch.ts';
import { BrokenCompressionError, decodedBytes } from './stream-bytes.ts';
import { entryTime, type LineContext, parseLine, rejectLine } from './stream-format.ts';
import { type StreamLine, splitLines } from './stream-lines.ts';
import type { SideEntry } from './stream-side.ts';

/** Longer lines are rejected unread: an API server refuses objects beyond about 1.5 MB, managedFields and all. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
/** Rejects logged one by one; the others are in the store and in the count at the end. */
const REJECTS_LOGGED = 10;
/** Event time is caught up with in steps no finer than this. */
const PACE_MS_MIN = 5;

export interface PlaybackOptions {
  /** The file; where `stream` is given instead of reading it, its name in messages and for the cursor. */
  file: string;
  stream?: AsyncIterable<Buffer>;
  /** For lines that name no cluster. */
  cluster?: string;
  /** Event seconds per second of wall time; Infinity, the default, never waits. */
  speed?: number;
  clock: Clock;
  logger: Logger;
  /** Looks up the cursor that the store holds: play goes on after it. A cursor of another recording is ignored, with a warning. */
  from?: (cursorName: string) => string | undefined;
  /** Set to the event time of each batch before it is delivered. */
  eventClock?: Pick<EventClock, 'set'>;
  onProgress?: (progress: PlaybackProgress) => void;
}

export interface PlaybackProgress {
  /** Bytes of the input, as compressed as it is. */
  bytesRead: number;
  /** 0 where it is not known. */
  bytesTotal: number;
  /** Lines read, those passed over included. */
  lines: number;
  /** Event time of the last line that has one. */
  eventMs: number | undefined;
}

export interface PlaybackCounts {
  lines: number;
  observations: number;
  scrapes: number;
  bookmarks: number;
  claims: number;
  kubeEvents: number;
  gaps: number;
  verdicts: number;
  rejects: number;
  /** Lines a resumed play passed over because they were played before. */
  skipped: number;
}

export interface Playback extends Source {
  readonly cursorName: string;
  readonly counts: Readonly<PlaybackCounts>;
}

export function createPlayback(options: PlaybackOptions): Playback {
  return new StreamPlayback(options);
}

class StreamPlayback implements Playback {
  readonly name: string;
  readonly cursorName: string;
  readonly counts: PlaybackCounts = {
    ...{ lines: 0, observations: 0, scrapes: 0, bookmarks: 0 },
    ...{ claims: 0, kubeEvents: 0, gaps: 0, verdicts: 0, rejects: 0, skipped: 0 },
  };
  readonly #options: PlaybackOptions;
  readonly #speed: number;
  readonly #batcher = new StreamBatcher();
  readonly #context: LineContext;
  #fingerprint = '';
  /** The last line the cursor may cover. */
  #covered = 0;
  #eventMs: number | undefined;
  #start: { eventMs: number; wallMs: number } | undefined;
  #bytesRead = 0;
  #bytesTotal = 0;

  constructor(options: PlaybackOptions) {
    this.#options = options;
    this.#speed = options.speed ?? Number.POSITIVE_INFINITY;
    const { file } = options;
    this.name = `replay of ${file}`;
    this.cursorName = `replay:${basename(file)}`;
    this.#context = { cluster: options.cluster ?? 'replay', file, observedMs: options.clock.nowMs() };
  }

  /** Ends with the input or the signal. Rejects with STREAM_UNREADABLE when the input cannot be opened or read. */
  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    try {
      await this.#play(sink, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #play(sink: Sink, signal: AbortSignal): Promise<void> {
    const raw = this.#options.stream ?? (await this.#openFile(this.#options.file));
    let played = resumePoint(this.#options.from?.(this.cursorName));
    let broken: BrokenCompressionError | undefined;
    try {
      for await (const line of splitLines(decodedBytes(this.#counted(raw)), LINE_BYTES_MAX)) {
        if (signal.aborted) return;
        this.counts.lines = line.number;
        if (line.number === 1) played = this.#recognise(line, played);
        if (line.number <= played.line) {
          this.counts.skipped += 1;
          this.#covered = line.number;
          continue;
        }
        await this.#playLine(line, sink, signal);
      }
    } catch (error) {
      if (!(error instanceof BrokenCompressionError)) throw error;
      broken = error;
    }
    if (broken !== undefined) this.#rejectRest(broken);
    await this.#flush(sink);
    this.#logEnd();
  }

  /** Takes the first line as the recording's identity and says how far it was played before. */
  #recognise(line: StreamLine, played: { line: number; fingerprint: string }): { line: number; fingerprint: string } {
    this.#fingerprint = fingerprintOf(line);
    if (played.line === 0 || played.fingerprint === this.#fingerprint) return played;
    this.#options.logger.warn(
      { file: this.#context.file },
      'another recording of this name was played before; playing from the start',
    );
    return { line: 0, fingerprint: this.#fingerprint };
  }

  async #playLine(line: StreamLine, sink: Sink, signal: AbortSignal): Promise<void> {
    const parsed = readLine(line, this.#context);
    if (parsed === undefined) {
      this.#covered = line.number;
      return;
    }
    if ('reject' in parsed) {
      this.#noteReject(parsed.reject);
      // A line cut short may be whole the next time, when its recorder has gone on: leave it out of the cursor.
      if (parsed.reject.code !== 'STREAM_TRUNCATED') this.#covered = line.number;
    } else if ('bookmark' in parsed) {
      this.counts.bookmarks += 1;
      this.#covered = line.number;
    } else {
      const eventMs = entryTime(parsed);
      await this.#pace(eventMs, sink, signal);
      if (this.#batcher.mustTakeBefore(parsed)) await this.#flush(sink);
      this.#batcher.add(parsed, line.length);
      this.#eventMs = eventMs;
      this.#context.observedMs = eventMs;
      this.#covered = line.number;
      if ('scrape' in parsed) this.counts.scrapes += 1;
      else if ('observation' in parsed) this.counts.observations += 1;
      else this.#count(parsed);
    }
    if (this.#batcher.full) await this.#flush(sink);
  }

  #count(entry: SideEntry): void {
    if ('claim' in entry) this.counts.claims += 1;
    else if ('kubeEvent' in entry) this.counts.kubeEvents += 1;
    else if ('gap' in entry) this.counts.gaps += 1;
    else if ('verdict' in entry) this.counts.verdicts += 1;
  }

  /** Waits until the wall clock has caught up with the event, after handing over what came before it. */
  async #pace(eventMs: number, sink: Sink, signal: AbortSignal): Promise<void> {
    if (!Number.isFinite(this.#speed)) return;
    const { clock } = this.#options;
    this.#start ??= { eventMs, wallMs: clock.nowMs() };
    const dueMs = this.#start.wallMs + (eventMs - this.#start.eventMs) / this.#speed;
    if (dueMs - clock.nowMs() < PACE_MS_MIN) return;
    await this.#flush(sink);
    const waitMs = dueMs - clock.nowMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
  }

  async #flush(sink: Sink): Promise<void> {
    if (!this.#batcher.empty) {
      if (this.#eventMs !== undefined) this.#options.eventClock?.set(this.#eventMs);
      await sink(this.#batcher.take({ [this.cursorName]: `${this.#covered}:${this.#fingerprint}` }));
      // A sink on an embedded store is all synchronous; without this turn nothing else of the process would run.
      await nextTurn();
    }
    const { lines } = this.counts;
    this.#options.onProgress?.({ bytesRead: this.#bytesRead, bytesTotal: this.#bytesTotal, lines, eventMs: this.#eventMs });
  }

  #rejectRest(broken: BrokenCompressionError): void {
    // A line cut in the middle has said so already, with the same number.
    const last = this.counts.lines;
    const what = `${broken.message}; the ${this.counts.lines} lines before it are kept`;
    if (this.#covered === last || last === 0)
      this.#noteReject(rejectLine(last + 1, this.#context, what, 'STREAM_TRUNCATED').reject);
  }

  #noteReject(reject: ReturnType<typeof rejectLine>['reject']): void {
    this.counts.rejects += 1;
    this.#batcher.addReject(reject);
    const { code, where, what } = reject;
    if (this.counts.rejects <= REJECTS_LOGGED) this.#options.logger.warn({ code, where }, what);
  }

  #logEnd(): void {
    const { rejects } = this.counts;
    const summary = { file: this.#context.file, ...this.counts };
    if (rejects > 0) this.#options.logger.warn(summary, 'the recording has lines that were not played');
    else this.#options.logger.info(summary, 'the recording was played to its end');
  }

  async *#counted(raw: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of raw) {
        this.#bytesRead += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      throw unreadable(this.#context.file, cause);
    }
  }

  async #openFile(file: string): Promise<AsyncIterable<Buffer>> {
    try {
      const { size } = await stat(file);
      this.#bytesTotal = size;
    } catch (cause) {
      throw unreadable(file, cause);
    }
    return createReadStream(file, { highWaterMark: 256 * 1024 });
  }
}

/** The entry of a line, a reject, or undefined for a line of white space. */
function readLine(line: StreamLine, context: LineContext): ReturnType<typeof parseLine> | undefined {
  const { bytes, number } = line;
  if (bytes === undefined) {
    const what = `the line has ${line.length} bytes, over the limit of ${LINE_BYTES_MAX}`;
    return rejectLine(number, context, what, line.complete ? 'STREAM_BAD_LINE' : 'STREAM_TRUNCATED');
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return undefined;
  if (!line.complete && !isJson(text)) {
    return rejectLine(number, context, 'the stream ends in the middle of this line', 'STREAM_TRUNCATED');
  }
  if (!isUtf8(bytes)) return rejectLine(number, context, 'the line is not valid UTF-8');
  return parseLine(text, number, context);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Tells recordings of one name apart, so that a cursor of one never hides the lines of another. */
function fingerprintOf(line: StreamLine): string {
  return createHash('sha256')
    .update(line.bytes ?? `${line.length}`)
    .digest('hex')
    .slice(0, 12);
}

function resumePoint(resume: string | undefined): { line: number; fingerprint: string } {
  const match = /^(\d+):([0-9a-f]*)$/.exec(resume ?? '');
  return match === null ? { line: 0, fingerprint: '' } : { line: Number(match[1]), fingerprint: match[2]! };
}

/** STREAM_UNREADABLE for what the file system refused. */
export function unreadable(file: string, cause: unknown): CrowsnestError {
  const { code } = cause as NodeJS.ErrnoException;
  const what =
    code === 'ENOENT' ? 'the recording does not exist' : `the recording cannot be read${code === undefined ? '' : ` (${code})`}`;
  return new CrowsnestError({ code: 'STREAM_UNREADABLE', what, where: file, todo: 'Check the path and its permissions', cause });
}
