import { Registry } from 'prom-client';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../../src/api/server.ts';
import type { ClusterReach, KindCoverage } from '../../src/collector/source.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { ControllerTies, type ControllerView } from '../../src/domain/series/controller-ties.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createFeedback } from '../../src/pipeline/feedback.ts';
/** An API server on a seeded store, with a manual clock and a token. */
import { asAsync } from '../../src/store/async-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { SEED_END_MS, type Seeded, SUBJECTS, seededStore } from './seeded-store.ts';

export const TOKEN = 'a-token-for-tests-only';

/** Stands still; sleeping on it ends only by abort. */
export const frozenClock: Clock = {
  nowMs: () => SEED_END_MS,
  sleep: (_ms, signal) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
};

export const COVERAGE: KindCoverage[] = [
  ...Object.values(SUBJECTS).map((subject, i): KindCoverage => {
    const [group = '', version = ''] = subject.apiVersion.split('/');
    const { kind, cluster } = subject;
    const lastEventMs = SEED_END_MS - i * 3_600_000;
    const state = { state: 'watched' as const, sinceMs: SEED_END_MS - 90_000_000, everWatched: true, lagMs: 41_000 };
    const seen = { ...state, objects: 1, relists: 0, lastEventMs };
    return { cluster, group, version, kind, plural: `${kind.toLowerCase()}s`, namespaced: subject.namespace !== '', ...seen };
  }),
  {
    ...{
      cluster: 'prod-eu',
      group: 'keda.sh',
      version: 'v1alpha1',
      kind: 'ScaledObject',
      plural: 'scaledobjects',
      namespaced: true,
    },
    ...{ state: 'forbidden' as const, sinceMs: SEED_END_MS - 90_000_000, everWatched: false, objects: 0, relists: 0 },
    reason:
      'not allowed; add to the role: {apiGroups: ["keda.sh"], resources: ["scaledobjects"], verbs: ["get", "list", "watch"]}',
  },
  {
    ...{
      cluster: 'prod-eu',
      group: 'cilium.io',
      version: 'v2',
      kind: 'CiliumEndpoint',
      plural: 'ciliumendpoints',
      namespaced: true,
    },
    ...{ state: 'excluded' as const, sinceMs: SEED_END_MS - 90_000_000, everWatched: false, objects: 0, relists: 0 },
    reason: 'left out as of low value (one for each pod, rewritten with its state); --include it to watch it',
  },
  {
    ...{ cluster: 'prod-eu', group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
    ...{ state: 'stale' as const, sinceMs: SEED_END_MS - 600_000, everWatched: true, objects: 214, relists: 1, lagMs: 790_000 },
    ...{ lastEventMs: SEED_END_MS - 800_000, metadataOnly: true, labelSelector: 'team in (payments, search)' },
    reason: 'nothing came for 180 s, so the connection is taken for dead',
  },
];

export const CLUSTERS: ClusterReach[] = [
  {
    ...{ cluster: 'prod-eu', state: 'reached', sinceMs: SEED_END_MS - 90_000_000 },
    canary: { state: 'seen', sinceMs: SEED_END_MS - 20_000, lastSeenMs: SEED_END_MS - 20_000, latencyMs: 31 },
  },
  {
    ...{ cluster: 'prod-us', state: 'unreachable', sinceMs: SEED_END_MS - 720_000 },
    reason:
      'CLUSTER_UNREACHABLE: the API server gives no answer: the connection timed out (10.2.0.1:6443). Check the network, a firewall or a VPN in between.',
  },
];

function seededControllers(): ControllerView[] {
  const ties = new ControllerTies();
  const labels = { controller: 'kafka', instance: 'operator:8080' };
  for (const [minute, value] of [40, 52].entries()) {
    const tsMs = SEED_END_MS - (1 - minute) * 60_000;
    const samples = [{ metric: 'controller_runtime_reconcile_total', labels: { ...labels, result: 'success' }, value }];
    ties.observeScrape({ cluster: 'prod-eu', target: 'operator', tsMs, samples });
  }
  return ties.views([{ cluster: 'prod-eu', group: 'kafka.strimzi.io', kind: 'Kafka', plural: 'kafkas' }]);
}

export interface SeededApi extends Seeded {
  /** What the server was made with. */
  options: ApiServerOptions;
  server: ApiServer;
  url: string;
  /** GET with the token. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

import { seededNeural } from './seeded-neural.ts';

export async function startSeededApi({
  store,
  ...more
}: Partial<Omit<ApiServerOptions, 'store'>> & { store?: Store } = {}): Promise<SeededApi> {
  const seeded = seededStore();
  const model = createModel({});
  for (const change of seeded.changes) model.observe(change);
  let ids = 0;
  const feedback = createFeedback({
    hash: keyedHash(Buffer.from('k')),
    store: store ?? seeded.store,
    analysis: { hear: () => {}, place: () => ({ seq: 0, position: 0 }), levelOf: () => undefined },
    clock: frozenClock,
    newId: () => `verdict-${++ids}`,
  });
  const options: ApiServerOptions = {
    feedback,
    neural: () => seededNeural(),
    baselines: { of: (query) => model.baselines(query), like: (query) => model.namesLike(query) },
    store: asAsync(store ?? seeded.store),
    coverage: () => COVERAGE,
    controllers: () => seededControllers(),
    masked: () => [
      {
        ...{ cluster: 'prod-eu', group: 'kafka.strimzi.io', kind: 'Kafka', path: '/spec/kafka/config/password' },
        reason: 'name',
        count: 3,
        firstMs: 1,
        lastMs: 2,
      },
    ],
    clusters: () => CLUSTERS,
    pulled: () => [
      { cluster: 'prod-eu', name: 'nats/changes', state: 'unreachable', sinceMs: SEED_END_MS, reason: 'connection refused' },
    ],
    maturity: () => ({
      changes: seeded.changes.length,
      firstMs: seeded.changes[0]?.observedMs,
      lastMs: SEED_END_MS,
      detectors: {
        'actor-affinity': { mature: true, samples: 4210 },
        'stable-field': { mature: true, samples: 3980 },
        'new-value': { mature: true, samples: 3980 },
        'hour-of-week': { mature: false, samples: 512 },
        'co-change': { mature: false, samples: 96 },
      },
    }),
    health: () => ({ live: true, ready: true, checks: [{ name: 'store', ok: true, detail: 'takes writes' }] }),
    registry: new Registry(),
    auth: { token: TOKEN },
    clock: frozenClock,
    logger: createLogger('silent'),
    version: '0.1.0-test',
    ...more,
  };
  const server = createApiServer(options);
  const { url } = await server.listen('127.0.0.1', 0);
  return {
    ...seeded,
    options,
    server,
    url,
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } }),
    async stop() {
      await server.close();
      seeded.store.close();
    },
  };
}
