/** One line of a byte stream, without its line feed. */
export interface StreamLine {
  /** From 1. */
  number: number;
  /** Undefined for a line over the limit, whose bytes were passed over. */
  bytes: Buffer | undefined;
  length: number;
  /** False for a last line that no line feed ends. */
  complete: boolean;
}

/**
 * Cuts chunks into lines, holding at most one line up to `bytesMax`; what is longer is measured and let go.
 * When reading fails, the line under way is yielded as incomplete before the error goes on.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<StreamLine> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 1;

  const hold = (part: Buffer) => {
    length += part.length;
    if (length > bytesMax) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const take = (complete: boolean): StreamLine => {
    const bytes = length > bytesMax ? undefined : parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const line = { number, bytes, length, complete };
    parts = [];
    length = 0;
    number += 1;
    return line;
  };

  try {
    for await (const chunk of chunks) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        hold(chunk.subarray(from, end));
        yield take(true);
        from = end + 1;
      }
      hold(chunk.subarray(from));
    }
  } catch (error) {
    if (length > 0) yield take(false);
    throw error;
  }
  if (length > 0) yield take(false);
}
