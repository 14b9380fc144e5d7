/** A real Prometheus that scrapes what a test serves, started for a test file and gone with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './real-apiserver.ts';
import { realPart } from './skip-real.ts';
import { until } from './until.ts';

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const LOG_BYTES_MAX = 200_000;

export interface RealPrometheus {
  /** http://127.0.0.1:PORT, the same after a restart. */
  url: string;
  /** Raw samples of a series with their own times, of the last ten minutes. */
  samples(selector: string): Promise<[milliseconds: number, value: number][]>;
  log(): string;
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

/** Scrapes `host:port` targets once a second; a missing Prometheus is to be skipped by `skipWithout('prometheus')` beforehand. */
export async function startPrometheus(targets: string[]): Promise<RealPrometheus> {
  const binary = realPart('prometheus');
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-prometheus-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'prometheus.yml');
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: 'controllers', static_configs: [{ targets, labels: { cluster: 'prod', namespace: 'ops' } }] }],
    }),
  );
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
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=native-histograms',
    ];
    const started = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      log = (log + chunk.toString()).slice(-LOG_BYTES_MAX);
    };
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    child = started;
    const isReady = async () => {
      if (started.exitCode !== null) throw new Error(`Prometheus ended with code ${started.exitCode}: ${log}`);
      return fetch(`${url}/-/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
    };
    await until('Prometheus is ready', isReady, READY_TIMEOUT_MS);
  };
  // A test that is killed takes its Prometheus with it.
  const kill = () => void child?.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    await down();
    process.off('exit', kill);
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
    async samples(selector) {
      const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: `${selector}[10m]` })}`);
      const body = (await answer.json()) as { data: { result: { values?: [number, string][] }[] } };
      return body.data.result.flatMap(({ values = [] }) =>
        values.map(([seconds, value]): [number, number] => [Math.round(seconds * 1000), Number(value)]),
      );
    },
    log: () => log,
    down,
    up,
    stop,
  };
}
