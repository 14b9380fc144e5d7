import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { LINE_BYTES_MAX } from '../collector/recording/playback.ts';
import { BrokenCompressionError, decodedBytes } from '../collector/recording/stream-bytes.ts';
import { splitLines } from '../collector/recording/stream-lines.ts';
import { CrowsnestError, type ErrorCode } from '../domain/errors.ts';
import { keyedHash } from '../domain/masking/masking-key.ts';
import { STANDING_MAX } from '../domain/verdict.ts';
import type { Options } from '../options.ts';
import { createImporter } from '../pipeline/import.ts';
import { loadMaskingKey } from '../secrets.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import { databaseOf, keysOf, withProgress } from './db-backup.ts';
import { parseExported } from './exported-change.ts';
import { printable } from './printable.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Broken lines that are named; all are counted. */
const NAMED_MAX = 20;

/**
 * Records the changes of an export, and what people said of findings among them, or a recorded stream. What is recorded already is passed over, so that a stopped import is simply begun
 * again; what is older than the newest change of its object cannot be put between and is counted.
 */
export async function runImport(options: Options, file: string, terminal: Terminal): Promise<number> {
  const database = databaseOf(options);
  const context = { cluster: 'import', file };
  const { size } = await sizeOf(file);
  const keys = keysOf(options);
  using store = openSqliteStore({ file: database, keys, synchronous: 'full' });
  const importer = createImporter({ store, hash: keyedHash(loadMaskingKey(database)) });
  let bad = 0;
  let said = 0;
  let failure: unknown;
  const refuse = (code: ErrorCode, what: string, where: string) => {
    bad += 1;
    if (bad <= NAMED_MAX) terminal.note(`${printable(`crowsnest: ${code}: ${what} (${where})`)}\n`);
  };
  await withProgress(createProgress(terminal, 'importing', 'bytes'), async (onProgress) => {
    const raw = createReadStream(file);
    try {
      for await (const { number, bytes, complete } of splitLines(decodedBytes(raw), LINE_BYTES_MAX)) {
        terminal.signal.throwIfAborted();
        const text = bytes?.toString('utf8') ?? '';
        if (bytes !== undefined && text.trim() === '') continue;
        const line = bytes === undefined ? tooLong(number, file) : parseExported(text, number, context);
        if (line === undefined) continue;
        if ('reject' in line) {
          const code = complete ? 'STREAM_BAD_LINE' : 'STREAM_TRUNCATED';
          const cut = complete ? '' : ' (the file ends in the middle of it)';
          refuse(code, `${line.reject.what}${cut}`, line.reject.where);
        } else if ('verdict' in line) {
          const outcome = importer.say(line.verdict);
          if (outcome === 'taken') said += 1;
          if (outcome === 'full') refuse('QUERY_TOO_LARGE', `there are ${STANDING_MAX} verdicts already`, `${file}:${number}`);
        } else if ('lists' in line) importer.know(line.lists);
        else importer.add(line);
        onProgress(raw.bytesRead, size);
      }
    } catch (error) {
      failure = error;
    }
    importer.flush();
    onProgress(size, size);
  });
  const { imported, known, older } = importer.counts;
  terminal.out(
    `${imported} changes imported, ${known} were there already, ${older} were older than what is recorded of their object, ${bad} lines were no changes${said === 0 ? '' : `; ${said} words of people on findings taken over`}\n`,
  );
  store.maintain();
  if (failure instanceof BrokenCompressionError)
    throw new CrowsnestError({
      code: 'STREAM_TRUNCATED',
      what: failure.message,
      where: file,
      todo: 'What came before was imported; get a whole copy and import it again',
      cause: failure,
    });
  if (failure !== undefined) throw failure;
  return bad === 0 ? 0 : 1;
}

function tooLong(number: number, file: string) {
  const what = `the line is over the limit of ${LINE_BYTES_MAX} bytes`;
  return { reject: { cluster: '', code: 'STREAM_BAD_LINE', where: `${file}:${number}`, what, observedMs: 0 } };
}

async function sizeOf(file: string): Promise<{ size: number }> {
  try {
    await using handle = await open(file, 'r');
    const found = await handle.stat();
    if (found.isDirectory()) throw new Error('it is a folder');
    return found;
  } catch (cause) {
    throw new CrowsnestError({
      code: 'STREAM_UNREADABLE',
      what: 'the file cannot be read',
      where: file,
      todo: 'Check the path',
      cause,
    });
  }
}
