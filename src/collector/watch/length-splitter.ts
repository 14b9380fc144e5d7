import type { PieceHandler } from './line-splitter.ts';

/** Lengths take at most five bytes here: no piece is longer than 4 GB. */
const LENGTH_BYTES_MAX = 5;

/**
 * Cuts a stream of bytes into pieces that each stand behind their length as a varint, as delimited protobuf messages do. A piece over the
 * limit is dropped as it comes; pieces are whole or not reported.
 */
export class LengthSplitter {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** How much has to be there before looking again is worth while. */
  #wanted = 0;
  /** Bytes of a piece over the limit that are still to come. */
  #skip = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** True between pieces: what ends here ends whole. */
  get isAtBorder(): boolean {
    return this.#bytes === 0 && this.#skip === 0;
  }

  /** Throws a RangeError when what stands where a length should be is none. */
  push(chunk: Buffer, handler: PieceHandler): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    let bytes = chunk;
    if (this.#bytes >= this.#wanted) {
      bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#bytes);
      bytes = this.#cut(bytes, handler);
      this.#parts = [];
      this.#bytes = bytes.length;
    } else this.#parts.pop();
    // A copy, because the chunk is the reader's to use again.
    if (bytes.length > 0) this.#parts.push(Buffer.from(bytes));
  }

  /** Reports what is whole and gives back the rest. */
  #cut(given: Buffer, handler: PieceHandler): Buffer {
    let bytes = given;
    for (;;) {
      const skipped = Math.min(this.#skip, bytes.length);
      this.#skip -= skipped;
      bytes = bytes.subarray(skipped);
      const head = readLength(bytes);
      this.#wanted = head === undefined ? 0 : head.from + head.length;
      if (head === undefined) return bytes;
      if (head.length > this.#bytesMax) {
        handler.oversized(bytes.subarray(head.from, head.from + this.#bytesMax));
        this.#skip = this.#wanted;
        this.#wanted = 0;
        continue;
      }
      if (bytes.length < this.#wanted) return bytes;
      handler.piece(bytes.subarray(head.from, this.#wanted));
      bytes = bytes.subarray(this.#wanted);
    }
  }
}

/** Undefined while it is not all there. */
function readLength(bytes: Buffer): { length: number; from: number } | undefined {
  let length = 0;
  for (let at = 0; at < Math.min(bytes.length, LENGTH_BYTES_MAX); at++) {
    const byte = bytes[at] as number;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, from: at + 1 };
  }
  if (bytes.length >= LENGTH_BYTES_MAX) throw new RangeError('no length where a message should begin');
  return undefined;
}
