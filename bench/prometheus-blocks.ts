/** What Prometheus' own database takes for given samples: blocks made by promtool, compacted by a Prometheus that is started on them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/support/real-apiserver.ts';
import { until } from '../test/support/until.ts';
import type { RecordedScrape } from './scrape-recordings.ts';

const BLOCK_MS = 2 * 3_600_000;
const COMPACTION_TIMEOUT_MS = 300_000;

export interface PrometheusBlocks {
  /** Chunks, index, tombstones and meta of all blocks as two-hour blocks; no write-ahead log. */
  bytesAsWritten: number;
  /** After Prometheus has compacted what it compacts. */
  bytes: number;
  chunkBytes: number;
  indexBytes: number;
  blocks: number;
  samples: number;
  version: string;
}

/** Writes a text file for each span of two hours, as promtool reads its whole input anew for each block. */
export async function prometheusBlocks(scrapes: AsyncIterable<RecordedScrape>, folder: string): Promise<PrometheusBlocks> {
  const blocks = join(folder, 'blocks');
  mkdirSync(blocks, { recursive: true });
  const text = join(folder, 'openmetrics.txt');
  let fd: number | undefined;
  let span = Number.NaN;
  const finish = () => {
    if (fd === undefined) return;
    writeSync(fd, '# EOF\n');
    closeSync(fd);
    fd = undefined;
    runTool(['tsdb', 'create-blocks-from', 'openmetrics', text, blocks]);
  };
  for await (const scrape of scrapes) {
    const next = Math.floor(scrape.tsMs / BLOCK_MS);
    if (next !== span) {
      finish();
      span = next;
    }
    fd ??= openSync(text, 'w');
    writeSync(fd, openMetricsText(scrape));
  }
  finish();
  rmSync(text, { force: true });
  const bytesAsWritten = sizeOf(blocks).bytes;
  await compact(blocks);
  return { bytesAsWritten, ...sizeOf(blocks), version: versionOf() };
}

const namesOfSeries = new WeakMap<object, string>();

function openMetricsText({ tsMs, samples }: RecordedScrape): string {
  const seconds = (tsMs / 1000).toFixed(3);
  return samples.map((sample) => `${nameOf(sample)} ${valueText(sample.value)} ${seconds}\n`).join('');
}

/** Series keep their labels' object from scrape to scrape where they are read from pages. */
function nameOf({ metric, labels }: { metric: string; labels: Record<string, string> }): string {
  const known = namesOfSeries.get(labels);
  if (known?.startsWith(`${metric}{`)) return known;
  const escaped = (value: string) => value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
  const name = `${metric}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${escaped(value)}"`)
    .join(',')}}`;
  namesOfSeries.set(labels, name);
  return name;
}

function valueText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

function runTool(args: string[]): void {
  const { status, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`promtool ${args.slice(0, 3).join(' ')} ended with ${status}: ${stderr}`);
}

/** Prometheus plans compactions once a minute; the second plan begins when all that the first found is done. */
async function compact(blocks: string): Promise<void> {
  const port = await freePort();
  const config = join(blocks, '..', 'prometheus.yml');
  closeSync(openSync(config, 'w'));
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${blocks}`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
  const child = spawn('prometheus', args, { stdio: 'ignore' });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    const planned = async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`);
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
      const text = (await answer?.text()) ?? '';
      return Number(/^prometheus_tsdb_compactions_triggered_total (\d+)/m.exec(text)?.[1] ?? 0) >= 2;
    };
    await until('Prometheus has compacted its blocks', planned, COMPACTION_TIMEOUT_MS);
  } finally {
    const ended = once(child, 'exit');
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
    process.off('exit', kill);
  }
}

function sizeOf(folder: string): Omit<PrometheusBlocks, 'bytesAsWritten' | 'version'> {
  const size = { bytes: 0, chunkBytes: 0, indexBytes: 0, blocks: 0, samples: 0 };
  for (const name of readdirSync(folder)) {
    // A block is named by a ULID; the log of the head and the lock of the started Prometheus are not counted.
    if (!/^[0-9A-Z]{26}$/.test(name)) continue;
    size.blocks += 1;
    size.samples += JSON.parse(readFileSync(join(folder, name, 'meta.json'), 'utf8')).stats.numSamples;
    for (const entry of readdirSync(join(folder, name), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const { size: bytes } = statSync(join(entry.parentPath, entry.name));
      size.bytes += bytes;
      if (entry.parentPath.endsWith('chunks')) size.chunkBytes += bytes;
      if (entry.name === 'index') size.indexBytes += bytes;
    }
  }
  return size;
}

function versionOf(): string {
  const { stdout, stderr } = spawnSync('prometheus', ['--version'], { encoding: 'utf8' });
  return /version (\S+)/.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown';
}
