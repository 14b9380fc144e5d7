import type { Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';

/** Raw bytes go to the decoder in pieces of this size, so that what comes out of one of them stays small at usual ratios. */
const PIECE_BYTES = 16 * 1024;
/** The longest window a zstd file may ask for: 2 GiB, what `zstd --long=31` writes. */
const ZSTD_WINDOW_LOG_MAX = 31;

export type Compression = 'none' | 'gzip' | 'zstd';

/** Thrown after all that could be decoded was yielded: the compressed data ends before its end mark, or is damaged from here on. */
export class BrokenCompressionError extends Error {
  readonly damaged: boolean;

  constructor(message: string, fields: { damaged: boolean; cause: unknown }) {
    super(message, { cause: fields.cause });
    this.name = 'BrokenCompressionError';
    this.damaged = fields.damaged;
  }
}

/** Tells by its first bytes how a stream is compressed; names and endings lie. */
export function compressionOf(head: Buffer): Compression {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const magic = head.length >= 4 ? head.readUInt32LE(0) : 0;
  // The second range is zstd's skippable frames, which some tools put first.
  return magic === 0xfd2fb528 || (magic >= 0x184d2a50 && magic <= 0x184d2a5f) ? 'zstd' : 'none';
}

/**
 * The plain bytes of a stream that may be plain, gzip or zstd, several members or frames included.
 * Throws BrokenCompressionError at the end of a truncated or damaged stream.
 */
export async function* decodedBytes(raw: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = raw[Symbol.asyncIterator]();
  try {
    let head: Buffer = Buffer.alloc(0);
    let next = await chunks.next();
    while (!next.done) {
      head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
      if (head.length >= 4) break;
      next = await chunks.next();
    }
    const compression = compressionOf(head);
    const rest = prepend(head, chunks);
    yield* compression === 'none' ? rest : inflate(rest, decoderFor(compression), compression);
  } finally {
    await chunks.return?.();
  }
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

function decoderFor(compression: 'gzip' | 'zstd'): Transform {
  return compression === 'gzip'
    ? createGunzip()
    : createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
}

/**
 * Drives the decoder piece by piece rather than as a pipe: iterating over a stream that errors drops what it had decoded and
 * buffered, and a recording cut by a crash is worth reading up to its last byte.
 */
async function* inflate(raw: AsyncIterable<Buffer>, decoder: Transform, compression: Compression): AsyncGenerator<Buffer> {
  const out: Buffer[] = [];
  let failure: (Error & { code?: string }) | undefined;
  let wake = () => {};
  decoder.on('data', (chunk: Buffer) => out.push(chunk));
  decoder.on('error', (error) => {
    failure ??= error;
    wake();
  });
  decoder.on('end', () => wake());
  const step = (begin: () => void) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      begin();
    });
  try {
    for await (const chunk of raw) {
      for (let from = 0; from < chunk.length && failure === undefined; from += PIECE_BYTES) {
        await step(() => decoder.write(chunk.subarray(from, from + PIECE_BYTES), () => wake()));
        yield* out.splice(0);
      }
      if (failure !== undefined) break;
    }
    if (failure === undefined) await step(() => decoder.end());
    yield* out.splice(0);
  } finally {
    decoder.destroy();
  }
  if (failure === undefined) return;
  const damaged = failure.code !== 'Z_BUF_ERROR';
  const what = damaged ? `the ${compression} data is damaged from here on` : `the ${compression} data ends before its end mark`;
  throw new BrokenCompressionError(what, { damaged, cause: failure });
}
