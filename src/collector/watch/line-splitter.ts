/** Takes what a byte stream is cut into. The bytes are only valid during the call: they are a view of the chunk. */
export interface PieceHandler {
  piece(bytes: Buffer): void;
  /** A piece over the limit: its first bytes. The rest was dropped as it came, so it never took memory. */
  oversized(prefix: Buffer): void;
}

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into lines, empty ones included. Each byte is looked at once, whatever the chunks; an incomplete line waits for the next chunk, and
 * one that is never completed is never reported, because a cut stream sends that event again.
 */
export class LineSplitter {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Set while the rest of a line over the limit goes by. */
  #prefix: Buffer | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer, handler: PieceHandler): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#endLine(chunk.subarray(from, end), handler);
      from = end + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
  }

  #endLine(tail: Buffer, handler: PieceHandler): void {
    if (this.#bytes === 0 && this.#prefix === undefined) {
      if (tail.length > this.#bytesMax) handler.oversized(tail.subarray(0, this.#bytesMax));
      else handler.piece(tail);
      return;
    }
    this.#hold(tail);
    const line = this.#prefix ?? Buffer.concat(this.#parts, this.#bytes);
    const oversized = this.#prefix !== undefined;
    this.#parts = [];
    this.#bytes = 0;
    this.#prefix = undefined;
    if (oversized) handler.oversized(line);
    else handler.piece(line);
  }

  #hold(bytes: Buffer): void {
    if (this.#prefix !== undefined) return;
    // A copy, because a view would keep the whole chunk alive for as long as the line is incomplete.
    this.#parts.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#bytesMax) return;
    this.#prefix = Buffer.concat(this.#parts, this.#bytesMax);
    this.#parts = [];
    this.#bytes = 0;
  }
}
