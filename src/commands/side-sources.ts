/** What is collected of a cluster beside its objects: Kubernetes Events and the metrics of its controllers. */
import type { App } from '../app.ts';
import type { ClusterSource } from '../collector/cluster-source.ts';
import { createKubeEventSource } from '../collector/kube-event-source.ts';
import type { CollectorMetrics } from '../collector/metrics.ts';
import { createScraper } from '../collector/reconcile-scraper.ts';
import type { KindCoverage, Source } from '../collector/source.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';

export interface SideSources {
  sources: Source[];
  /** How well Events are seen, as rows beside those of the kinds. */
  coverage(): KindCoverage[];
}

/** How long the list of watched kinds is taken for what it was, as it is asked for every Event. */
const KINDS_FRESH_MS = 1_000;

export function createSideSources(
  app: Pick<App, 'store' | 'clock' | 'logger'>,
  {
    client,
    options,
    source,
    metrics,
  }: { client: KubeClient; options: Options; source: ClusterSource; metrics: CollectorMetrics },
): SideSources {
  const scrapers = createScrapers(app, client, options, metrics);
  if (options.kubeEvents === 'off') return { sources: scrapers, coverage: () => [] };
  const events = createKubeEventSource({
    ...{ client, metrics, clock: app.clock, logger: app.logger, cursors: app.store },
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    isWanted: watchedKinds(app, source),
    // Before discovery every Event would be of an unknown kind.
    isReady: () => source.coverage().length > 0,
  });
  return { sources: [...scrapers, events], coverage: () => [events.coverage()] };
}

function watchedKinds({ clock }: Pick<App, 'clock'>, source: ClusterSource): (group: string, kind: string) => boolean {
  let kinds = new Set<string>();
  let readMs = Number.NEGATIVE_INFINITY;
  return (group, kind) => {
    const nowMs = clock.nowMs();
    if (Math.abs(nowMs - readMs) > KINDS_FRESH_MS) {
      kinds = new Set(
        source
          .coverage()
          .filter((row) => row.state !== 'excluded')
          .map((row) => `${row.group}/${row.kind}`),
      );
      readMs = nowMs;
    }
    return kinds.has(`${group}/${kind}`);
  };
}

export function createScrapers(
  app: Pick<App, 'clock' | 'logger'>,
  client: KubeClient,
  options: Options,
  metrics?: CollectorMetrics,
): Source[] {
  if (options.metricsTarget.length === 0) return [];
  // Read once now, so that a wrong path is said at the start; the scraper reads it again as it rotates.
  if (options.metricsTokenFile !== undefined) readSecretFile(options.metricsTokenFile, '--metrics-token-file');
  return [
    createScraper({
      targets: options.metricsTarget.map((url) => ({
        url,
        intervalMs: options.scrapeInterval,
        token: options.metricsTokenFile === undefined ? undefined : { file: options.metricsTokenFile },
        foundBy: 'list',
      })),
      cluster: client.cluster,
      clock: app.clock,
      logger: app.logger,
      metrics,
    }),
  ];
}
