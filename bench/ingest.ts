/**
 * What an event costs from the watch to the disk: the real program against a load server, side by side with an informer that only caches
 * (bench/yardstick-informer.ts). The server streams N events once to each watch that asks from the beginning; the yardstick comes first,
 * because it lists in the old way, which works only until the events are out; Crowsnest's streaming list starts them over.
 *
 * Counted for Crowsnest: user and system time of all its processes from the moment the list is durable until the last event is
 * durable and judged, divided by the events in between. For the yardstick: the same of its process from the first event to the last.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { discoverKinds, type ResourceKind } from '../src/kube/discovery.ts';
import { connectKube } from '../src/kube/http-kube-client.ts';
import { startCrowsnest } from '../test/support/crowsnest-process.ts';
import { ProcessTree } from './process-tree.ts';
import { type Recorded, RecordReader } from './record-reader.ts';
import type { YardstickInput, YardstickReport } from './yardstick-informer.ts';

export interface IngestOptions {
  server: string;
  /** For the yardstick, where the server does not stream its events twice. */
  yardstickServer?: string | undefined;
  events: number;
  model: boolean;
}

export interface Cost {
  events: number;
  objects: number;
  cpuMicrosPerEvent: number;
  listCpuMicrosPerObject: number;
  eventsPerSecond: number;
  rssPeakMiB: number;
}

export interface IngestResult extends Cost {
  model: 'on' | 'off';
  /** cpuMicrosPerEvent to the yardstick's. */
  ratio: number;
  /** What the server says it sent. */
  sent: number;
  lost: number;
  duplicated: number;
  changes: number;
  heartbeats: number;
  /** The same with the work that was put off until after the last event, such as sealing blocks. */
  cpuMicrosPerEventSettled: number;
  rssAfterMiB: number;
  processes: number;
  bytesPerEvent: number;
  yardstick: Cost;
}

const POLL_MS = 25;
const STALL_MS = 60_000;
const SETTLE_MS = 2_000;
const SETTLED_SHARE = 0.05;

export async function measureIngest(options: IngestOptions): Promise<IngestResult> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-bench-'));
  try {
    const kubeconfig = writeKubeconfig(join(folder, 'kubeconfig'), options.server);
    const kinds = await kindsOf(kubeconfig);
    const yardstickConfig = writeKubeconfig(join(folder, 'yardstick'), options.yardstickServer ?? options.server);
    const yardstick = await measureYardstick({ kubeconfig: yardstickConfig, kinds, events: options.events });
    const own = await measureCrowsnest(options, kubeconfig, folder, yardstick.objects);
    return { ...own, ratio: round(own.cpuMicrosPerEvent / yardstick.cpuMicrosPerEvent, 2), yardstick };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function ingestText(result: IngestResult): string {
  const line = (name: string, cost: Cost) =>
    `${name.padEnd(10)} ${cost.cpuMicrosPerEvent} µs CPU per event, ${cost.listCpuMicrosPerObject} µs per listed object, ` +
    `${cost.eventsPerSecond} events/s, peak ${cost.rssPeakMiB} MiB\n`;
  const exact = `${result.sent} sent, ${result.lost} lost, ${result.duplicated} twice; model ${result.model}; ratio ${result.ratio}\n`;
  return line('informer', result.yardstick) + line('crowsnest', result) + exact;
}

async function measureYardstick(input: YardstickInput): Promise<Cost> {
  const child = fork(fileURLToPath(new URL('./yardstick-informer.ts', import.meta.url)));
  const tree = new ProcessTree(child.pid as number);
  try {
    return await new Promise<Cost>((resolve, reject) => {
      let listed = { objects: 0, cpuMicros: 0 };
      let seen = -1;
      let stalled = setTimeout(() => {}, 0);
      const alive = () => {
        clearTimeout(stalled);
        stalled = setTimeout(() => {
          const todo = 'The server streams its events once: start it afresh, or give --yardstick-server.';
          reject(new Error(`the yardstick got ${Math.max(0, seen)} of ${input.events} events and then nothing. ${todo}`));
        }, STALL_MS);
      };
      child.on('message', (message: YardstickReport) => {
        if (message.type === 'listed') listed = message;
        if (message.type !== 'progress' || message.events > seen) alive();
        if (message.type === 'progress') seen = message.events;
        if (message.type !== 'done') return;
        clearTimeout(stalled);
        resolve({
          events: input.events,
          objects: listed.objects,
          cpuMicrosPerEvent: round(message.cpuMicros / message.events, 1),
          listCpuMicrosPerObject: round(listed.cpuMicros / listed.objects, 1),
          eventsPerSecond: Math.round(message.events / message.seconds),
          rssPeakMiB: tree.rssPeakMiB(),
        });
      });
      child.once('exit', (code) => reject(new Error(`the yardstick ended with ${code}`)));
      alive();
      child.send(input);
    });
  } finally {
    tree.stop();
    child.kill('SIGKILL');
  }
}

async function measureCrowsnest(
  options: IngestOptions,
  kubeconfig: string,
  folder: string,
  objects: number,
): Promise<Omit<IngestResult, 'ratio' | 'yardstick'>> {
  const { events } = options;
  const file = join(folder, 'crowsnest.db');
  const sentBefore = await sentBy(options.server);
  const args = ['serve', '--kubeconfig', kubeconfig, '--db', file, '--log-level', 'warn'];
  const crowsnest = await startCrowsnest(options.model ? args : [...args, '--model', 'off']);
  const tree = new ProcessTree(crowsnest.pid);
  const record = new RecordReader(file, { judged: options.model });
  try {
    const started = tree.cpuMicros();
    const listed = await record.until(({ total }) => total >= objects, { pollMs: POLL_MS, stallMs: STALL_MS });
    const begin = { cpu: tree.cpuMicros(), atMs: performance.now(), events: listed.total - objects };
    const last = await record.until(({ total, pending }) => total >= objects + events && pending === 0, {
      pollMs: POLL_MS,
      stallMs: STALL_MS,
    });
    const end = { cpu: tree.cpuMicros(), atMs: performance.now() };
    const counted = last.total - objects - begin.events;
    const settledCpu = await whenSettled(tree);
    const rssAfterMiB = tree.rssMiB();
    const rssPeakMiB = tree.rssPeakMiB();
    tree.stop();
    await crowsnest.stop();
    const sent = await sentBy(options.server);
    const found = record.count();
    return {
      model: options.model ? 'on' : 'off',
      events,
      objects,
      sent: sent === undefined ? events : sent - (sentBefore ?? 0),
      ...exactness(found, sent === undefined ? events : sent - (sentBefore ?? 0)),
      changes: found.changes,
      heartbeats: found.heartbeats,
      cpuMicrosPerEvent: round((end.cpu - begin.cpu) / counted, 1),
      cpuMicrosPerEventSettled: round((settledCpu - begin.cpu) / counted, 1),
      listCpuMicrosPerObject: round((begin.cpu - started) / objects, 1),
      eventsPerSecond: Math.round((counted * 1000) / (end.atMs - begin.atMs)),
      rssPeakMiB,
      rssAfterMiB,
      processes: tree.processes,
      bytesPerEvent: Math.round(statSync(file).size / (objects + events)),
    };
  } catch (error) {
    process.stderr.write(crowsnest.log());
    throw error;
  } finally {
    tree.stop();
    record.close();
    await crowsnest.kill9();
  }
}

/** Each event is one change or one heartbeat; changes of the first list are none of the server's events. */
function exactness(found: Recorded, sent: number): { lost: number; duplicated: number } {
  const surplus = Math.max(0, found.distinct + found.heartbeats - sent);
  return { lost: Math.max(0, sent - found.distinct - found.heartbeats), duplicated: found.changes - found.distinct + surplus };
}

/** CPU time once the processes have come to rest. */
async function whenSettled(tree: ProcessTree): Promise<number> {
  for (let before = tree.cpuMicros(), round = 0; ; round++) {
    await delay(SETTLE_MS);
    const now = tree.cpuMicros();
    if (now - before < SETTLE_MS * 1000 * SETTLED_SHARE || round === 10) return now;
    before = now;
  }
}

async function kindsOf(kubeconfig: string): Promise<ResourceKind[]> {
  const client = await connectKube({ kubeconfig });
  try {
    return (await discoverKinds(client)).kinds;
  } finally {
    await client.close();
  }
}

async function sentBy(server: string): Promise<number | undefined> {
  const answer = await fetch(new URL('/flood/stats', server));
  if (!answer.ok) return undefined;
  return ((await answer.json()) as { sent: number }).sent;
}

function writeKubeconfig(file: string, server: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    // client-node takes a plain http:// server only with verification off; there is nothing to verify.
    clusters: [{ name: 'bench', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'bench', user: {} }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
