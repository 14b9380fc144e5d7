/**
 * The yardstick: client-node's informer, which parses and caches and does nothing else. A process of its own, started by bench/ingest.ts
 * with a kubeconfig, the kinds and the number of events to wait for; reports over IPC.
 */
import {
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node';
import type { ResourceKind } from '../src/kube/discovery.ts';

export interface YardstickInput {
  kubeconfig: string;
  kinds: ResourceKind[];
  events: number;
}

export type YardstickReport =
  | { type: 'listed'; objects: number; cpuMicros: number }
  | { type: 'progress'; events: number }
  /** `events` between the callbacks of the first one behind all lists and of the last: transport, parsing and the cache of each. */
  | { type: 'done'; events: number; cpuMicros: number; seconds: number };

const PROGRESS_MS = 500;

async function main({ kubeconfig, kinds, events }: YardstickInput): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  let objects = 0;
  let seen = 0;
  let listed = false;
  let first: { cpu: NodeJS.CpuUsage; atMs: number; seen: number } | undefined;

  const onUpdate = () => {
    seen += 1;
    if (listed) first ??= { cpu: process.cpuUsage(), atMs: performance.now(), seen };
    if (seen !== events) return;
    if (first === undefined) throw new Error('all events came before the lists were done: too few of them to measure');
    const seconds = (performance.now() - first.atMs) / 1000;
    report({ type: 'done', events: seen - first.seen, cpuMicros: microsSince(first.cpu), seconds });
  };
  const start = process.cpuUsage();
  await Promise.all(
    kinds.map(({ group, version, plural }) => {
      const list = () =>
        api.listClusterCustomObject({ group, version, plural }) as Promise<KubernetesListObject<KubernetesObject>>;
      const informer = makeInformer(config, `/apis/${group}/${version}/${plural}`, list);
      informer.on('add', () => {
        objects += 1;
      });
      informer.on('update', onUpdate);
      informer.on('error', (error: unknown) => {
        throw error;
      });
      return informer.start();
    }),
  );
  listed = true;
  report({ type: 'listed', objects, cpuMicros: microsSince(start) });
  setInterval(() => report({ type: 'progress', events: seen }), PROGRESS_MS);
}

function microsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

function report(message: YardstickReport): void {
  process.send?.(message);
}

process.once('disconnect', () => process.exit());
process.once('message', (input) => void main(input as YardstickInput));
