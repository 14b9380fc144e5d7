/**
 * Watches the Kubernetes Events of one cluster and delivers those about watched kinds. The reflector does the watching, so positions,
 * refusals and silence are dealt with as for any kind; a cluster that forbids Events is asked again now and then, and says so in coverage.
 */
import type { KubeEvent } from '../../domain/kube-event.ts';
import type { ObjectRef } from '../../domain/object-ref.ts';
import type { ResourceKind } from '../../kube/discovery.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { KindCoverage, Sink, Source, SourceBatch } from '../source.ts';
import { mergeCoverage } from './coverage.ts';
import { readKubeEvent } from './read-kube-event.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

export interface KubeEventSourceOptions
  extends Pick<ReflectorOptions, 'client' | 'clock' | 'logger' | 'metrics' | 'cursors' | 'timing'> {
  /** Only Events of these namespaces. */
  namespaces?: string[] | undefined;
  /** Whether the Events of an object are wanted; asked for every Event. */
  isWanted: (ref: ObjectRef) => boolean;
  /** Versions (`apps/v1`) of which there are watched kinds; asked at every connection. */
  watchedVersions?: (() => ReadonlySet<string>) | undefined;
  /** Watching begins when this is true. */
  isReady?: (() => boolean) | undefined;
}

export interface KubeEventSource extends Source {
  coverage(): KindCoverage;
}

const EVENTS: ResourceKind = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
/** Nearly all Events of a cluster are about these, so the server is asked to keep to itself those of kinds that nobody watches. */
const OF_WORKLOADS = ['v1', 'apps/v1', 'batch/v1', 'autoscaling/v1', 'autoscaling/v2', 'policy/v1', 'networking.k8s.io/v1'];
/** Events are an extra: a cluster that forbids them is not asked every few seconds. */
const FORBIDDEN_MS = 60_000;
const READY_POLL_MS = 250;

export function createKubeEventSource(options: KubeEventSourceOptions): KubeEventSource {
  const { client, clock, logger, metrics, cursors, namespaces, isWanted } = options;
  const fieldSelector = () => {
    const watched = options.watchedVersions?.();
    return OF_WORKLOADS.filter((version) => watched?.has(version) !== true)
      .map((version) => `regarding.apiVersion!=${version}`)
      .join(',');
  };
  const parts = (namespaces ?? [undefined]).map((namespace) => ({
    namespace,
    reflector: new Reflector({
      ...{ clock, logger, metrics, cursors, namespace, kind: EVENTS, parsesAll: true },
      client: selecting(client, fieldSelector),
      // Events are deleted after an hour by the server itself, which is no news of them.
      known: { heads: () => [] },
      // No record to compare with, so nothing to find missing.
      timing: { forbiddenMs: FORBIDDEN_MS, consistencyMs: 0, ...options.timing },
    }),
  }));
  const deliver = (sink: Sink): Sink => {
    return (batch) => sink(eventsOf(batch, isWanted));
  };
  return {
    name: `Events of ${client.cluster}`,
    coverage: () => mergeCoverage(parts.map(({ namespace, reflector }) => ({ namespace, coverage: reflector.coverage() }))),
    async run(sink, signal) {
      while (options.isReady?.() === false && !signal.aborted) await clock.sleep(READY_POLL_MS, signal).catch(() => {});
      if (signal.aborted) return;
      await Promise.all(parts.map(({ reflector }) => reflector.run(deliver(sink), signal)));
    },
  };
}

function eventsOf(batch: SourceBatch, isWanted: KubeEventSourceOptions['isWanted']): SourceBatch {
  const kubeEvents: KubeEvent[] = [];
  for (const { type, object, cluster, observedMs } of batch.observations) {
    if (type === 'DELETED') continue;
    const event = readKubeEvent(object, cluster, observedMs);
    if (event !== undefined && isWanted(event.ref)) kubeEvents.push(event);
  }
  const { rejects, cursors } = batch;
  return { observations: [], kubeEvents, ...(rejects && { rejects }), ...(cursors && { cursors }) };
}

/** The same client, asking for less. */
function selecting(client: KubeClient, fieldSelector: () => string): KubeClient {
  return {
    cluster: client.cluster,
    stream: (path, options) => client.stream(path, { ...options, query: { ...options.query, fieldSelector: fieldSelector() } }),
    request: (method, path, options) => client.request(method, path, options),
    close: () => client.close(),
  };
}
