import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Addresses, readPod, readService, readSlice } from '../../src/collector/reconcile/scrape-addresses.ts';
import { annotatedCandidates, candidatesOf } from '../../src/collector/reconcile/scrape-candidates.ts';
import { durationMs, readMonitor } from '../../src/collector/reconcile/scrape-monitor.ts';
import { parseLabelSelector } from '../../src/collector/watch/label-selector.ts';
import type { Json, JsonObject } from '../../src/domain/json.ts';

const service = (namespace: string, name: string, more: JsonObject = {}, metadata: JsonObject = {}): JsonObject => ({
  metadata: { namespace, name, labels: { app: name }, ...metadata },
  spec: {
    ports: [
      { name: 'metrics', port: 8080, targetPort: 'http-metrics' },
      { name: 'web', port: 80, targetPort: 3000 },
    ],
    ...more,
  },
});
const slice = (
  namespace: string,
  of: string,
  addresses: [address: string, pod?: string, ready?: boolean][],
  more: JsonObject = {},
): JsonObject => ({
  metadata: { namespace, name: `${of}-x`, labels: { 'kubernetes.io/service-name': of } },
  addressType: 'IPv4',
  ports: [
    { name: 'metrics', port: 9402 },
    { name: 'web', port: 3000 },
  ],
  endpoints: addresses.map(([address, pod, ready = true]) => ({
    addresses: [address],
    conditions: { ready },
    ...(pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod } }),
  })),
  ...more,
});
const pod = (name: string, ip: string, more: JsonObject = {}): JsonObject => ({
  metadata: { namespace: 'a', name, labels: { app: 'op' }, ...more },
  spec: {
    containers: [{ ports: [{ name: 'metrics', containerPort: 8080 }] }, { ports: [{ name: 'probe', containerPort: 8081 }] }],
  },
  status: { podIP: ip, phase: 'Running' },
});
const monitor = (spec: JsonObject, type: 'ServiceMonitor' | 'PodMonitor' = 'ServiceMonitor') => {
  const read = readMonitor(type, { metadata: { namespace: 'a', name: 'm' }, spec });
  assert.ok(read);
  return read;
};
const world = (parts: { services?: JsonObject[]; slices?: JsonObject[]; pods?: JsonObject[] }): Addresses => ({
  services: (parts.services ?? []).map((object) => readService(object)).filter((one) => one !== undefined),
  slices: (parts.slices ?? []).map((object) => readSlice(object)).filter((one) => one !== undefined),
  pods: (parts.pods ?? []).map((object) => readPod(object)).filter((one) => one !== undefined),
});
const places = (found: ReturnType<typeof candidatesOf>) => found.map(({ address, port }) => `${address}:${port}`);

describe('label selector', () => {
  const cases: [selector: Json, labels: Record<string, string>, selected: boolean | undefined][] = [
    [{}, { a: '1' }, true],
    [{ matchLabels: { a: '1' } }, { a: '1', b: '2' }, true],
    [{ matchLabels: { a: '1', b: '1' } }, { a: '1', b: '2' }, false],
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, { a: '2' }, true],
    [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['1'] }] }, {}, false],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, {}, true],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
    [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, {}, false],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, {}, true],
    [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }, { a: '1' }, undefined],
    [{ matchLabels: 'a=1' }, { a: '1' }, undefined],
    [null, { a: '1' }, undefined],
  ];
  for (const [selector, labels, selected] of cases) {
    it(`${JSON.stringify(selector)} of ${JSON.stringify(labels)}: ${selected ?? 'selects nothing'}`, () => {
      assert.equal(parseLabelSelector(selector)?.(labels), selected);
    });
  }
});

describe('endpoints of monitors', () => {
  it('finds the ready addresses behind a Service by the name of its port', () => {
    const spec = { selector: { matchLabels: { app: 'op' } }, endpoints: [{ port: 'metrics' }] };
    const at = world({
      services: [service('a', 'op'), service('a', 'other'), service('b', 'op')],
      slices: [
        slice('a', 'op', [['10.0.0.1'], ['10.0.0.2', undefined, false]]),
        slice('a', 'other', [['10.0.0.3']]),
        slice('b', 'op', [['10.0.0.4']]),
      ],
    });
    assert.deepEqual(places(candidatesOf([monitor(spec)], at)), ['10.0.0.1:9402']);
  });

  it('looks into other namespaces only as far as it says', () => {
    const at = world({
      services: ['a', 'b', 'c'].map((namespace) => service(namespace, 'op')),
      slices: ['a', 'b', 'c'].map((namespace, i) => slice(namespace, 'op', [[`10.0.0.${i}`]])),
    });
    const of = (namespaceSelector: JsonObject) =>
      places(candidatesOf([monitor({ selector: {}, endpoints: [{ port: 'metrics' }], namespaceSelector })], at));
    assert.deepEqual(of({}), ['10.0.0.0:9402']);
    assert.deepEqual(of({ matchNames: ['b', 'c'] }), ['10.0.0.1:9402', '10.0.0.2:9402']);
    assert.deepEqual(of({ any: true }).length, 3);
  });

  const ports: [endpoint: JsonObject, ports: number[]][] = [
    [{ targetPort: 3000 }, [3000]],
    [{ targetPort: 'http-metrics' }, [9402]],
    [{ targetPort: 'nothing' }, []],
    [{}, [9402, 3000]],
  ];
  for (const [endpoint, expected] of ports) {
    it(`finds the port of ${JSON.stringify(endpoint)}`, () => {
      const at = world({ services: [service('a', 'op')], slices: [slice('a', 'op', [['10.0.0.1']])] });
      assert.deepEqual(
        candidatesOf([monitor({ selector: {}, endpoints: [endpoint] })], at).map(({ port }) => port),
        expected,
      );
    });
  }

  it('takes a pod with two families of addresses for one', () => {
    const six = slice('a', 'op', [['fd00::1', 'op-0']], { addressType: 'IPv6' });
    const four = slice('a', 'op', [
      ['10.0.0.1', 'op-0'],
      ['10.0.0.2', 'op-1'],
    ]);
    for (const slices of [
      [six, four],
      [four, six],
    ]) {
      const at = world({ services: [service('a', 'op')], slices });
      const found = places(candidatesOf([monitor({ selector: {}, endpoints: [{ port: 'metrics' }] })], at));
      assert.deepEqual(found, ['10.0.0.1:9402', '10.0.0.2:9402']);
    }
  });

  it('leaves out names of the world outside', () => {
    const at = world({
      services: [service('a', 'out', { type: 'ExternalName', externalName: 'example.net' })],
      slices: [slice('a', 'out', [['evil.example.net']], { addressType: 'FQDN' })],
    });
    assert.deepEqual(candidatesOf([monitor({ selector: {}, endpoints: [{}] })], at), []);
  });

  it('finds pods by the name or number of their port', () => {
    const pods = [pod('op-0', '10.0.0.1'), { ...pod('op-1', '10.0.0.2'), status: { podIP: '10.0.0.2', phase: 'Pending' } }];
    const podMetricsEndpoints: JsonObject[] = [{ port: 'metrics' }, { portNumber: 9999 }, { targetPort: 'probe' }];
    const spec = { selector: {}, podMetricsEndpoints };
    assert.deepEqual(places(candidatesOf([monitor(spec, 'PodMonitor')], world({ pods }))), [
      '10.0.0.1:8080',
      '10.0.0.1:9999',
      '10.0.0.1:8081',
    ]);
  });

  it('reads what a kubebuilder project says of its endpoint', () => {
    const endpoint = {
      ...{ path: '/metrics', port: 'https', scheme: 'https', interval: '1m30s' },
      bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      tlsConfig: { insecureSkipVerify: true },
    };
    const [read] = monitor({ selector: {}, endpoints: [endpoint] }).endpoints;
    assert.deepEqual(read, {
      ...{ port: 'https', targetPort: undefined, path: '/metrics', scheme: 'https', intervalMs: 90_000, timeoutMs: undefined },
      ...{ wantsToken: true, insecure: true, serverName: undefined, ca: undefined, refused: undefined },
    });
  });

  it('reads an authority from a ConfigMap, and says what would need a Secret', () => {
    const read = (endpoint: JsonObject) => monitor({ selector: {}, endpoints: [endpoint] }).endpoints[0];
    const ca = { configMap: { name: 'cas', key: 'root.pem' } };
    assert.deepEqual(read({ tlsConfig: { ca } })?.ca, { configMap: 'cas', key: 'root.pem' });
    assert.equal(read({ tlsConfig: { ca: { secret: { name: 's', key: 'k' } } } })?.ca, undefined);
    assert.match(read({ basicAuth: { username: {} } })?.refused ?? '', /Secret, which is never read/);
    assert.match(read({ tlsConfig: { cert: { secret: {} } } })?.refused ?? '', /client certificate/);
    assert.equal(read({ authorization: { type: 'Bearer', credentials: {} } })?.wantsToken, true);
    assert.equal(read({ authorization: { type: 'Digest' } })?.wantsToken, false);
  });

  it('is no monitor without a selector', () => {
    assert.equal(readMonitor('ServiceMonitor', { metadata: { namespace: 'a', name: 'm' }, spec: {} }), undefined);
  });

  it('reads durations as Prometheus writes them', () => {
    assert.deepEqual(['30s', '1h2m', '15', '', 5, '0s'].map(durationMs), [
      30_000,
      3_720_000,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('endpoints by annotation', () => {
  const annotations = (more: Record<string, string> = {}) => ({ annotations: { 'prometheus.io/scrape': 'true', ...more } });

  it('finds all ports that are declared, unless one is named', () => {
    const of = (more: Record<string, string>) =>
      places(annotatedCandidates(world({ pods: [pod('op-0', '10.0.0.1', annotations(more))] })));
    assert.deepEqual(of({}), ['10.0.0.1:8080', '10.0.0.1:8081']);
    assert.deepEqual(of({ 'prometheus.io/port': '9000' }), ['10.0.0.1:9000']);
    assert.deepEqual(of({ 'prometheus.io/scrape': 'false' }), []);
  });

  it('finds the pods behind an annotated Service', () => {
    const [found] = annotatedCandidates(
      world({
        services: [
          service(
            'a',
            'op',
            {},
            annotations({ 'prometheus.io/port': '9402', 'prometheus.io/scheme': 'https', 'prometheus.io/path': '/m' }),
          ),
        ],
        slices: [slice('a', 'op', [['10.0.0.1']])],
      }),
    );
    assert.deepEqual(
      [found?.address, found?.port, found?.endpoint.scheme, found?.endpoint.path, found?.endpoint.wantsToken],
      ['10.0.0.1', 9402, 'https', '/m', false],
    );
  });
});
