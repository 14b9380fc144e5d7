import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { findingLine } from '../pipeline/finding-line.ts';

/** Writes findings as NDJSON, in large pieces; a missing file name writes nothing. */
export interface FindingsFile {
  write(finding: Finding): void;
  /** The play came to its end: what is in the file now is all there is, be it nothing. */
  finish(): void;
  /** Writes what is left and closes. A file that nothing was written to and that was not finished stays as it was. */
  close(): void;
}

const PIECE_CHARS = 1 << 16;
/** Of each line of findings; a recording begins with another member. */
const LINE_START = '{"ts":';

/**
 * Opens the file, so that a wrong path is said at once, but leaves what is in it until there is something to put in its place: a mistyped
 * recording must not cost the findings of the last. Throws CONFIG_BAD_VALUE when the file is one of `inUse` or holds something else than
 * findings, and STREAM_UNWRITABLE, also later while writing.
 */
export function openFindingsFile(file: string | undefined, inUse: readonly string[] = []): FindingsFile {
  if (file === undefined) return { write() {}, finish() {}, close() {} };
  const where = `--findings ${file}`;
  // A key beside it that is there, if only empty, is not made any more.
  for (const other of inUse.flatMap((one) => BESIDE.map((ending) => `${one}${ending}`))) {
    if (isSameFile(file, other)) {
      const todo = 'Give the findings a file of their own.';
      throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what: `the findings would overwrite ${other}`, where, todo });
    }
  }
  let descriptor: number;
  let foreign: boolean;
  try {
    foreign = existsSync(file) && holdsSomethingElse(file);
    descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o666);
  } catch (cause) {
    const todo = 'Check the path and its permissions.';
    throw new CrowsnestError({ code: 'STREAM_UNWRITABLE', what: 'the findings file cannot be written', where, todo, cause });
  }
  if (foreign) {
    closeSync(descriptor);
    const [what, todo] = ['the file holds something else than findings and is left as it is', 'Give another file.'];
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where, todo });
  }
  let piece = '';
  let begun = false;
  const flush = () => {
    const text = piece;
    // Said once: a close after a failed write does not try again.
    piece = '';
    try {
      if (!begun && fstatSync(descriptor).isFile()) ftruncateSync(descriptor);
      begun = true;
      // Unlike writeSync it writes all of it.
      writeFileSync(descriptor, text);
    } catch (cause) {
      const what = `the findings cannot be written (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`;
      const todo = 'Free space, or give another file.';
      throw new CrowsnestError({ code: 'STREAM_UNWRITABLE', what, where, todo, cause });
    }
  };
  return {
    write(finding) {
      piece += findingLine(finding);
      if (piece.length >= PIECE_CHARS) flush();
    },
    finish: flush,
    close() {
      try {
        if (piece !== '') flush();
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

/** Endings of a database or a recording, and of what lies beside it. */
const BESIDE = ['', '.key', '.lock', '-wal', '-shm', '-journal'];

/** A mistyped name must not cost a database or a recording. */
function holdsSomethingElse(file: string): boolean {
  const found = statSync(file);
  if (!found.isFile() || found.size === 0) return false;
  const start = Buffer.alloc(LINE_START.length);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, start);
  } finally {
    closeSync(descriptor);
  }
  return start.toString() !== LINE_START;
}

function isSameFile(a: string, b: string): boolean {
  if (resolve(a) === resolve(b)) return true;
  const [one, other] = [a, b].map((file) => statSync(file, { throwIfNoEntry: false }));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** Counts what was flagged, by detector, with the pages kept for showing. */
export interface Tally {
  add(finding: Finding): void;
  readonly ranked: number;
  readonly pages: Finding[];
  byDetector(): [string, { ranked: number; pages: number }][];
}

export function createTally(): Tally {
  const detectors = new Map<string, { ranked: number; pages: number }>();
  const pages: Finding[] = [];
  let ranked = 0;
  return {
    add(finding) {
      ranked++;
      const counts = detectors.get(finding.detector) ?? { ranked: 0, pages: 0 };
      counts.ranked++;
      if (finding.decision.verdict === 'page') {
        counts.pages++;
        pages.push(finding);
      }
      detectors.set(finding.detector, counts);
    },
    get ranked() {
      return ranked;
    },
    pages,
    byDetector: () => [...detectors].sort((a, b) => b[1].pages - a[1].pages || b[1].ranked - a[1].ranked),
  };
}
