import type { PieceHandler } from './line-splitter.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
const ENVELOPE_BYTES_MAX = 1024 * 1024;

/**
 * Cuts the JSON of a list answer, `{"metadata":{…},"items":[{…},{…}]}`, into its items while it arrives, so that a page of any size
 * needs the memory of one object, and one unreadable object costs no other. What is not an item is the envelope, parsed at the end.
 */
export class ListSplitter {
  readonly #bytesMax: number;
  /** Brackets open around the current byte; the members of the answer are at depth 1, items begin at depth 2. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inItems = false;
  #inItem = false;
  /** Bytes of the string at depth 1 being read, or of the last one until a comma: the name of the member whose value comes. */
  #name: number[] = [];
  #envelope: Buffer[] = [];
  #envelopeBytes = 0;
  #parts: Buffer[] = [];
  #bytes = 0;
  #prefix: Buffer | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer, handler: PieceHandler): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
        else if (this.#depth === 1 && this.#name.length < 16) this.#name.push(byte);
        continue;
      }
      if (byte === QUOTE) {
        this.#inString = true;
        if (this.#depth === 1) this.#name = [];
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (this.#inItems && !this.#inItem && this.#depth === 2) {
          this.#inItem = true;
          from = at;
        }
        this.#depth += 1;
        if (byte === OPEN_LIST && this.#depth === 2 && String.fromCharCode(...this.#name) === 'items') {
          this.#keepEnvelope(chunk.subarray(from, at + 1));
          this.#inItems = true;
        }
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth -= 1;
        if (this.#inItem && this.#depth === 2) this.#endItem(chunk.subarray(from, at + 1), handler);
        else if (this.#inItems && this.#depth === 1) {
          this.#inItems = false;
          from = at;
        }
      } else if (byte === COMMA && this.#depth === 1) this.#name = [];
    }
    if (this.#inItem) this.#hold(chunk.subarray(from));
    else if (!this.#inItems) this.#keepEnvelope(chunk.subarray(from));
  }

  /** The answer without its items. Throws when the answer was cut or is not a JSON object. */
  end(): unknown {
    if (this.#depth !== 0 || this.#inString || this.#envelopeBytes === 0) throw new Error('the list ended in the middle');
    return JSON.parse(Buffer.concat(this.#envelope).toString('utf8'));
  }

  #keepEnvelope(bytes: Buffer): void {
    this.#envelopeBytes += bytes.length;
    if (this.#envelopeBytes > ENVELOPE_BYTES_MAX) throw new Error('the answer is not a list of objects');
    this.#envelope.push(Buffer.from(bytes));
  }

  #endItem(tail: Buffer, handler: PieceHandler): void {
    this.#inItem = false;
    if (this.#bytes === 0 && this.#prefix === undefined && tail.length <= this.#bytesMax) {
      handler.piece(tail);
      return;
    }
    this.#hold(tail);
    const item = this.#prefix ?? Buffer.concat(this.#parts, this.#bytes);
    const oversized = this.#prefix !== undefined;
    this.#parts = [];
    this.#bytes = 0;
    this.#prefix = undefined;
    if (oversized) handler.oversized(item);
    else handler.piece(item);
  }

  #hold(bytes: Buffer): void {
    if (this.#prefix !== undefined) return;
    this.#parts.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#bytesMax) return;
    this.#prefix = Buffer.concat(this.#parts, this.#bytesMax);
    this.#parts = [];
    this.#bytes = 0;
  }
}
