/** The program itself on a large database: how long after its start it answers, and how fast. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../src/demo/random.ts';
import type { ObjectRef } from '../src/domain/object-ref.ts';
import { createModel, SNAPSHOT_VERSION } from '../src/model/ensemble.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { startCrowsnest } from '../test/support/crowsnest-process.ts';
import { Latencies, type Latency } from './latency.ts';
import { ProcessTree } from './process-tree.ts';
import { CLUSTER, namespaceName, personName } from './synthetic-cluster.ts';

export interface ApiStart {
  /** From the start of the process to the first answer from the record, each of some starts. */
  answersAfterMs: number[];
  /** Of these, what the processor was used for; the rest is waiting for it and for the disk. */
  answersAfterCpuMs: number[];
  /** Over HTTP, by name. */
  questions: Record<string, Latency>;
}

const STARTS = 3;
/** Below what the API takes from one address in a minute. */
const SAMPLES = 100;
const LEARNT = 20_000;

/**
 * As a restart finds it: everything judged, and the model as it was kept, learnt from the newest changes. Without it the first start would have years to
 * judge, which is no question about the store.
 */
export function markAsJudged(file: string): void {
  const store = openSqliteStore({ file, create: false });
  try {
    const seq = store.changes({ limit: 1 }).items[0]?.seq ?? 0;
    if (Number(store.cursor('analysis.changes') ?? 0) === seq && store.loadSnapshot('model')?.version === SNAPSHOT_VERSION)
      return;
    const model = createModel({ timeZone: 'UTC' });
    for (let at = Math.max(0, seq - LEARNT); at < seq; ) {
      const changes = store.changesAfter(at, 500);
      for (const change of changes) model.observe(change);
      at = changes.at(-1)?.seq ?? seq;
    }
    const blob = Buffer.concat([Buffer.alloc(8), model.snapshot()]);
    store.saveSnapshot('model', { version: SNAPSHOT_VERSION, seq, blob });
    store.commitAnalysis({ findings: [], cursors: { 'analysis.changes': String(seq) } });
  } finally {
    store.close();
  }
}

export async function measureApi(file: string, random: Random): Promise<ApiStart> {
  markAsJudged(file);
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-bench-'));
  try {
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, unreachable());
    const args = ['serve', '--kubeconfig', kubeconfig, '--db', file, '--log-level', 'error'];
    const answersAfterMs: number[] = [];
    const answersAfterCpuMs: number[] = [];
    let questions: ApiStart['questions'] = {};
    for (let start = 0; start < STARTS; start++) {
      const fromMs = performance.now();
      const crowsnest = await startCrowsnest(args, { timeoutMs: 120_000 });
      const processes = new ProcessTree(crowsnest.pid);
      try {
        await crowsnest.get('/v1/changes?limit=1');
        answersAfterMs.push(Math.round(performance.now() - fromMs));
        answersAfterCpuMs.push(Math.round(processes.cpuMicros() / 1000));
        if (start === STARTS - 1) questions = await ask(crowsnest, random);
      } finally {
        processes.stop();
        await crowsnest.stop();
      }
    }
    return { answersAfterMs, answersAfterCpuMs, questions };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function ask(api: { get<T>(path: string): Promise<T> }, random: Random): Promise<ApiStart['questions']> {
  const { items } = await api.get<{ items: { type: string; time: string; ref: ObjectRef }[] }>('/v1/changes?limit=500');
  const known = items.filter(({ type }) => type !== 'DELETED');
  const objectPath = ({ cluster, group, kind, namespace, name }: ObjectRef) =>
    `/v1/objects/${[cluster, group, kind, namespace, name].map(encodeURIComponent).join('/')}`;
  const asked: [string, () => string][] = [
    ['history', () => `${objectPath(random.pick(known).ref)}/history?limit=100`],
    [
      'atObject',
      () => {
        const { ref, time } = random.pick(known);
        return `${objectPath(ref)}/state?at=${time}`;
      },
    ],
    ['path', () => '/v1/changes?kind=Kafka&path=%2Fspec%2Freplicas&limit=100'],
    ['actor', () => `/v1/changes?actor=${encodeURIComponent(personName(random.int(0, 149)))}&limit=100`],
    ['objectsOfNamespace', () => `/v1/objects?cluster=${CLUSTER}&namespace=${namespaceName(random.int(0, 199))}&limit=500`],
  ];
  const answers: ApiStart['questions'] = {};
  for (const [name, path] of asked) {
    const latencies = new Latencies();
    for (let n = 0; n < SAMPLES; n++) {
      const target = path();
      const fromMs = performance.now();
      await api.get(target);
      latencies.add(performance.now() - fromMs);
    }
    answers[name] = latencies.told();
  }
  return answers;
}

/** A cluster that does not answer: what is recorded must be readable all the same. */
function unreachable(): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: CLUSTER, cluster: { server: 'https://127.0.0.1:9' } }],
    users: [{ name: 'bench', user: {} }],
    contexts: [{ name: CLUSTER, context: { cluster: CLUSTER, user: 'bench' } }],
    'current-context': CLUSTER,
  });
}
