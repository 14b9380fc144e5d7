import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.ts';

export const MAIN = fileURLToPath(new URL('../../src/crowsnest.js', import.meta.url));
export const TOKEN = 'a-token-for-tests';

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** The program under way; what it said so far is in `out` and `err`. */
export interface Running {
  readonly out: string;
  readonly err: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Sends a signal; resolves with how it ended and how long that took. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<Ended & { tookMs: number }>;
}

export interface StartOptions {
  environment?: Record<string, string | undefined>;
  cwd?: string;
  /** A descriptor in place of the pipe. */
  stdout?: number;
  /** Another user, where this one may become another. */
  uid?: number;
}

const started = new Set<ChildProcess>();
after(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** Starts `crowsnest …args` as a user would; killed at the end of the test file if it still runs. */
export function start(args: string[], options: StartOptions = {}): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CROWSNEST_') && name !== 'NODE_OPTIONS');
  const environment = {
    ...Object.fromEntries(inherited),
    CROWSNEST_TOKEN: TOKEN,
    // Halves the time that a short command takes.
    NODE_COMPILE_CACHE: join(tmpdir(), 'crowsnest-tests-compile-cache'),
    ...options.environment,
  };
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: environment,
    cwd: options.cwd,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
  });
  started.add(child);
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = once(child, 'close').then(([code]) => {
    started.delete(child);
    return { code: code as number | null, out, err };
  });
  return {
    get out() {
      return out;
    },
    get err() {
      return err;
    },
    child,
    ended,
    async end(signal = 'SIGTERM') {
      const startMs = performance.now();
      child.kill(signal);
      const end = await ended;
      return { ...end, tookMs: performance.now() - startMs };
    },
  };
}

/** Runs `crowsnest …args` to its end. */
export function crowsnest(args: string[], options: StartOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}

/** The API's address, once it listens; `--port 0` is the caller's to give. */
export function listening(running: Running): Promise<string> {
  return until(
    `the API listens; it said:\n${running.err}`,
    () => /page(?: and API)?: (http\S+?)\/?(?:#\S*)?\s/.exec(running.err)?.[1],
  );
}

/** The API's address, once so many changes are recorded: it listens before the first one is played. */
export async function recorded(running: Running, changes: number): Promise<string> {
  const url = await listening(running);
  await until(
    `${changes} changes are recorded`,
    async () => (await get<{ changes: number }>(url, '/v1/stats')).changes === changes,
  );
  return url;
}

/** GET of a JSON path with the token. */
export async function get<T>(url: string, path: string): Promise<T> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${TOKEN}` } });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${body}`);
  return JSON.parse(body) as T;
}

/** A folder for the test file, removed at its end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-commands-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One line of a recording: the `revision`-th of a Kafka, a minute apart. */
export function line(revision: number, more: { name?: string; replicas?: number; actor?: string; tsMs?: number } = {}): string {
  const { name = 'orders', replicas = revision, actor = 'ann' } = more;
  const tsMs = more.tsMs ?? Date.UTC(2026, 0, 5, 8, 0) + revision * 60_000;
  const metadata = { name, namespace: 'streaming', uid: `uid-${name}`, resourceVersion: String(revision) };
  const object = { apiVersion: 'kafka.strimzi.io/v1', kind: 'Kafka', metadata, spec: { kafka: { replicas } } };
  return JSON.stringify({ type: revision === 1 ? 'ADDED' : 'MODIFIED', ts: new Date(tsMs).toISOString(), actor, object });
}
