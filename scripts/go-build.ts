/** Builds a Go program of a module of ours once, whoever asks and from however many processes at the same time. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LOCK_POLL_MS = 500;
const PROGRESS_MS = 30_000;

export interface GoProgram {
  /** In words, for the lines of `report`. */
  what: string;
  /** The folder of our go.mod. */
  module: string;
  /** Files of it that decide what comes out. */
  sources: readonly string[];
  /** `build …`, without -o. */
  args: readonly string[];
  package: string;
  /** Where builds of this program are kept, each in a folder named after its sources' hash. */
  cache: string;
  /** File name of the program. */
  name: string;
}

/** Where the program is once it is built; another place for other sources, so that a binary never outlives what it was made from. */
export function builtPath(program: GoProgram): string {
  return join(program.cache, sourcesHash(program), program.name);
}

/** The program, built first where it is not there yet. Processes that ask side by side wait for one build. Rejects with the compiler's words. */
export async function buildOnce(program: GoProgram, report: (line: string) => void): Promise<string> {
  const target = builtPath(program);
  const lock = join(program.cache, 'build.lock');
  for (let waiting = false; ; ) {
    if (existsSync(target)) return target;
    if (takeLock(lock)) break;
    if (!waiting) report(`another process is building ${program.what}, waiting for it`);
    waiting = true;
    await delay(LOCK_POLL_MS);
  }
  try {
    if (!existsSync(target)) await build(program, report);
  } finally {
    rmSync(lock, { force: true });
  }
  return target;
}

async function build(program: GoProgram, report: (line: string) => void): Promise<void> {
  const target = builtPath(program);
  const unfinished = `${target}.unfinished-${process.pid}`;
  const startedMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedMs) / 1000);
  report(`building ${program.what}`);
  mkdirSync(dirname(target), { recursive: true });
  const progress = setInterval(() => report(`still building, ${seconds()} s`), PROGRESS_MS);
  try {
    await runGo([...program.args, '-o', unfinished, program.package], program.module);
  } finally {
    clearInterval(progress);
  }
  renameSync(unfinished, target);
  for (const entry of readdirSync(program.cache)) {
    if (entry !== sourcesHash(program) && !entry.endsWith('.lock'))
      rmSync(join(program.cache, entry), { recursive: true, force: true });
  }
  report(`built in ${seconds()} s`);
}

/** Runs Go's own tool; resolves with its standard output. */
export function runGo(args: string[], folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Pure Go, so that no C compiler is needed and the same inputs hit the same cache.
      env: { ...process.env, CGO_ENABLED: '0' },
    });
    const out: Buffer[] = [];
    let words = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-4000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`go ${args[0]} ended with code ${code}:\n${words.trim()}`));
    });
  });
}

function sourcesHash({ module, sources, args }: GoProgram): string {
  const hash = createHash('sha256').update(JSON.stringify(args));
  for (const file of sources) hash.update(`\0${file}\0`).update(readFileSync(join(module, file)));
  return hash.digest('hex').slice(0, 16);
}

/** The lock holds its owner's process id: what a killed build left behind is taken over. */
function takeLock(lock: string): boolean {
  mkdirSync(dirname(lock), { recursive: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!isAlive(ownerOf(lock))) rmSync(lock, { force: true });
    return false;
  }
}

function ownerOf(lock: string): number {
  try {
    return Number(readFileSync(lock, 'utf8')) || process.pid;
  } catch {
    return process.pid;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
