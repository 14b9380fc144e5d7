/**
 * Writes what a source delivers to a file in the stream format: the sink behind `crowsnest record`.
 *
 * What is accepted is pushed through to the file and synced within `flushMs`, so that a crash loses at most that. A recording that is
 * there already is gone on with: a plain one is appended to, a compressed one is read up to where it broke off and written anew, since
 * nothing can follow an unfinished frame.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Transform } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Clock } from '../../domain/clock.ts';
import { CrowsnestError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import { maskKubeEvent } from '../../domain/kube-event.ts';
import { scrapeMasking } from '../../domain/masking/mask-scrape.ts';
import { type KeyedHash, mask } from '../../domain/masking/redact.ts';
import { refOf } from '../../domain/object-ref.ts';
import type { SchemaBook } from '../../domain/schema-book.ts';
import type { KnownKind } from '../../domain/series/controller-ties.ts';
import type { ToldVerdict } from '../../domain/verdict.ts';
import type { Claim } from '../../domain/who/claim.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Sink, SourceBatch } from '../source.ts';
import { RecordedAdmission } from './recorded-admission.ts';
import type { RecordedHeads } from './recorded-heads.ts';
import { BrokenCompressionError, type Compression, decodedBytes } from './stream-bytes.ts';
import { formatObservation, formatScrape } from './stream-format.ts';
import { formatSide, type RecordingHead } from './stream-side.ts';
import { ToldListKeys } from './told-lists.ts';

export interface RecorderOptions {
  /** Ends in .zst or .zstd for zstd, .gz for gzip; anything else is plain. */
  file: string;
  /** Secrets are masked with it before they reach the disk; all else, managedFields included, is kept. */
  hash: KeyedHash;
  /** What kinds call secret themselves, and by which keys their lists are told apart. */
  schemas?: Pick<SchemaBook, 'of'>;
  clock: Clock;
  logger?: Logger;
  /** What is said at the beginning, and where a recording is gone on with. */
  head?: Omit<RecordingHead, 'atMs'>;
  /** Kept up to date with what is in the file. */
  heads?: RecordedHeads;
  /** The kind of a resource, which audit does not name and discovery knows; false when it is not watched. */
  kindOf?: (cluster: string, group: string, resource: string) => string | false | undefined;
  /** All kinds that discovery knows of, by which controllers are tied to theirs. */
  kinds?: () => readonly KnownKind[];
  /** How long accepted lines may stay out of the file, milliseconds. */
  flushMs?: number;
  /** Called once, when the file cannot be written any more: everything that comes after is refused. */
  onFailure?: (error: CrowsnestError) => void;
}

export interface RecorderCounts {
  observations: number;
  scrapes: number;
  claims: number;
  kubeEvents: number;
  gaps: number;
  verdicts: number;
  /** Told again, and recorded before. */
  repeats: number;
  rejects: number;
  bytes: number;
}

export interface Recorder {
  /** Opens the file at the first batch. Resolves when the batch is written; within `flushMs` it is in the file and synced. Rejects with STREAM_UNWRITABLE. */
  write: Sink;
  readonly counts: Readonly<RecorderCounts>;
  /** Ends the file properly. */
  close(): Promise<void>;
}

export function createRecorder(options: RecorderOptions): Recorder {
  return new FileRecorder(options);
}

export function compressionFor(file: string): Compression {
  if (/\.zstd?$/i.test(file)) return 'zstd';
  return /\.gz$/i.test(file) ? 'gzip' : 'none';
}

class FileRecorder implements Recorder {
  readonly counts: RecorderCounts = {
    ...{ observations: 0, scrapes: 0, claims: 0, kubeEvents: 0, gaps: 0, verdicts: 0 },
    ...{ repeats: 0, rejects: 0, bytes: 0 },
  };
  readonly #options: RecorderOptions;
  #kindsWritten = '[]';
  readonly #admission = new RecordedAdmission();
  readonly #lists: ToldListKeys;
  readonly #maskScrape: ReturnType<typeof scrapeMasking>;
  #output: Output | undefined;
  readonly #stop = new AbortController();
  /** Batches, flushes and the end, one after the other. */
  #queue: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #failure: CrowsnestError | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#maskScrape = scrapeMasking(options.hash);
    this.#lists = new ToldListKeys(({ cluster, group, kind }) => options.heads?.lists(cluster, group, kind));
  }

  // A function of its own: it is handed to sources as their sink, without the recorder.
  readonly write = (batch: SourceBatch): Promise<void> => this.#enqueue(() => this.#append(batch));

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#flushing;
    await this.#enqueue(async () => this.#output?.end());
  }

  async #append(batch: SourceBatch): Promise<void> {
    const { heads, logger } = this.#options;
    for (const { code, where, what } of batch.rejects ?? []) {
      this.counts.rejects += 1;
      logger?.warn({ code, where }, `not recorded: ${what}`);
    }
    const fresh = heads === undefined ? batch.observations : batch.observations.filter((seen) => !heads.isTold(seen));
    const lines = this.#lines({ ...batch, observations: fresh });
    if (lines.length > 0) await this.#writeLines(lines);
    for (const seen of fresh) heads?.note(seen);
    heads?.noteCursors(batch.cursors ?? {});
    this.counts.observations += fresh.length;
    this.counts.repeats += batch.observations.length - fresh.length;
    for (const kind of ['scrapes', 'claims', 'kubeEvents', 'gaps', 'verdicts'] as const)
      this.counts[kind] += batch[kind]?.length ?? 0;
  }

  /** In the order in which the pipeline takes the parts of a batch, which is the order of a replay. */
  #lines(batch: SourceBatch): string[] {
    const { hash, schemas, clock, heads } = this.#options;
    const atMs = clock.nowMs();
    const claimLine = (claim: Claim) => formatSide({ claim: maskClaim(claim, hash), atMs });
    return [
      ...(batch.verdicts ?? []).map((verdict) => formatSide({ verdict: maskVerdict(verdict, hash), atMs })),
      ...(batch.claims ?? [])
        .flatMap((claim) => this.#withKind(claim))
        .filter((claim) => !this.#admission.take(claim, atMs))
        .map(claimLine),
      ...batch.observations.flatMap((seen) => {
        const { cluster, group, kind } = refOf(seen.cluster, seen.object);
        const schema = schemas?.of(cluster, { group, kind });
        const lists = this.#lists.news({ cluster, group, kind }, schema?.mergeKeys, seen.observedMs);
        const object = mask(seen.object, hash, { secrets: schema?.secrets });
        return [
          ...(lists === undefined ? [] : [formatSide(lists)]),
          ...this.#admission.claimsOn(seen, object, atMs).map(claimLine),
          formatObservation({ ...seen, object }),
        ];
      }),
      ...(batch.gaps ?? []).map((gap) => formatSide({ gap })),
      ...(batch.kubeEvents ?? []).map((event) => formatSide({ kubeEvent: maskKubeEvent(event, hash), atMs })),
      ...((batch.scrapes ?? []).length === 0 ? [] : this.#newKinds(atMs)),
      ...(batch.scrapes ?? []).map((scrape) => formatScrape(this.#maskScrape(scrape))),
      ...(batch.seenToMs === undefined ? [] : [formatSide({ seenToMs: batch.seenToMs, cursors: heads?.cursors() })]),
    ];
  }

  /** Before the scrapes that they are needed for, and again when they have changed. */
  #newKinds(atMs: number): string[] {
    const kinds = (this.#options.kinds?.() ?? []).map(({ cluster, group, kind, plural }) => ({ cluster, group, kind, plural }));
    const written = JSON.stringify(kinds);
    if (written === this.#kindsWritten) return [];
    this.#kindsWritten = written;
    return [formatSide({ kinds, atMs })];
  }

  /** A replay has no discovery to ask; what is not watched will have no change. */
  #withKind(claim: Claim): Claim[] {
    const { cluster, target } = claim;
    const kind = this.#options.kindOf?.(cluster, target.group, target.resource);
    if (kind === false) return [];
    return [kind === undefined ? claim : { ...claim, target: { ...target, kind: target.kind ?? kind } }];
  }

  async #writeLines(lines: string[]): Promise<void> {
    const { head, clock } = this.#options;
    if (this.#output === undefined) {
      this.#output = await openOutput(this.#options);
      if (head !== undefined) lines.unshift(formatSide({ head: { ...head, atMs: clock.nowMs() } }));
    }
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    await this.#output.write(bytes);
    this.counts.bytes += bytes.length;
    this.#flushing ??= this.#flushLater();
  }

  async #flushLater(): Promise<void> {
    const { clock, flushMs = 1000 } = this.#options;
    await clock.sleep(flushMs, this.#stop.signal).catch(() => {});
    this.#flushing = undefined;
    // A failure is kept and meets the next batch; here nobody would hear of it.
    await this.#enqueue(async () => this.#output?.flush()).catch(() => {});
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        await step();
      } catch (cause) {
        this.#failure = cause instanceof CrowsnestError ? cause : unwritable(this.#options.file, cause);
        this.#options.onFailure?.(this.#failure);
        throw this.#failure;
      }
    });
    this.#queue = done.catch(() => {});
    return done;
  }
}

/** A file being written, with or without an encoder in front of it. */
interface Output {
  write(bytes: Buffer): Promise<void>;
  /** Everything written so far can be read back after a crash. */
  flush(): Promise<void>;
  end(): Promise<void>;
}

function openOutput({ file, logger }: RecorderOptions): Promise<Output> {
  const compression = compressionFor(file);
  return compression === 'none' ? openPlain(file) : openCompressed(file, compression, logger);
}

async function openPlain(file: string): Promise<Output> {
  const handle = await open(file, 'a+');
  const { size } = await handle.stat();
  if (size > 0) {
    const last = Buffer.alloc(1);
    await handle.read(last, 0, 1, size - 1);
    // A crash may have left half a line; it stays a line of its own, which a reader rejects by number.
    if (last[0] !== 10) await handle.appendFile('\n');
  }
  return {
    write: (bytes) => handle.appendFile(bytes),
    flush: () => handle.datasync(),
    end: async () => {
      await handle.datasync();
      await handle.close();
    },
  };
}

async function openCompressed(file: string, compression: 'gzip' | 'zstd', logger: Logger | undefined): Promise<Output> {
  const old = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (old === undefined) return new EncodedOutput(await open(file, 'wx'), encoderFor(compression));
  await old.close();
  const fresh = `${file}.rewriting`;
  const output = new EncodedOutput(await open(fresh, 'w'), encoderFor(compression));
  try {
    await copyReadable(file, output, logger);
    await output.flush();
    await rename(fresh, file);
    return output;
  } catch (error) {
    await output.abandon();
    await rm(fresh, { force: true });
    throw error;
  }
}

async function copyReadable(file: string, output: EncodedOutput, logger: Logger | undefined): Promise<void> {
  let last = 10;
  try {
    for await (const chunk of decodedBytes(createReadStream(file))) {
      await output.write(chunk);
      last = chunk.at(-1) ?? last;
    }
  } catch (error) {
    if (!(error instanceof BrokenCompressionError)) throw error;
    if (error.damaged) {
      throw new CrowsnestError({
        code: 'STREAM_UNWRITABLE',
        what: 'the recording that is there is damaged and would lose its rest if it were gone on with',
        where: file,
        todo: 'Move it away or name another file',
        cause: error,
      });
    }
    logger?.info({ file: basename(file) }, 'the recording broke off without its end mark; going on after what it holds');
  }
  if (last !== 10) await output.write(Buffer.from('\n'));
}

function encoderFor(compression: 'gzip' | 'zstd'): Encoder {
  if (compression === 'gzip') return createGzip();
  return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 6, [constants.ZSTD_c_checksumFlag]: 1 } });
}

type Encoder = Transform & { flush(callback: () => void): void };

class EncodedOutput implements Output {
  readonly #handle: FileHandle;
  readonly #encoder: Encoder;
  readonly #out: Buffer[] = [];

  constructor(handle: FileHandle, encoder: Encoder) {
    this.#handle = handle;
    this.#encoder = encoder;
    encoder.on('data', (chunk: Buffer) => this.#out.push(chunk));
  }

  async write(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#encoder.write(bytes, (error) => (error ? reject(error) : resolve())));
    await this.#drain();
  }

  async flush(): Promise<void> {
    await new Promise<void>((resolve) => this.#encoder.flush(resolve));
    await this.#drain();
    await this.#handle.datasync();
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#encoder.once('end', resolve).once('error', reject).end());
    await this.#drain();
    await this.#handle.datasync();
    await this.#handle.close();
  }

  async abandon(): Promise<void> {
    this.#encoder.destroy();
    await this.#handle.close();
  }

  async #drain(): Promise<void> {
    const chunks = this.#out.splice(0);
    if (chunks.length > 0) await this.#handle.appendFile(Buffer.concat(chunks));
  }
}

/** Names and user agents are chosen by clients and may hold anything. */
function maskClaim(claim: Claim, hash: KeyedHash): Claim {
  return { ...claim, user: mask(claim.user as unknown as Json, hash) as unknown as Claim['user'] };
}

/** People write down what they looked at. */
function maskVerdict({ why, ...told }: ToldVerdict, hash: KeyedHash): ToldVerdict {
  return why === undefined ? told : { ...told, why: mask({ why }, hash).why };
}

function unwritable(file: string, cause: unknown): CrowsnestError {
  const { code } = cause as NodeJS.ErrnoException;
  return new CrowsnestError({
    code: 'STREAM_UNWRITABLE',
    what: `the recording cannot be written${code === undefined ? '' : ` (${code})`}`,
    where: file,
    todo: 'Check the path, its permissions and the free space',
    cause,
  });
}
