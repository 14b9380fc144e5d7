/**
 * SIGKILL while changes come in, and a start after it, again and again: how long until the API answers from the record, until something is recorded again,
 * and until something is judged again, which waits until the model knows again what it knew.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CrowsnestProcess, startCrowsnest } from '../test/support/crowsnest-process.ts';
import { startFakeApiServer } from '../test/support/fake-api-server.ts';
import { ProcessTree } from './process-tree.ts';
import { mulberry32 } from './random.ts';
import { RecordReader } from './record-reader.ts';

export interface KillStartsOptions {
  kills: number;
  seed: number;
  /** A load server whose watches always have something to tell; else one of our own, of so many objects and changes a second. */
  server?: string | undefined;
  objects: number;
  rate: number;
  /** Under load before each kill: up to twice as long, and at least a moment. */
  seconds: number;
  /** Begun with it and left; else a new one that goes afterwards. */
  db?: string | undefined;
}

/** Since the process was started: by the clock, and of the processor for it and what it started. */
export interface Moment {
  ms: number;
  cpuMs: number;
}

export interface Start {
  answers: Moment;
  /** Undefined where nothing came. */
  records: Moment | undefined;
  judges: Moment | undefined;
  /** Found at the start: of the database's log, and changes that are not judged. */
  logBytes: number;
  unjudged: number;
}

export interface KillStartsResult {
  kills: number;
  /** Of a database that was not left by a kill. */
  first: Start;
  starts: Start[];
}

const POLL_MS = 10;
const STALL_MS = 120_000;
const START_TIMEOUT_MS = 120_000;

export async function measureKillStarts(options: KillStartsOptions): Promise<KillStartsResult> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-kill-starts-'));
  const load = options.server === undefined ? await startLoad(options) : undefined;
  const random = mulberry32(options.seed);
  const file = options.db ?? join(folder, 'crowsnest.db');
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, load?.kubeconfig ?? kubeconfigOf(options.server as string));
  const args = ['serve', '--kubeconfig', kubeconfig, '--db', file, '--log-level', 'error'];
  let crowsnest: CrowsnestProcess | undefined;
  const begin = async (): Promise<Start> => {
    const started = await startAt(args, file);
    crowsnest = started.crowsnest;
    return started.start;
  };
  try {
    const first = await begin();
    const starts: Start[] = [];
    for (let kill = 0; kill < options.kills; kill++) {
      await delay(options.seconds * 2_000 * random());
      await crowsnest?.kill9();
      starts.push(await begin());
    }
    return { kills: options.kills, first, starts };
  } finally {
    await crowsnest?.kill9();
    await load?.stop();
    rmSync(folder, { recursive: true });
  }
}

export function killStartsText({ first, starts }: KillStartsResult): string {
  const cell = (moment: Moment | undefined) => (moment === undefined ? 'never' : `${moment.ms} (${moment.cpuMs})`).padEnd(16);
  const line = (name: string, { answers, records, judges, logBytes, unjudged }: Start) =>
    `${name.padEnd(14)}${cell(answers)}${cell(records)}${cell(judges)}${String(Math.round(logBytes / 1e5) / 10).padEnd(12)}${unjudged}\n`;
  const head = `${'ms (cpu ms)'.padEnd(14)}${['answers', 'records', 'judges'].map((name) => name.padEnd(16)).join('')}log MB      unjudged\n`;
  return head + line('first', first) + starts.map((start, i) => line(`after kill ${i + 1}`, start)).join('');
}

async function startAt(args: string[], file: string): Promise<{ crowsnest: CrowsnestProcess; start: Start }> {
  const logBytes = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const fromMs = performance.now();
  const crowsnest = await startCrowsnest(args, { timeoutMs: START_TIMEOUT_MS });
  const tree = new ProcessTree(crowsnest.pid);
  const now = (): Moment => ({ ms: Math.round(performance.now() - fromMs), cpuMs: Math.round(tree.cpuMicros() / 1000) });
  await crowsnest.get('/v1/changes?limit=1');
  const answers = now();
  // Opened now and closed before the kill: a reader from outside would keep the log in order over it, which is for the start to do.
  const record = new RecordReader(file, { judged: true });
  try {
    const found = record.now();
    const reached = async (what: (now: typeof found) => boolean): Promise<Moment | undefined> =>
      what(await record.until(what, { pollMs: POLL_MS, stallMs: STALL_MS })) ? now() : undefined;
    const records = await reached(({ total }) => total > found.total);
    const judges = await reached(({ judged }) => judged > found.judged);
    return { crowsnest, start: { answers, records, judges, logBytes, unjudged: found.pending } };
  } finally {
    tree.stop();
    record.close();
  }
}

const KIND = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };

async function startLoad({ objects, rate }: KillStartsOptions): Promise<{ kubeconfig: string; stop(): Promise<void> }> {
  const api = await startFakeApiServer({ kinds: [KIND] });
  const write = (n: number) =>
    api.apply({
      ...{ apiVersion: 'test.dev/v1', kind: 'Widget' },
      metadata: { namespace: `team-${n % 7}`, name: `w-${n % objects}` },
      spec: { size: n, replicas: 3, image: `registry.example/widget:${n % 5}` },
    });
  for (let n = 0; n < objects; n++) write(n);
  const beganMs = performance.now();
  let written = objects;
  const timer = setInterval(() => {
    const due = objects + ((performance.now() - beganMs) * rate) / 1000;
    for (; written < due; written++) write(written);
  }, 20);
  return {
    kubeconfig: api.kubeconfig(),
    async stop() {
      clearInterval(timer);
      await api.close();
    },
  };
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'load' },
    clusters: [{ name: 'load', cluster: { server } }],
    users: [{ name: 'load', user: {} }],
    contexts: [{ name: 'load', context: { cluster: 'load', user: 'load' } }],
  });
}
