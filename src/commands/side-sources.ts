/** What is collected of a cluster beside its objects: Kubernetes Events and the metrics of its controllers. */
import { existsSync } from 'node:fs';
import type { App } from '../app.ts';
import type { ClusterSource } from '../collector/cluster-source.ts';
import { createKubeEventSource } from '../collector/kube-event-source.ts';
import type { CollectorMetrics } from '../collector/metrics.ts';
import { createMetricsDiscovery } from '../collector/metrics-discovery.ts';
import { createScraper, type TargetHealth } from '../collector/reconcile-scraper.ts';
import type { ScrapeTarget } from '../collector/scrape-target.ts';
import type { KindCoverage, Source } from '../collector/source.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';

export interface SideSources {
  sources: Source[];
  /** How each metrics page fares. */
  health(): TargetHealth[];
  /** How well Events are seen and what discovery may not read, as rows beside those of the kinds. */
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
  const pages = createMetricsSources(app, { client, options, metrics });
  if (options.kubeEvents === 'off') return pages;
  const events = createKubeEventSource({
    ...{ client, metrics, clock: app.clock, logger: app.logger, cursors: app.store },
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    isWanted: watchedKinds(app, source),
    // Before discovery every Event would be of an unknown kind.
    isReady: () => source.coverage().length > 0,
  });
  return { ...pages, sources: [...pages.sources, events], coverage: () => [events.coverage(), ...pages.coverage()] };
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

/** Where a pod finds its service account's own token. */
const OWN_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** Pages read of one cluster; each costs a request per interval. */
const TARGETS_MAX = 500;

/** The pages named one by one, and those that discovery finds, read by one scraper. */
export function createMetricsSources(
  app: Pick<App, 'clock' | 'logger'>,
  { client, options, metrics }: { client: KubeClient; options: Options; metrics?: CollectorMetrics },
): SideSources {
  const { metricsTarget, metricsDiscovery: ways, metricsTokenFile, metricsCaFile, scrapeInterval: intervalMs } = options;
  if (metricsTarget.length === 0 && ways.length === 0) return { sources: [], health: () => [], coverage: () => [] };
  // Read once now, so that a wrong path is said at the start; both are read again as they rotate.
  if (metricsTokenFile !== undefined) readSecretFile(metricsTokenFile, '--metrics-token-file');
  const ca = () => (metricsCaFile === undefined ? undefined : readSecretFile(metricsCaFile, '--metrics-ca-file'));
  const token = metricsTokenFile === undefined ? undefined : { file: metricsTokenFile };
  const tls = metricsCaFile === undefined ? undefined : { ca: ca() };
  const listed = metricsTarget.map((url): ScrapeTarget => ({ url, intervalMs, token, tls, foundBy: 'list' }));
  const { clock, logger } = app;
  const scraper = createScraper({ targets: listed, cluster: client.cluster, clock, logger, metrics });
  if (ways.length === 0) return { sources: [scraper], health: () => scraper.health(), coverage: () => [] };
  const isInCluster = options.kubeconfig === undefined && options.context.length === 0 && existsSync(OWN_TOKEN_FILE);
  const discovery = createMetricsDiscovery({
    ...{ client, clock, logger, ways, metrics },
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    policy: () => ({
      intervalMs,
      tokenNamespaces: options.metricsTokenNamespace,
      metricsToken: token,
      ownToken: isInCluster ? { file: OWN_TOKEN_FILE } : undefined,
      ca: ca(),
      targetsMax: TARGETS_MAX,
      excludedNamespaces: options.excludeNamespace,
    }),
    onTargets: (found) => scraper.setTargets([...listed, ...found]),
  });
  return { sources: [scraper, discovery], health: () => scraper.health(), coverage: () => discovery.coverage() };
}
