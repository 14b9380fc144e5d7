/**
 * Bytes per sample, beside Prometheus' own database on the same samples. Ours is the whole database file after all is written: names of
 * series, indexes, rollups and what every new database holds. Prometheus' is all files of its compacted blocks, without the log.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { type PrometheusBlocks, prometheusBlocks } from './prometheus-blocks.ts';
import { recordedScrapes, type Selection, scrapeFor } from './scrape-recordings.ts';

/** How often the pipeline lets the store do its upkeep, in scrapes. */
const SCRAPES_PER_MAINTAIN = 20;
const MAINTAINS_AT_END = 10;

export interface SamplesResult {
  recordings: string[];
  selection: Selection;
  samples: number;
  series: number;
  scrapes: number;
  hours: number;
  bytes: number;
  bytesPerSample: number;
  emptyBytes: number;
  prometheus: PrometheusBlocks & { bytesPerSample: number };
  ratio: number;
  appendMicrosPerSample: number;
}

export async function measureSamples(files: string[], selection: Selection): Promise<SamplesResult> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-samples-'));
  try {
    const ours = await writeOurs(files, selection, join(folder, 'crowsnest.db'));
    const theirs = await prometheusBlocks(inOrder(files, selection), folder);
    if (theirs.samples !== ours.samples) throw new Error(`Prometheus holds ${theirs.samples} samples, not ${ours.samples}`);
    const prometheus = { ...theirs, bytesPerSample: round(theirs.bytes / theirs.samples) };
    return {
      recordings: files,
      selection,
      ...ours,
      bytesPerSample: round(ours.bytes / ours.samples),
      prometheus,
      ratio: round(ours.bytes / theirs.bytes),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* inOrder(files: string[], selection: Selection) {
  const readers = files.map((file) => recordedScrapes(file, selection));
  const heads = await Promise.all(readers.map((reader) => reader.next()));
  for (;;) {
    let first: number | undefined;
    heads.forEach((head, i) => {
      if (head.done !== true && (first === undefined || head.value.tsMs < heads[first]!.value!.tsMs)) first = i;
    });
    if (first === undefined) return;
    yield heads[first]!.value!;
    heads[first] = await readers[first]!.next();
  }
}

async function writeOurs(files: string[], selection: Selection, file: string) {
  const emptyBytes = sizeOfEmpty(`${file}.empty`);
  const store = openSqliteStore({ file });
  const names = new Set<string>();
  let [samples, scrapes, firstMs, lastMs, busyMs] = [0, 0, Number.NaN, 0, 0];
  try {
    for await (const scrape of inOrder(files, selection)) {
      const startedMs = performance.now();
      store.append({ changes: [], scrapes: [scrapeFor('bench', scrape)] });
      scrapes += 1;
      if (scrapes % SCRAPES_PER_MAINTAIN === 0) store.maintain();
      busyMs += performance.now() - startedMs;
      samples += scrape.samples.length;
      if (Number.isNaN(firstMs)) firstMs = scrape.tsMs;
      lastMs = scrape.tsMs;
      for (const { metric, labels } of scrape.samples) names.add(`${metric}${JSON.stringify(labels)}`);
    }
    // What is left of rolling up, as the next maintenances would do it.
    for (let i = 0; i < MAINTAINS_AT_END; i++) store.maintain();
  } finally {
    store.close();
  }
  return {
    ...{ samples, scrapes, series: names.size, hours: round((lastMs - firstMs) / 3_600_000) },
    ...{ bytes: statSync(file).size, emptyBytes, appendMicrosPerSample: round((busyMs * 1000) / samples) },
  };
}

function sizeOfEmpty(file: string): number {
  openSqliteStore({ file }).close();
  return statSync(file).size;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
