/**
 * A real Alertmanager with a webhook receiver behind it, started for a test file and gone with it. Every alert is a group of its own, so
 * that a notification is one alert's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realPart } from './skip-real.ts';
import { until } from './until.ts';

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;
const LOG_BYTES_MAX = 200_000;

/** One webhook call of Alertmanager, as far as tests look at it. */
export interface Notification {
  /** performance.now() when it came in. */
  atMs: number;
  status: 'firing' | 'resolved';
  alerts: {
    status: 'firing' | 'resolved';
    labels: Record<string, string>;
    annotations: Record<string, string>;
    startsAt: string;
    endsAt: string;
    generatorURL: string;
  }[];
}

/** An alert as GET /api/v2/alerts gives it, as far as tests look at it. */
export interface ActiveAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL: string;
  fingerprint: string;
  status: { state: 'unprocessed' | 'active' | 'suppressed' };
}

export interface RealAlertmanager {
  /** http://127.0.0.1:PORT, the same after a restart. */
  url: string;
  receiver: { url: string; notifications: Notification[] };
  /** What it holds of ours; resolved ones are not among them. */
  alerts(): Promise<ActiveAlert[]>;
  /** The last of what it logged. */
  log(): string;
  /** Stops it as an orderly restart does: what it knows is on its disk. */
  down(): Promise<void>;
  /** Starts it again on the same data and port. */
  up(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both; a missing Alertmanager is to be skipped by `skipWithout('alertmanager')` beforehand. */
export async function startAlertmanager(
  options: { groupWaitMs?: number; groupIntervalMs?: number } = {},
): Promise<RealAlertmanager> {
  const binary = realPart('alertmanager');
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-alertmanager-'));
  const notifications: Notification[] = [];
  const { server, url: receiverUrl } = await startReceiver(notifications);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'alertmanager.yml');
  writeFileSync(config, configOf(receiverUrl, options.groupWaitMs ?? 0, options.groupIntervalMs ?? 1_000));
  const storage = join(folder, 'data');
  mkdirSync(storage);

  let child: ChildProcess | undefined;
  let log = '';
  const down = async (): Promise<void> => {
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return;
    const exited = new Promise((resolve) => ended.once('exit', resolve));
    ended.kill('SIGTERM');
    const timer = setTimeout(() => ended.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  const up = async (): Promise<void> => {
    const args = [
      `--config.file=${config}`,
      `--storage.path=${storage}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ];
    const started = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      log = (log + chunk.toString()).slice(-LOG_BYTES_MAX);
    };
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    child = started;
    await until(
      'Alertmanager is ready',
      async () => {
        if (started.exitCode !== null) throw new Error(`Alertmanager ended with code ${started.exitCode}: ${log}`);
        return fetch(`${url}/-/ready`).then(
          (answer) => answer.ok,
          () => false,
        );
      },
      READY_TIMEOUT_MS,
    );
  };
  const stop = async (): Promise<void> => {
    await down();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await up();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    receiver: { url: receiverUrl, notifications },
    async alerts() {
      const answer = await fetch(`${url}/api/v2/alerts?filter=${encodeURIComponent('generator="crowsnest"')}`);
      return (await answer.json()) as ActiveAlert[];
    },
    log: () => log,
    down,
    up,
    stop,
  };
}

async function startReceiver(notifications: Notification[]): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const atMs = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      notifications.push({ ...(JSON.parse(Buffer.concat(chunks).toString()) as Omit<Notification, 'atMs'>), atMs });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

function configOf(receiverUrl: string, groupWaitMs: number, groupIntervalMs: number): string {
  return [
    'route:',
    '  receiver: test',
    "  group_by: ['...']",
    `  group_wait: ${groupWaitMs}ms`,
    `  group_interval: ${groupIntervalMs}ms`,
    '  repeat_interval: 1h',
    'receivers:',
    '  - name: test',
    '    webhook_configs:',
    `      - url: ${receiverUrl}`,
    '        send_resolved: true',
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
