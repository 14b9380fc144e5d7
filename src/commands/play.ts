import { closeSync, openSync, writeSync } from 'node:fs';
import { CrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { findingLine } from '../pipeline/finding-line.ts';

/** Writes findings as NDJSON, in large pieces; a missing file name writes nothing. */
export interface FindingsFile {
  write(finding: Finding): void;
  close(): void;
}

const PIECE_CHARS = 1 << 16;

export function openFindingsFile(file: string | undefined): FindingsFile {
  if (file === undefined) return { write() {}, close() {} };
  let descriptor: number;
  try {
    descriptor = openSync(file, 'w');
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_UNREADABLE',
      what: 'the findings file cannot be written',
      where: `--findings ${file}`,
      todo: 'Check the path and its permissions.',
      cause,
    });
  }
  let piece = '';
  const flush = () => {
    if (piece !== '') writeSync(descriptor, piece);
    piece = '';
  };
  return {
    write(finding) {
      piece += findingLine(finding);
      if (piece.length >= PIECE_CHARS) flush();
    },
    close() {
      flush();
      closeSync(descriptor);
    },
  };
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
