import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetricsDiscovery, type DiscoveryWay, discoveryKinds } from '../../src/collector/reconcile/metrics-discovery.ts';
import type { ScrapeTarget } from '../../src/collector/reconcile/scrape-target.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type KubeClient, KubeStatusError } from '../../src/kube/kube-client.ts';
import { SILENT_LOGGER } from './memory-record.ts';

type Answer = JsonObject[] | number;

const MONITORS = '/apis/monitoring.coreos.com/v1/servicemonitors';
const SERVICES = '/api/v1/services';
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';
const monitor = (endpoint: JsonObject, name = 'm'): JsonObject => ({
  metadata: { namespace: 'ops', name },
  spec: { selector: { matchLabels: { app: 'op' } }, endpoints: [{ port: 'metrics', ...endpoint }] },
});
const WORLD: Record<string, Answer> = {
  [MONITORS]: [monitor({})],
  [SERVICES]: [
    { metadata: { namespace: 'ops', name: 'op', labels: { app: 'op' } }, spec: { ports: [{ name: 'metrics', port: 80 }] } },
  ],
  [SLICES]: [
    {
      metadata: { namespace: 'ops', name: 'op-1', labels: { 'kubernetes.io/service-name': 'op' } },
      addressType: 'IPv4',
      ports: [{ name: 'metrics', port: 8080 }],
      endpoints: [{ addresses: ['10.0.0.1'] }],
    },
  ],
};

/** Answers lists by path; what is not there is 404, as kinds that a cluster does not have. */
function clientOf(
  answers: () => Record<string, Answer>,
  ask: (path: string) => void,
  configMaps: Record<string, JsonObject> = {},
): KubeClient {
  return {
    cluster: 'test',
    async stream(path) {
      ask(path);
      const answer = answers()[path] ?? 404;
      const body =
        typeof answer === 'number' ? { kind: 'Status', code: answer } : { metadata: { resourceVersion: '1' }, items: answer };
      async function* chunks() {
        yield Buffer.from(JSON.stringify(body));
      }
      return { status: typeof answer === 'number' ? answer : 200, headers: {}, body: chunks(), cancel() {} };
    },
    async request(_, path) {
      ask(path);
      const found = configMaps[path];
      if (found === undefined) throw new KubeStatusError({ status: 403, reason: 'Forbidden', message: 'no' });
      return found;
    },
    async close() {},
  };
}

interface Look {
  targets: ScrapeTarget[];
  asked: string[];
}

/** One look for each of the worlds, one after the other. */
async function looks(
  worlds: Record<string, Answer>[],
  {
    ways = ['service-monitor'] as DiscoveryWay[],
    namespaces,
    configMaps,
  }: { ways?: DiscoveryWay[]; namespaces?: string[]; configMaps?: Record<string, JsonObject> } = {},
) {
  const stop = new AbortController();
  const out: Look[] = [];
  const batches: SourceBatch[] = [];
  let asked: string[] = [];
  let targets: ScrapeTarget[] = [];
  let round = 0;
  const clock: Clock = {
    nowMs: () => 1_000,
    sleep(ms, signal) {
      // The watchdog of a list sleeps too; only the pause between looks ends one.
      if (ms < 50_000) return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      out.push({ targets, asked });
      asked = [];
      round += 1;
      if (round === worlds.length) stop.abort();
      return Promise.resolve();
    },
  };
  const discovery = createMetricsDiscovery({
    client: clientOf(
      () => worlds[round] ?? {},
      (path) => asked.push(path),
      configMaps,
    ),
    ...{ clock, logger: SILENT_LOGGER, ways, namespaces },
    policy: () => ({
      intervalMs: 30_000,
      tokenNamespaces: [],
      metricsToken: undefined,
      ownToken: undefined,
      ca: undefined,
      targetsMax: 100,
    }),
    onTargets: (found) => {
      targets = found;
    },
  });
  await discovery.run(async (batch) => void batches.push(batch), stop.signal);
  return { looks: out, batches, coverage: discovery.coverage() };
}
const urls = (look: Look | undefined) => look?.targets.map(({ url }) => url);

describe('discovery of metrics', () => {
  it('finds what a ServiceMonitor means and follows when it goes', async () => {
    const { looks: each } = await looks([WORLD, { ...WORLD, [MONITORS]: [] }]);
    assert.deepEqual(each.map(urls), [['http://10.0.0.1:8080/metrics'], []]);
    assert.equal(each[0]?.targets[0]?.foundBy, 'ServiceMonitor ops/m');
  });

  it('asks for nothing that it was not told to, nor for Services where there is no monitor', async () => {
    const none = await looks([{}], { ways: ['service-monitor', 'pod-monitor'] });
    assert.deepEqual([...new Set(none.looks[0]?.asked)].sort(), ['/apis/monitoring.coreos.com/v1/podmonitors', MONITORS]);
    const one = await looks([WORLD]);
    assert.ok(!one.looks[0]?.asked.some((path) => path.includes('pods') || path.includes('podmonitors')));
  });

  it('stays within the namespaces it was given', async () => {
    const { looks: each } = await looks([{}], { namespaces: ['a', 'b'] });
    assert.deepEqual(
      [...new Set(each[0]?.asked)],
      ['a', 'b'].map((ns) => `/apis/monitoring.coreos.com/v1/namespaces/${ns}/servicemonitors`),
    );
  });

  it('says what is forbidden with the rule to add, and no longer once it is granted', async () => {
    const refused = { ...WORLD, [SLICES]: 403 };
    const held = await looks([refused]);
    assert.deepEqual(urls(held.looks[0]), []);
    assert.deepEqual(
      held.coverage.map(({ group, plural, state }) => [group, plural, state]),
      [['discovery.k8s.io', 'endpointslices', 'forbidden']],
    );
    assert.match(
      held.coverage[0]?.reason ?? '',
      /for the discovery of metrics: .*apiGroups: \["discovery.k8s.io"\], resources: \["endpointslices"\]/,
    );
    const granted = await looks([refused, WORLD]);
    assert.deepEqual([urls(granted.looks[1])?.length, granted.coverage], [1, []]);
  });

  it('keeps what it found while the API server is in trouble', async () => {
    const { looks: each } = await looks([WORLD, { ...WORLD, [SLICES]: 500 }]);
    assert.deepEqual(urls(each[1]), ['http://10.0.0.1:8080/metrics']);
  });

  it('rejects an endpoint that needs a Secret, once', async () => {
    const needy = { ...WORLD, [MONITORS]: [monitor({ basicAuth: { username: {} } })] };
    const { batches } = await looks([needy, needy, needy]);
    const rejects = batches.flatMap(({ rejects: of = [] }) => of);
    assert.deepEqual(
      rejects.map(({ code, where }) => [code, where]),
      [['METRICS_TARGET_REFUSED', 'ServiceMonitor ops/m']],
    );
  });

  it('reads an authority from the ConfigMap that the monitor names, and no Secret', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
    const https = monitor({ scheme: 'https', tlsConfig: { ca: { configMap: { name: 'cas', key: 'ca' } } } });
    const path = '/api/v1/namespaces/ops/configmaps/cas';
    const world = { ...WORLD, [MONITORS]: [https] };
    const read = await looks([world], { configMaps: { [path]: { data: { ca: pem } } } });
    assert.equal(read.looks[0]?.targets[0]?.tls?.ca, pem);
    const refused = await looks([world]);
    assert.deepEqual(refused.looks[0]?.targets, []);
    assert.match(refused.batches[0]?.rejects?.[0]?.what ?? '', /ConfigMap ops\/cas\/ca/);
  });

  it('names the kinds that each way has to read', () => {
    const plurals = (ways: DiscoveryWay[]) => discoveryKinds(ways).map(({ plural }) => plural);
    assert.deepEqual(plurals(['service-monitor']), ['servicemonitors', 'services', 'endpointslices']);
    assert.deepEqual(plurals(['pod-monitor']), ['podmonitors', 'pods']);
    assert.deepEqual(plurals(['annotations']), ['services', 'endpointslices', 'pods']);
    assert.deepEqual(plurals([]), []);
  });
});
