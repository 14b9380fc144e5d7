import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/crowsnest.js', import.meta.url));
const TOKEN = 'a-token-for-tests';

/** The program itself, as a user starts it. */
export interface CrowsnestProcess {
  url: string;
  pid: number;
  /** GET of a JSON path of the API. Throws with the answer when it is not 2xx. */
  get<T>(path: string): Promise<T>;
  /** The text of /metrics. */
  metrics(): Promise<string>;
  /** Everything it wrote to stderr so far. */
  log(): string;
  kill9(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Starts `crowsnest serve|replay|demo …` on a free port and waits until the API listens. */
export async function startCrowsnest(
  args: string[],
  options: { timeoutMs?: number; environment?: Record<string, string> } = {},
): Promise<CrowsnestProcess> {
  const child = spawn(process.execPath, [MAIN, ...args, '--port', '0'], {
    env: { ...process.env, CROWSNEST_TOKEN: TOKEN, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`crowsnest did not listen in time:\n${log}`)), options.timeoutMs ?? 30_000);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      const match = /page and API: (\S+)/.exec(log);
      if (match?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(match[1].replace(/\/#.*$/, '').replace(/\/$/, ''));
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`crowsnest ended with ${code}:\n${log}`));
    });
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    pid: child.pid as number,
    log: () => log,
    async get<T>(path: string): Promise<T> {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
      const body = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`);
      return JSON.parse(body) as T;
    },
    metrics: async () => (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text(),
    kill9: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
  return child.exitCode;
}
