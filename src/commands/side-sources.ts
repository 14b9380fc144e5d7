/** What is collected of a cluster beside its objects: Kubernetes Events and the metrics of its controllers. */
import type { App } from '../app.ts';
import type { CollectorMetrics } from '../collector/metrics.ts';
import type { ClusterSource } from '../collector/watch/cluster-source.ts';
import { createKubeEventSource } from '../collector/watch/kube-event-source.ts';
import { apiVersionOf } from '../domain/object-ref.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { createMetricsSources, type MetricsSources } from './metrics-sources.ts';

/** How long the list of watched kinds is taken for what it was, as it is asked for every Event. */
const KINDS_FRESH_MS = 1_000;

export function createSideSources(
  app: Pick<App, 'clock' | 'logger'> & { store: Pick<App['store'], 'cursor'> },
  {
    client,
    options,
    source,
    metrics,
  }: { client: KubeClient; options: Options; source: ClusterSource; metrics: CollectorMetrics },
): MetricsSources {
  const pages = createMetricsSources(app, { client, options, metrics, cursors: app.store });
  metrics.watchTargets(() => pages.health());
  if (options.kubeEvents === 'off') return pages;
  const followed = followedKinds(app, source);
  const events = createKubeEventSource({
    ...{ client, metrics, clock: app.clock, logger: app.logger, cursors: app.store },
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    isWanted: ({ group, kind, namespace }) =>
      followed().kinds.has(`${group}/${kind}`) && !options.excludeNamespace.includes(namespace),
    watchedVersions: () => followed().versions,
    // Before discovery every Event would be of an unknown kind.
    isReady: () => source.coverage().length > 0,
  });
  return { ...pages, sources: [...pages.sources, events], coverage: () => [events.coverage(), ...pages.coverage()] };
}

interface Followed {
  kinds: ReadonlySet<string>;
  versions: ReadonlySet<string>;
}

function followedKinds({ clock }: Pick<App, 'clock'>, source: ClusterSource): () => Followed {
  let followed: Followed = { kinds: new Set(), versions: new Set() };
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.nowMs();
    if (Math.abs(nowMs - readMs) <= KINDS_FRESH_MS) return followed;
    const rows = source.coverage().filter(({ state }) => state !== 'excluded');
    followed = { kinds: new Set(rows.map(({ group, kind }) => `${group}/${kind}`)), versions: new Set(rows.map(apiVersionOf)) };
    readMs = nowMs;
    return followed;
  };
}
