import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BUILTIN_GROUPS } from '../../src/kube/builtin-groups.ts';
import { collectionPath, discoverKinds } from '../../src/kube/discovery.ts';
import { createHttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { type FakeKind, startFakeApiServer } from '../support/fake-api-server.ts';

const KINDS: FakeKind[] = [
  { group: 'kafka.strimzi.io', version: 'v1', kind: 'Kafka', plural: 'kafkas', otherVersions: ['v1beta2'] },
  { group: 'kafka.strimzi.io', version: 'v1beta2', kind: 'KafkaRebalance', plural: 'kafkarebalances' },
  { group: 'gateway.networking.k8s.io', version: 'v1', kind: 'Gateway', plural: 'gateways' },
  { group: 'cluster.x-k8s.io', version: 'v1beta1', kind: 'Cluster', plural: 'clusters' },
  { group: 'pkg.crossplane.io', version: 'v1', kind: 'Provider', plural: 'providers', namespaced: false },
  { group: 'projection.dev', version: 'v1', kind: 'ReadOnly', plural: 'readonlies', verbs: ['get', 'list'] },
  { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments' },
  { group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'Role', plural: 'roles' },
];

async function withServer<T>(
  options: { aggregatedDiscovery: boolean; failed?: string },
  use: (discover: () => ReturnType<typeof discoverKinds>) => Promise<T>,
) {
  const server = await startFakeApiServer({ kinds: KINDS, aggregatedDiscovery: options.aggregatedDiscovery });
  if (options.failed !== undefined) server.faults.failGroup(options.failed);
  const client = createHttpKubeClient({ cluster: 'fake', server: new URL(server.url), apply: async () => ({}) });
  try {
    return await use(() => discoverKinds(client));
  } finally {
    await client.close();
    await server.close();
  }
}

for (const aggregatedDiscovery of [true, false]) {
  describe(aggregatedDiscovery ? 'aggregated discovery' : 'discovery by groups', () => {
    it('finds each custom kind once, at its preferred version, if it can be listed and watched', async () => {
      const { kinds, failedGroups } = await withServer({ aggregatedDiscovery }, (discover) => discover());
      assert.deepEqual(
        kinds.map(({ group, version, plural, kind, namespaced }) => `${group}/${version} ${plural} ${kind} ${namespaced}`),
        [
          'cluster.x-k8s.io/v1beta1 clusters Cluster true',
          'gateway.networking.k8s.io/v1 gateways Gateway true',
          'kafka.strimzi.io/v1beta2 kafkarebalances KafkaRebalance true',
          'kafka.strimzi.io/v1 kafkas Kafka true',
          'pkg.crossplane.io/v1 providers Provider false',
        ],
      );
      assert.deepEqual(failedGroups, []);
    });

    it('names a group that does not answer and finds the others', async () => {
      const { kinds, failedGroups } = await withServer({ aggregatedDiscovery, failed: 'cluster.x-k8s.io' }, (discover) =>
        discover(),
      );
      assert.equal(kinds.length, 4);
      assert.deepEqual(
        failedGroups.map(({ group }) => group),
        ['cluster.x-k8s.io'],
      );
    });
  });
}

describe('paths and groups', () => {
  const kind = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };

  it('builds the path of a collection', () => {
    assert.equal(collectionPath(kind), '/apis/test.dev/v1/widgets');
    assert.equal(collectionPath(kind, 'a b'), '/apis/test.dev/v1/namespaces/a%20b/widgets');
    assert.equal(collectionPath({ ...kind, group: '', plural: 'pods' }), '/api/v1/pods');
  });

  it('takes no group of a custom resource for a built-in one', () => {
    for (const group of ['gateway.networking.k8s.io', 'snapshot.storage.k8s.io', 'policy.networking.k8s.io', 'x-k8s.io']) {
      assert.ok(!BUILTIN_GROUPS.has(group), group);
    }
  });
});
