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
  /** From the first event's callback to the last one's: parsing, the cache and the transport of all events but the first. */
  | { type: 'done'; events: number; cpuMicros: number; seconds: number };

const PROGRESS_MS = 500;

async function main({ kubeconfig, kinds, events }: YardstickInput): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  let objects = 0;
  let seen = 0;
  let first = { cpu: process.cpuUsage(), atMs: performance.now() };

  const onUpdate = () => {
    seen += 1;
    if (seen === 1) first = { cpu: process.cpuUsage(), atMs: performance.now() };
    if (seen !== events) return;
    report({ type: 'done', events: seen, cpuMicros: microsSince(first.cpu), seconds: (performance.now() - first.atMs) / 1000 });
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
