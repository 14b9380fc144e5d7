import { createReadStream } from 'node:fs';
import { LINE_BYTES_MAX, unreadable } from './playback.ts';
import { decodedBytes } from './stream-bytes.ts';
import { parseLine } from './stream-format.ts';
import { splitLines } from './stream-lines.ts';
import type { RecordingHead } from './stream-side.ts';

/**
 * What a recording says of itself in its first line; undefined where it says nothing, or is broken, which playing it will tell.
 * Throws STREAM_UNREADABLE for a file that is not there or may not be read: before anything else has begun.
 */
export async function readRecordingHead(file: string): Promise<RecordingHead | undefined> {
  const raw = createReadStream(file);
  try {
    for await (const { bytes } of splitLines(decodedBytes(raw), LINE_BYTES_MAX)) {
      const parsed =
        bytes === undefined ? undefined : parseLine(bytes.toString('utf8'), 1, { cluster: '-', file, observedMs: 0 });
      return parsed !== undefined && 'head' in parsed ? parsed.head : undefined;
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw unreadable(file, error);
    return undefined;
  } finally {
    raw.destroy();
  }
  return undefined;
}
