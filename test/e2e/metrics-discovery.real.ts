/** Endpoints found in a real cluster: by ServiceMonitor over HTTPS with a token, by PodMonitor, by annotation, and none of a stranger's asking. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Exporter, makeCertificate, ownAddress, startExporter } from '../support/exporter.ts';
import { type FirstLight, GROUP, startFirstLight } from '../support/first-light.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

const NAME = 'controllers.ops.svc';
const TOKEN = 'a-token-that-may-read-metrics-and-nothing-else';
const USER = 'system:serviceaccount:crowsnest:crowsnest';

interface ControllerRow {
  controller: string;
  state: string;
  kinds: { group: string; kind: string; source: string }[];
  last?: { reconciles: number };
}

const crd = (kind: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.monitoring.coreos.com` },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { plural: `${kind.toLowerCase()}s`, singular: kind.toLowerCase(), kind },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});
const may = (name: string, rules: object[]) => [
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: USER }],
  },
];
const read = (apiGroup: string, ...resources: string[]) => ({
  apiGroups: [apiGroup],
  resources,
  verbs: ['list'],
});

/** A Service without a selector and its EndpointSlice, written by hand, as no kube-controller-manager runs here. */
const service = (namespace: string, name: string, port: number, metadata: object = {}) => [
  {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name, labels: { app: name }, ...metadata } },
    spec: { ports: [{ name: 'metrics', port: 443, targetPort: port }] },
  },
  {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    ports: [{ name: 'metrics', port }],
    endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
  },
];
const monitor = (namespace: string, name: string, selected: string, endpoint: object, spec: object = {}) => ({
  ...{ apiVersion: 'monitoring.coreos.com/v1', kind: 'ServiceMonitor', metadata: { namespace, name } },
  spec: { selector: { matchLabels: { app: selected } }, endpoints: [{ port: 'metrics', ...endpoint }], ...spec },
});
const tokenFile = { bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token' };

describe('metrics pages found in a cluster', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let light: FirstLight;
  const exporters: Exporter[] = [];
  const exporter = async (...[options]: Parameters<typeof startExporter>) => {
    const started = await startExporter({ ...options, host: ownAddress() });
    exporters.push(started);
    return started;
  };
  const apply = (...items: object[]) =>
    light.server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

  before(async () => {
    light = await startFirstLight();
    await apply(crd('ServiceMonitor'), crd('PodMonitor'));
    for (const plural of ['servicemonitors', 'podmonitors'])
      await light.server.kubectl(['wait', '--for=condition=Established', `crd/${plural}.monitoring.coreos.com`, '--timeout=30s']);
    for (const namespace of ['ops', 'strangers']) await light.server.kubectl(['create', 'namespace', namespace]);
  });
  after(async () => {
    await Promise.all(exporters.map((each) => each.close()));
    await light.stop();
  });

  test('are read over HTTPS with the token, by the authority in a ConfigMap; a stranger’s monitor is sent none; what is forbidden is said', async () => {
    const { folder } = light.server;
    const tls = makeCertificate(folder, NAME);
    const trusted = await exporter({ controller: 'engine', tls, token: TOKEN });
    const unknown = await exporter({ controller: 'impostor', tls: makeCertificate(folder, 'impostor') });
    const stranger = await exporter({ controller: 'stranger', tls: makeCertificate(folder, 'stranger.example') });
    const annotated = await exporter({ controller: 'annotated' });
    const pod = await exporter({ controller: 'podded' });
    await apply(
      ...service('ops', 'controllers', trusted.port),
      ...service('ops', 'impostor', unknown.port),
      ...service('strangers', 'stranger', stranger.port),
      ...service('strangers', 'annotated', annotated.port, { annotations: { 'prometheus.io/scrape': 'true' } }),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'ops', name: 'ca' },
        data: { 'ca.crt': readFileSync(tls.certFile, 'utf8') },
      },
      monitor('ops', 'controllers', 'controllers', {
        ...{ scheme: 'https', ...tokenFile },
        tlsConfig: { serverName: NAME, ca: { configMap: { name: 'ca', key: 'ca.crt' } } },
      }),
      // Says it is the same, and shows a certificate that nobody vouches for.
      monitor('ops', 'impostor', 'impostor', {
        ...{ scheme: 'https', ...tokenFile },
        tlsConfig: { serverName: NAME, ca: { configMap: { name: 'ca', key: 'ca.crt' } } },
      }),
      monitor('strangers', 'hostile', 'stranger', { scheme: 'https', ...tokenFile, tlsConfig: { insecureSkipVerify: true } }),
      {
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'ops', name: 'podded-0', labels: { app: 'podded' } } },
        spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: 'metrics', containerPort: pod.port }] }] },
      },
      {
        ...{ apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', metadata: { namespace: 'ops', name: 'podded' } },
        spec: { selector: { matchLabels: { app: 'podded' } }, podMetricsEndpoints: [{ port: 'metrics' }] },
      },
      ...may('crowsnest-metrics', [
        read('monitoring.coreos.com', 'servicemonitors', 'podmonitors'),
        read('', 'services'),
        read('discovery.k8s.io', 'endpointslices'),
        { apiGroups: [''], resources: ['configmaps'], resourceNames: ['ca'], verbs: ['get'] },
      ]),
    );
    const status = JSON.stringify({ status: { phase: 'Running', podIP: ownAddress(), podIPs: [{ ip: ownAddress() }] } });
    await light.server.kubectl(['patch', 'pod', 'podded-0', '-n', 'ops', '--subresource=status', '--type=merge', '-p', status]);

    writeFileSync(join(folder, 'metrics-token'), TOKEN);
    const ways = ['service-monitor', 'pod-monitor', 'annotations'].flatMap((way) => ['--metrics-discovery', way]);
    const token = ['--metrics-token-file', join(folder, 'metrics-token'), '--metrics-token-namespace', 'ops'];
    const args = [...ways, ...token, '--scrape-interval', '1s'];
    const crowsnest = await light.serve(args);
    const controllers = async (from: typeof crowsnest) => {
      const path = '/v1/series?metric=controller_runtime_reconcile_total&label=result%3Dsuccess';
      const { items } = await from.get<{ items: { labels: Record<string, string>; samples: [string, number][] }[] }>(path);
      return new Map(items.map(({ labels, samples }) => [labels.controller, samples.map(([, value]) => value)]));
    };

    const series = await until('all that may be read is', async () => {
      const found = await controllers(crowsnest);
      const known = ['engine', 'stranger', 'annotated'].every((name) => (found.get(name)?.length ?? 0) >= 3);
      return known && unknown.port > 0 ? found : undefined;
    });
    assert.deepEqual(series.get('engine')?.slice(0, 3), [5, 10, 15]);
    assert.deepEqual([...new Set(trusted.authorizations)], [`Bearer ${TOKEN}`]);
    assert.ok(stranger.authorizations.length >= 3);
    assert.deepEqual([...new Set(stranger.authorizations)], [undefined], 'a stranger’s monitor brings no token');
    assert.deepEqual(unknown.authorizations, [], 'nothing is said to whom nobody vouches for');
    assert.equal(series.has('impostor'), false);

    // Nobody said that the controller called `engine` acts on Engines.
    const { items: tied } = await crowsnest.get<{ items: ControllerRow[] }>('/v1/controllers?kind=Engine');
    assert.deepEqual(
      tied.map(({ controller, state, kinds: [first] }) => [controller, state, first?.group, first?.kind, first?.source]),
      [['engine', 'reconciling', GROUP, 'Engine', 'learnt']],
    );
    assert.equal(tied[0]?.last?.reconciles, 5);

    // Pods may not be read yet: the PodMonitor leads nowhere, and coverage has the rule to add.
    assert.equal(series.has('podded'), false);
    const { items } = await crowsnest.get<{ items: { plural: string; state: string; reason?: string }[] }>('/v1/coverage');
    const pods = items.find(({ plural }) => plural === 'pods');
    assert.equal(pods?.state, 'forbidden');
    assert.match(pods?.reason ?? '', /apiGroups: \[""\], resources: \["pods"\], verbs: \["list"\]/);
    assert.equal(await crowsnest.stop(), 0);

    await apply(...may('crowsnest-metrics-pods', [read('', 'pods')]));
    const again = await light.serve(args);
    await until('the pod is read too', async () => (await controllers(again)).has('podded'));
    assert.deepEqual([...new Set(pod.authorizations)], [undefined]);
  });
});
