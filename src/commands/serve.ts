import { type App, createApp } from '../app.ts';
import { createKindLookup } from '../collector/claim-kinds.ts';
import { type ClusterSource, createClusterSource } from '../collector/cluster-source.ts';
import { blindSpots } from '../collector/coverage.ts';
import { createIngestMetrics } from '../collector/ingest-metrics.ts';
import { type CollectorMetrics, createCollectorMetrics } from '../collector/metrics.ts';
import type { ObjectRef } from '../domain/object-ref.ts';
import { connectKube } from '../kube/http-kube-client.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';
import { createApiIngest } from './ingest.ts';
import { untilStopped } from './outcome.ts';
import { createSideSources } from './side-sources.ts';
import type { Terminal } from './terminal.ts';

/** Watches a cluster and speaks up about it, until stopped. */
export async function runServe(options: Options, terminal: Terminal): Promise<number> {
  // Reads the kubeconfig, no more; before the app, so that a mistyped path leaves no database behind.
  const client = await connectKube({ kubeconfig: options.kubeconfig, context: options.context, cluster: options.cluster });
  await using app = createApp({ options, defaultDb: 'crowsnest.db', signal: terminal.signal });
  const metrics = createCollectorMetrics(app.registry).of(client.cluster);
  const source = createSource(app, client, options, metrics);
  const side = createSideSources(app, { client, options, source, metrics });
  app.joinClaims({ kindOf: createKindLookup({ coverage: () => source.coverage(), clock: app.clock }) });

  const ingestMetrics = createIngestMetrics(app.registry);
  const served = await app.serveApi({
    version: terminal.version,
    coverage: () => [...source.coverage(), ...side.coverage()],
    checks: () => [watchCheck(source)],
    token: terminal.token,
    ingest: (apiToken) => createApiIngest(app, ingestMetrics, options, { cluster: client.cluster, apiToken }),
  });
  const fragment = options.tokenFile === undefined && terminal.token === undefined ? `/#token=${served.token}` : '';
  terminal.note(`page and API: ${served.url}${fragment}\n`);

  // What a crash left recorded but unjudged is judged before anything new comes in.
  app.analysis.catchUp();
  app.startResponding({ client, resourceOf: (ref) => resourceOf(source, ref) });
  app.startHousekeeping({ live: true });
  app.startCoverageAlerts(() => blindSpots(source.coverage()));
  const sources = [source, ...side.sources].map((each) => app.run(each));
  await Promise.race([untilStopped(terminal.signal), Promise.all(sources)]);
  await app.stop();
  await Promise.allSettled(sources);
  await client.close();
  return 0;
}

export function createSource(
  app: Pick<App, 'store' | 'clock' | 'logger'>,
  client: KubeClient,
  options: Options,
  metrics: CollectorMetrics,
): ClusterSource {
  return createClusterSource({
    client,
    clock: app.clock,
    logger: app.logger,
    metrics,
    known: { heads: (group, kind, namespace) => app.store.heads(client.cluster, group, kind, namespace) },
    cursors: app.store,
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    include: options.include,
    exclude: options.exclude,
  });
}

/** Where a kind's objects live in the API, from what discovery found. */
function resourceOf(source: ClusterSource, ref: ObjectRef): { path: string } | undefined {
  const kind = source.coverage().find((row) => row.group === ref.group && row.kind === ref.kind);
  if (kind === undefined) return undefined;
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const namespace = kind.namespaced ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  return { path: `${base}${namespace}/${kind.plural}/${encodeURIComponent(ref.name)}` };
}

/** Silence is not health: a watch that went stale or broke makes the service not ready. */
function watchCheck(source: ClusterSource): { name: string; ok: boolean; detail: string } {
  const rows = source.coverage();
  const bad = rows.filter((row) => row.state === 'stale' || row.state === 'broken');
  const listing = rows.filter((row) => row.state === 'listing').length;
  if (rows.length === 0) return { name: 'watches', ok: false, detail: 'no kind discovered yet' };
  const detail =
    bad.length === 0
      ? `${rows.length} kinds known, ${listing} still listing`
      : bad.map((row) => `${row.kind}.${row.group} ${row.state}: ${row.reason ?? ''}`).join('; ');
  return { name: 'watches', ok: bad.length === 0, detail };
}
