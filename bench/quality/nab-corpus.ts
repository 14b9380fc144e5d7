/** The series of the Numenta Anomaly Benchmark as they lie in a folder: data/<category>/<file>.csv and labels/combined_windows.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Windows } from './nab-score.ts';

export interface NabFile {
  name: string;
  /** As written, for the file of results. */
  stamps: string[];
  atMs: Float64Array;
  values: Float64Array;
  /** For scoring only; no detector sees them. */
  windows: Windows;
}

/** In order of name. */
export function readCorpus(folder: string): NabFile[] {
  const labels = JSON.parse(readFileSync(join(folder, 'labels/combined_windows.json'), 'utf8')) as Record<string, string[][]>;
  return Object.keys(labels)
    .sort()
    .map((name) => readSeries(folder, name, labels[name] as string[][]));
}

function readSeries(folder: string, name: string, labels: string[][]): NabFile {
  const rows = rowsOf(readFileSync(join(folder, 'data', name), 'utf8'));
  const stamps = rows.map(([stamp]) => stamp as string);
  const atMs = Float64Array.from(stamps, timeOf);
  const windows = labels.flatMap(([from, to]): [number, number][] => {
    const [fromMs, toMs] = [timeOf(from as string), timeOf(to as string)];
    const first = atMs.findIndex((ms) => ms >= fromMs && ms <= toMs);
    return first < 0 ? [] : [[first, atMs.findLastIndex((ms) => ms >= fromMs && ms <= toMs)]];
  });
  return { name, stamps, atMs, values: Float64Array.from(rows, ([, value]) => Number(value)), windows };
}

/** To the second, as the labels are; the corpus names no zone. */
function timeOf(stamp: string): number {
  return Date.parse(`${stamp.slice(0, 19).replace(' ', 'T')}Z`);
}

/**
 * Two halves that constants may be chosen and reported on: within each category, by name, every second file; the category after one with
 * an odd number of files starts with the other half.
 */
export function splitHalves<T extends { name: string }>(files: readonly T[]): { a: T[]; b: T[] } {
  const halves: { a: T[]; b: T[] } = { a: [], b: [] };
  const sorted = [...files].sort((one, other) => (one.name < other.name ? -1 : 1));
  // Running on from one category to the next comes to the same as starting each with the half the last one did not end on.
  sorted.forEach((file, i) => {
    halves[i % 2 === 0 ? 'a' : 'b'].push(file);
  });
  return halves;
}

/** Two plain columns under a head line: nothing is quoted. */
function rowsOf(text: string): string[][] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));
}
