import type { Readable } from 'node:stream';
import { freeBytes } from '../domain/free-bytes.ts';

export interface ReadsOptions {
  /** What the stream's buffers were cut from is nobody else's: it is given back once it was put together. */
  ownsMemory?: boolean;
}

/**
 * All that a stream has in hand at each turn. A stream's own iterator gives one buffer at a time, as it came from the network: 8 to 16 kB,
 * two to four events, and every read becomes a transaction on disk. With this, a reader that is slower than its peer gets what gathered
 * in the meantime, up to the stream's bound, in one piece, which is its own to give back. Leaving the loop destroys the stream.
 */
export async function* wholeReads(stream: Readable, { ownsMemory = false }: ReadsOptions = {}): AsyncGenerator<Buffer> {
  let over = false;
  let failure: unknown;
  let wake = () => {};
  const onReadable = () => wake();
  const onOver = () => {
    over = true;
    wake();
  };
  const onError = (error: unknown) => {
    failure = error;
    onOver();
  };
  stream.on('readable', onReadable).on('end', onOver).on('close', onOver).on('error', onError);
  try {
    for (;;) {
      const chunk = takeAll(stream, ownsMemory);
      if (chunk !== undefined) yield chunk;
      else if (over || stream.closed) break;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    if (failure !== undefined || stream.errored !== null) throw failure ?? stream.errored;
  } finally {
    stream.off('readable', onReadable).off('end', onOver).off('close', onOver).off('error', onError);
    stream.destroy();
  }
}

/** Piece by piece: `read(n)` of more than the stream's bound would raise the bound to that for good. */
function takeAll(stream: Readable, ownsMemory: boolean): Buffer | undefined {
  const pieces: Buffer[] = [];
  for (let piece: Buffer | null = stream.read(); piece !== null; piece = stream.read()) pieces.push(piece);
  if (pieces.length <= 1) return pieces[0];
  const whole = Buffer.concat(pieces);
  // Of one read of a socket there may be several.
  if (ownsMemory) for (const piece of pieces) if (piece.buffer.byteLength > 0) freeBytes(piece);
  return whole;
}
