/** Where the metrics of a cluster's controllers come from: pages that are named, pages that are found, a Prometheus that has them. */
import { existsSync } from 'node:fs';
import type { App } from '../app.ts';
import type { CollectorMetrics } from '../collector/metrics.ts';
import { createMetricsDiscovery } from '../collector/reconcile/metrics-discovery.ts';
import { createPrometheusSource, type PrometheusSource } from '../collector/reconcile/prometheus-source.ts';
import { createScraper } from '../collector/reconcile/reconcile-scraper.ts';
import type { ScrapeTarget } from '../collector/reconcile/scrape-target.ts';
import type { TargetHealth } from '../collector/reconcile/target-health.ts';
import type { KindCoverage, Source } from '../collector/source.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';

export interface MetricsSources {
  sources: Source[];
  /** How each page, and a Prometheus, fares. */
  health(): TargetHealth[];
  /** What discovery may not read, as rows beside those of the kinds. */
  coverage(): KindCoverage[];
}

interface Given {
  client: KubeClient;
  options: Options;
  metrics?: CollectorMetrics;
  /** Positions of earlier runs. */
  cursors: { cursor(name: string): string | undefined };
}
type Parts = Pick<App, 'clock' | 'logger'>;

/** Where a pod finds its service account's own token. */
const OWN_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** Pages read of one cluster; each costs a request per interval. */
const TARGETS_MAX = 500;
const NOTHING: MetricsSources = { sources: [], health: () => [], coverage: () => [] };

export function createMetricsSources(app: Parts, given: Given): MetricsSources {
  const pages = createPages(app, given);
  const prometheus = createPrometheus(app, given);
  if (prometheus === undefined) return pages;
  return {
    ...pages,
    sources: [...pages.sources, prometheus],
    health: () => [...pages.health(), prometheus.health()],
  };
}

/** The pages named one by one, and those that discovery finds, read by one scraper. */
function createPages({ clock, logger }: Parts, { client, options, metrics }: Given): MetricsSources {
  const { metricsTarget, metricsDiscovery: ways, metricsTokenFile, metricsCaFile, scrapeInterval: intervalMs } = options;
  if (metricsTarget.length === 0 && ways.length === 0) return NOTHING;
  // Read once now, so that a wrong path is said at the start; both are read again as they rotate.
  if (metricsTokenFile !== undefined) readSecretFile(metricsTokenFile, '--metrics-token-file');
  const ca = () => (metricsCaFile === undefined ? undefined : readSecretFile(metricsCaFile, '--metrics-ca-file'));
  const token = metricsTokenFile === undefined ? undefined : { file: metricsTokenFile };
  const tls = metricsCaFile === undefined ? undefined : { ca: ca() };
  const listed = metricsTarget.map((url): ScrapeTarget => ({ url, intervalMs, token, tls, foundBy: 'list' }));
  const scraper = createScraper({ targets: listed, cluster: client.cluster, clock, logger, metrics });
  if (ways.length === 0) return { ...NOTHING, sources: [scraper], health: () => scraper.health() };
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

function createPrometheus({ clock, logger }: Parts, { client, options, metrics, cursors }: Given): PrometheusSource | undefined {
  const { prometheusUrl: url, prometheusTokenFile: tokenFile, prometheusCaFile: caFile } = options;
  if (url === undefined) return undefined;
  if (tokenFile !== undefined) readSecretFile(tokenFile, '--prometheus-token-file');
  return createPrometheusSource({
    ...{ url, clock, logger, metrics, cursors, tokenFile, cluster: client.cluster },
    ca: caFile === undefined ? undefined : readSecretFile(caFile, '--prometheus-ca-file'),
    match: options.prometheusMatch,
    intervalMs: options.scrapeInterval,
    backfillMs: options.prometheusBackfill,
  });
}
