import type { Readable } from 'node:stream';

/**
 * All that a stream has in hand at each turn. A stream's own iterator gives one buffer at a time, as it came from the network: 8 to 16 kB,
 * two to four events, and every read becomes a transaction on disk. With this, a reader that is slower than its peer gets what gathered
 * in the meantime, up to the stream's bound, in one piece. Leaving the loop destroys the stream.
 */
export async function* wholeReads(stream: Readable): AsyncGenerator<Buffer> {
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
      const chunk = takeAll(stream);
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
function takeAll(stream: Readable): Buffer | undefined {
  const pieces: Buffer[] = [];
  for (let piece: Buffer | null = stream.read(); piece !== null; piece = stream.read()) pieces.push(piece);
  return pieces.length > 1 ? Buffer.concat(pieces) : pieces[0];
}
