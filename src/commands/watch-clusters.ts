import { createApp } from '../app.ts';
import { createCollectorMetrics } from '../collector/metrics.ts';
import { createIngestMetrics } from '../collector/pushed/ingest-metrics.ts';
import { createCanaryMetrics } from '../collector/watch/canary-metrics.ts';
import { createKindLookup } from '../collector/who/claim-kinds.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { publishConnections } from '../kube/metrics.ts';
import type { Options } from '../options.ts';
import { admissionSettings } from './admission-settings.ts';
import { withOptions } from './clusters.ts';
import { forgetCompiledFiles } from './compiled-files.ts';
import { createApiIngest } from './ingest.ts';
import { untilStopped } from './outcome.ts';
import { createPulledSources } from './pulled-sources.ts';
import type { Terminal } from './terminal.ts';
import { createWatchedCluster } from './watched-cluster.ts';
import { createAuditLogs, createWebhooks, webhookCheck } from './who-sources.ts';

/** Watches clusters and speaks up about them, until stopped. */
export async function watchClusters(
  connecting: Promise<KubeClient[]>,
  { options, terminal }: { options: Options; terminal: Terminal },
): Promise<number> {
  // Before the app, so that a mistyped path leaves no database behind.
  const clients = await connecting;
  const watched = withOptions(clients, options).map((each) => ({ ...each, settings: admissionSettings(each.options) }));
  await using app = createApp({ options, defaultDb: 'crowsnest.db', retains: true, signal: terminal.signal });
  publishConnections(clients, app.registry);
  const metrics = createCollectorMetrics(app.registry);
  const canaries = createCanaryMetrics(app.registry);
  const clusters = watched.map(({ client, options }) =>
    createWatchedCluster(app, {
      ...{ client, options },
      metrics: metrics.of(client.cluster),
      canaryMetrics: canaries.of(client.cluster),
    }),
  );
  const followed = () => clusters.flatMap((cluster) => cluster.coverage()).filter(({ state }) => state !== 'excluded');
  app.controllers.know(followed);
  app.joinClaims({ kindOf: createKindLookup({ coverage: followed, clock: app.clock }) });

  const logs = watched.flatMap(({ client, options }) => createAuditLogs(app, client.cluster, options));
  const asking = watched.flatMap(({ settings, ...each }, i) =>
    settings === undefined ? [] : [{ ...each, settings, coverage: () => clusters[i]?.coverage() ?? [], isHome: i === 0 }],
  );
  const webhooks = createWebhooks(app, asking);

  const ingestMetrics = createIngestMetrics(app.registry);
  const pulled = await createPulledSources(app, ingestMetrics, options, clients[0]?.cluster ?? '');
  const served = await app.serveApi({
    version: terminal.version,
    coverage: () => clusters.flatMap((cluster) => cluster.coverage()),
    clusters: () => clusters.map((cluster) => cluster.reach()),
    pulled: () => pulled.map((source) => source.reach()),
    checks: () => [...clusters.flatMap((cluster) => cluster.checks()), ...webhooks.map(webhookCheck)],
    token: terminal.token,
    ingest: (apiToken) => createApiIngest(app, ingestMetrics, options, { cluster: clients[0]?.cluster ?? '', apiToken }),
  });
  terminal.note(`page and API: ${served.pageUrl}\n`);
  forgetCompiledFiles();

  // What a crash left recorded but unjudged is judged before anything new that comes in meanwhile. Its failure is logged where it is kept.
  void app.catchUp().catch(() => undefined);
  app.startResponding(clusters);
  app.startHousekeeping({ live: true });
  app.startNeural();
  app.startCoverageAlerts(() => [
    ...clusters.flatMap((cluster) => cluster.blindSpots()),
    ...pulled.flatMap((source) => source.blindSpot() ?? []),
  ]);
  const running = clusters.map(({ sources }) => Promise.all(sources.map((source) => app.run(source))));
  const asides = [...webhooks, ...logs, ...pulled].map((source) => app.run(source));
  for (const aside of asides) aside.catch((err: unknown) => app.logger.error({ err }, 'a source ended'));
  await Promise.race([untilStopped(terminal.signal), untilAllFailed(running)]);
  await app.stop();
  await Promise.allSettled([...running, ...asides]);
  await Promise.all(clients.map((client) => client.close()));
  return 0;
}

/** A cluster whose sources end for good takes no other with it; with the last one the program has nothing left to do. */
async function untilAllFailed(running: Promise<unknown>[]): Promise<void> {
  const ended = await Promise.allSettled(running);
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}
