/**
 * What a change costs on disk, everything included, next to git with the same history in the same run; and whether every revision comes back as it
 * went in. The database is closed for measuring: what is left of the log is in the file then, as after a stop of the service.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { benchProgress } from './bench-progress.ts';
import { breakdown, type Part, pooled } from './file-breakdown.ts';
import { GitHistory } from './git-history.ts';
import { type Compared, type Recorded, readBack, recordStream } from './recorded-stream.ts';

export interface StorageOptions {
  /** Recorded streams, or folders of them. */
  streams: readonly string[];
  git: boolean;
  /** Keeps the databases and repositories there. */
  keep?: string | undefined;
}

export interface Size {
  changes: number;
  bytes: number;
  bytesPerChange: number;
  gitBytes?: number;
  gitBytesPerChange?: number;
  /** Revisions that are not what came in, and those that are not there. */
  wrong: number;
  lost: number;
  /** Bytes of a change by table and index. */
  breakdown: Record<string, number>;
}

export interface StreamSize extends Size, Omit<Recorded, 'expected'>, Compared {
  stream: string;
  gitSeconds?: number;
}

export interface StorageResult extends Size {
  streams: StreamSize[];
}

const STREAM = /\.(jsonl|ndjson)(\.zst|\.gz)?$/;
const SHARE_TOLD = 0.005;
/** The same streams once more, with planted incidents. */
const INJECTED = /\.injected\./;

export async function measureStorage(options: StorageOptions): Promise<StorageResult> {
  const files = streamsOf(options.streams);
  const folder = options.keep ?? mkdtempSync(join(tmpdir(), 'crowsnest-storage-'));
  mkdirSync(folder, { recursive: true });
  try {
    const measured: { size: StreamSize; parts: Part[] }[] = [];
    for (const file of files) measured.push(await measureStream(file, folder, options.git));
    const streams = measured.map(({ size }) => size);
    const sum = (of: (size: StreamSize) => number | undefined) => streams.reduce((total, size) => total + (of(size) ?? 0), 0);
    const [changes, bytes, gitBytes] = [sum((one) => one.changes), sum((one) => one.bytes), sum((one) => one.gitBytes)];
    return {
      ...{ changes, bytes, bytesPerChange: per(bytes, changes) },
      ...(options.git ? { gitBytes, gitBytesPerChange: per(gitBytes, changes) } : {}),
      ...{ wrong: sum((one) => one.wrong), lost: sum((one) => one.lost) },
      breakdown: perChange(pooled(measured.map(({ parts }) => parts)), changes),
      streams,
    };
  } finally {
    if (options.keep === undefined) rmSync(folder, { recursive: true });
  }
}

export function storageText(result: StorageResult): string {
  const line = (name: string, size: Size) =>
    `${name.padEnd(12)} ${String(size.changes).padStart(7)} changes  ${size.bytesPerChange} bytes a change` +
    `${size.gitBytesPerChange === undefined ? '' : `  git ${size.gitBytesPerChange}`}  ${size.wrong} wrong  ${size.lost} lost\n`;
  const parts = Object.entries(result.breakdown).map(([name, bytes]) => `  ${String(bytes).padStart(7)}  ${name}\n`);
  return [...result.streams.map((size) => line(size.stream, size)), line('pooled', result), ...parts].join('');
}

/** Files as they are; of a folder its streams, without those that have incidents planted into them. Throws when there is none. */
export function streamsOf(given: readonly string[]): string[] {
  const files = given.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => STREAM.test(name) && !INJECTED.test(name));
    return names.sort().map((name) => join(path, name));
  });
  if (files.length === 0)
    throw new Error(`there is no recorded stream in ${given.join(', ') || 'nothing'}: name files or folders of *.jsonl.zst`);
  return files;
}

async function measureStream(stream: string, folder: string, withGit: boolean): Promise<{ size: StreamSize; parts: Part[] }> {
  const name = basename(stream).replace(STREAM, '');
  const file = join(folder, `${name}.db`);
  for (const end of ['', '-wal', '-shm', '.lock', '.git']) rmSync(`${file}${end}`, { recursive: true, force: true });
  const recording = benchProgress(`${name}: recording`, 'bytes');
  const recorded = await recordStream(stream, file, recording.update).finally(recording.stop);
  const parts = breakdown(file);
  const git = withGit ? new GitHistory(`${file}.git`) : undefined;
  const reading = benchProgress(`${name}: reading back`, 'changes');
  const compared = await readBack(file, recorded, async (change) => {
    await git?.add(change);
    reading.update(change.seq, recorded.changes);
  }).finally(reading.stop);
  const { expected: _, ...counts } = recorded;
  const size: StreamSize = {
    ...{ stream: name, ...counts, ...compared, bytesPerChange: per(recorded.bytes, recorded.changes) },
    breakdown: perChange(parts, recorded.changes),
  };
  if (git === undefined) return { size, parts };
  const fromMs = performance.now();
  await git.finish();
  git.run('gc', '--aggressive', '--prune=now', '--quiet');
  const gitBytes = git.bytes();
  const gitSeconds = Math.round((performance.now() - fromMs) / 1000);
  return { size: { ...size, gitBytes, gitBytesPerChange: per(gitBytes, recorded.changes), gitSeconds }, parts };
}

/** What is little is told in one. */
function perChange(parts: readonly Part[], changes: number): Record<string, number> {
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const large = parts.filter(({ bytes }) => bytes >= all * SHARE_TOLD);
  const rest = all - large.reduce((sum, { bytes }) => sum + bytes, 0);
  return Object.fromEntries([...large, { name: '(others)', bytes: rest }].map(({ name, bytes }) => [name, per(bytes, changes)]));
}

function per(bytes: number, changes: number): number {
  return Number((bytes / Math.max(1, changes)).toFixed(1));
}
