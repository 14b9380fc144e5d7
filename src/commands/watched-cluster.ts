/** One cluster as `serve` and `record` watch it: its sources, what it says of itself, and how its objects are reached. Each stands apart from the others. */
import type { App } from '../app.ts';
import type { CollectorMetrics } from '../collector/metrics.ts';
import type { CanaryStatus, ClusterReach, KindCoverage, Source } from '../collector/source.ts';
import { createCanary } from '../collector/watch/canary.ts';
import type { CanaryMetrics } from '../collector/watch/canary-metrics.ts';
import { type ClusterSource, createClusterSource } from '../collector/watch/cluster-source.ts';
import { blindSpots } from '../collector/watch/coverage.ts';
import { createKindSchemas } from '../collector/watch/kind-schemas.ts';
import type { KnownHead, KnownObjects, RecordedHead } from '../collector/watch/list-comparison.ts';
import type { BlindSpot } from '../domain/blind-spot.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { withFields } from '../telemetry/logger.ts';
import { selectionOf } from './clusters.ts';
import { createSideSources } from './side-sources.ts';

export interface WatchedCluster {
  readonly client: KubeClient;
  readonly sources: Source[];
  coverage(): KindCoverage[];
  reach(): ClusterReach;
  /** What should be seen of it and is not. */
  blindSpots(): BlindSpot[];
  /** For readiness. */
  checks(): { name: string; ok: boolean; detail: string }[];
  /** Where a kind's objects live in the API, from what discovery found. */
  resourceOf(ref: ObjectRef): { path: string } | undefined;
}

export interface WatchedClusterOptions {
  client: KubeClient;
  options: Options;
  metrics: CollectorMetrics;
  /** Without them there is no canary. */
  canaryMetrics?: CanaryMetrics;
  /** See ReflectorOptions. */
  parsesAll?: boolean;
}

/** What a cluster's sources ask of what was recorded of it: the store, or what a recording remembers. */
export interface Watching extends Pick<App, 'clock' | 'logger' | 'schemas'> {
  store: {
    heads(...of: Parameters<App['store']['heads']>): Iterable<KnownHead>;
    head(ref: ObjectRef): (RecordedHead & { state?: KubeObject }) | undefined;
    cursor(name: string): string | undefined;
    cursors(prefix: string): Record<string, string>;
  };
}

export function createWatchedCluster(
  app: Watching,
  { client, options, metrics, canaryMetrics, parsesAll }: WatchedClusterOptions,
): WatchedCluster {
  const { cluster } = client;
  const logger = withFields(app.logger, { cluster });
  const known: KnownObjects = {
    heads: (group, kind, namespace) => app.store.heads(cluster, group, kind, namespace),
    state: (ref) => app.store.head(ref)?.state,
    head: (ref) => app.store.head(ref),
  };
  const common = { client, clock: app.clock, logger, known, cursors: app.store };
  const reflector = { timing: { consistencyMs: options.consistencyRelist }, parsesAll };
  const schemas = createKindSchemas({ client, clock: app.clock, logger, book: app.schemas });
  const source = createClusterSource({ ...common, metrics, reflector, schemas, selection: selectionOf(options) });
  const namespace = canaryNamespaceOf(options.allow);
  const canary =
    namespace === undefined || canaryMetrics === undefined
      ? undefined
      : createCanary({ ...common, namespace, metrics: canaryMetrics });
  const side = createSideSources({ ...app, logger }, { client, options, source, metrics });
  const reach = (): ClusterReach => ({ ...source.reach(), ...(canary === undefined ? {} : { canary: canary.status() }) });
  return {
    client,
    sources: [source, ...side.sources, ...(canary === undefined ? [] : [canary])],
    coverage: () => [...source.coverage(), ...side.coverage()],
    reach,
    blindSpots: () => blindSpots(reach(), source.coverage()),
    checks: () => [watchCheck(source), ...(canary === undefined ? [] : [canaryCheck(cluster, canary.status())])],
    resourceOf: (ref) => resourceOf(source, ref),
  };
}

function resourceOf(source: ClusterSource, ref: ObjectRef): { path: string } | undefined {
  const kind = source.coverage().find((row) => row.group === ref.group && row.kind === ref.kind);
  if (kind === undefined) return undefined;
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const namespace = kind.namespaced ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  return { path: `${base}${namespace}/${kind.plural}/${encodeURIComponent(ref.name)}` };
}

/** From `--allow canary=NAMESPACE`; the last one counts. */
export function canaryNamespaceOf(allow: readonly string[]): string | undefined {
  return allow.findLast((write) => write.startsWith('canary='))?.slice('canary='.length);
}

function canaryCheck(cluster: string, { state, reason }: CanaryStatus): { name: string; ok: boolean; detail: string } {
  return { name: `canary of ${cluster}`, ok: state !== 'missing', detail: reason ?? state };
}

/** Silence is not health: a cluster that is not reached, and a watch that went stale or broke, make the service not ready. */
function watchCheck(source: ClusterSource): { name: string; ok: boolean; detail: string } {
  const { cluster, state, reason } = source.reach();
  const name = `watches of ${cluster}`;
  if (state === 'connecting') return { name, ok: false, detail: 'no kind discovered yet' };
  if (state === 'unreachable') return { name, ok: false, detail: `the cluster is not reached: ${reason ?? ''}` };
  const rows = source.coverage();
  const bad = rows.filter((row) => row.state === 'stale' || row.state === 'broken');
  const count = (wanted: KindCoverage['state']) => rows.filter((row) => row.state === wanted).length;
  const detail =
    bad.length === 0
      ? `${count('watched')} kinds watched, ${count('listing')} still listing, ${count('forbidden')} forbidden`
      : bad.map((row) => `${row.kind}.${row.group} ${row.state}: ${row.reason ?? ''}`).join('; ');
  return { name, ok: bad.length === 0, detail };
}
