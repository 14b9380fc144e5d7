/**
 * Bytes per sample, beside Prometheus' own database on the same samples. Ours is the whole database file after all is written: names of
 * series, indexes, rollups and what every new database holds. Prometheus' is all files of its compacted blocks, without the log.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { type PrometheusBlocks, prometheusBlocks } from './prometheus-blocks.ts';
import { type ReadingOptions, recordedScrapes, type Selection, scrapeFor } from './scrape-recordings.ts';

/** How often the pipeline lets the store do its upkeep, in scrapes. */
const SCRAPES_PER_MAINTAIN = 20;
const MAINTAINS_AT_END = 10;

/** Of the series that the collector keeps, or of all that is on the pages. */
export interface SamplesCase {
  selection: Selection;
  samples: number;
  series: number;
  scrapes: number;
  hours: number;
  bytes: number;
  bytesPerSample: number;
  /** What a database without any sample takes, in `bytes` as well. */
  emptyBytes: number;
  /** What samples, names and rollups take, in `bytes` as well. */
  parts: Record<string, number>;
  /** CPU of appending, sealing and rolling up. */
  microsPerSample: number;
  /** CPU of the longest sealing or rolling up, for which writing had to wait. */
  maintainMsMax: number;
  prometheus: PrometheusBlocks & { bytesPerSample: number };
  ratio: number;
}

export interface SamplesResult {
  recordings: string[];
  late: boolean;
  /** The worst of the cases. */
  ratio: number;
  cases: SamplesCase[];
}

export async function measureSamples(recordings: string[], { late }: { late: boolean }): Promise<SamplesResult> {
  const cases = await Promise.all((['kept', 'page'] as const).map((selection) => measureCase(recordings, { selection, late })));
  return { recordings, late, ratio: Math.max(...cases.map(({ ratio }) => ratio)), cases };
}

async function measureCase(files: string[], options: ReadingOptions): Promise<SamplesCase> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-samples-'));
  try {
    const ours = await writeOurs(files, options, join(folder, 'crowsnest.db'));
    const theirs = await prometheusBlocks(inOrder(files, options), folder);
    if (theirs.samples !== ours.samples) throw new Error(`Prometheus holds ${theirs.samples} samples, not ${ours.samples}`);
    const prometheus = { ...theirs, bytesPerSample: round(theirs.bytes / theirs.samples) };
    const bytesPerSample = round(ours.bytes / ours.samples);
    return { selection: options.selection, ...ours, bytesPerSample, prometheus, ratio: round(ours.bytes / theirs.bytes) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function samplesText({ recordings, cases }: SamplesResult): string {
  const lines = cases.map(({ selection, samples, series, hours, bytesPerSample, prometheus, ratio }) =>
    [
      `${selection === 'kept' ? 'series that are kept' : 'whole pages'}: ${samples} samples of ${series} series in ${hours} h`,
      `  crowsnest   ${bytesPerSample} bytes a sample, everything included`,
      `  Prometheus  ${prometheus.bytesPerSample} bytes a sample (${prometheus.version}, ${prometheus.blocks} blocks)`,
      `  ratio       ${ratio}`,
    ].join('\n'),
  );
  return `${recordings.join(', ')}\n${lines.join('\n')}\n`;
}

async function* inOrder(files: string[], options: ReadingOptions) {
  const readers = files.map((file) => recordedScrapes(file, options));
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

async function writeOurs(files: string[], options: ReadingOptions, file: string) {
  const emptyBytes = sizeOfEmpty(`${file}.empty`);
  const store = openSqliteStore({ file });
  const names = new Set<string>();
  let [samples, scrapes, firstMs, lastMs] = [0, 0, Number.NaN, 0];
  let [busyMs, maintainMsMax] = [0, 0];
  try {
    for await (const scrape of inOrder(files, options)) {
      const beganMs = cpuMs();
      store.append({ changes: [], scrapes: [scrapeFor('bench', scrape)] });
      scrapes += 1;
      const maintainedMs = cpuMs();
      if (scrapes % SCRAPES_PER_MAINTAIN === 0) store.maintain();
      const doneMs = cpuMs();
      busyMs += doneMs - beganMs;
      maintainMsMax = Math.max(maintainMsMax, doneMs - maintainedMs);
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
    ...{ bytes: statSync(file).size, emptyBytes, parts: partsOf(file) },
    ...{ microsPerSample: round((busyMs * 1000) / samples), maintainMsMax: round(maintainMsMax) },
  };
}

/** Bytes of blobs and names, without the pages around them. */
function partsOf(file: string): Record<string, number> {
  const db = new Database(file, { readonly: true });
  try {
    const one = (sql: string) => db.prepare(sql).pluck().get() as number;
    return {
      sealed: one('SELECT coalesce(sum(length(data)), 0) FROM scrape_block'),
      young: one('SELECT coalesce(sum(length(data)), 0) FROM open_scrape'),
      rollups5m: one('SELECT coalesce(sum(length(data)), 0) FROM rollup WHERE tier = 1'),
      rollups1h: one('SELECT coalesce(sum(length(data)), 0) FROM rollup WHERE tier = 2'),
      names: one('SELECT coalesce(sum(length(metric) + length(cluster) + length(labels)), 0) FROM series'),
      freePages: one('PRAGMA freelist_count') * one('PRAGMA page_size'),
    };
  } finally {
    db.close();
  }
}

function sizeOfEmpty(file: string): number {
  openSqliteStore({ file }).close();
  return statSync(file).size;
}

/** Not the clock's time: other work on the machine is not ours. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
