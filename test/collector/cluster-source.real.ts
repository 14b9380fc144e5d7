import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type ClusterSource, createClusterSource } from '../../src/collector/watch/cluster-source.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { checkCluster, connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';
import { MemoryRecord, SILENT_LOGGER } from './memory-record.ts';

function crd(group: string, kind: string, versions = ['v1']) {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural },
      versions: versions.map((name, i) => ({ name, served: true, storage: i === 0, schema })),
    },
  };
}

const role = (name: string, plural: string) => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name },
    rules: [{ apiGroups: ['collector.test'], resources: [plural], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody' }],
  },
];

describe('cluster source against a real kube-apiserver', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  let record: MemoryRecord;
  let source: ClusterSource;
  let stopSource: () => Promise<void>;
  let clients: KubeClient[];

  const apply = (...objects: object[]) =>
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const box = (name: string, size: number) => ({
    apiVersion: 'collector.test/v1',
    kind: 'Box',
    metadata: { name, namespace: 'default' },
    spec: { size },
  });
  const stateOf = (kind: string) => source.coverage().find((covered) => covered.kind === kind)?.state;
  const sizes = (name: string) =>
    record.observations
      .filter(({ object }) => object.metadata.name === name)
      .map(({ type, object }) => (type === 'DELETED' ? 'gone' : (object.spec as { size: number }).size));

  async function start(): Promise<void> {
    const client = await connectKube({ kubeconfig: server.kubeconfig('nobody'), cluster: 'real' });
    clients.push(client);
    const stop = new AbortController();
    source = createClusterSource({ client, clock: systemClock, logger: SILENT_LOGGER, known: record, cursors: record });
    const running = source.run(record.sink, stop.signal);
    stopSource = async () => {
      stop.abort();
      await running;
    };
  }

  before(async () => {
    server = await startApiServer();
    record = new MemoryRecord();
    clients = [];
    await apply(crd('collector.test', 'Box'), crd('collector.test', 'Vault'), ...role('see-boxes', 'boxs'));
    await start();
  });

  after(async () => {
    await stopSource?.();
    for (const client of clients ?? []) await client.close();
    await server?.stop();
  });

  it('checks credentials over TLS', async () => {
    const admin = await connectKube({ kubeconfig: server.adminKubeconfig });
    clients.push(admin);
    assert.match((await checkCluster(admin)).version, /^v1\./);
  });

  it('watches what it may, and says which rule is missing for what it may not', async () => {
    await until('boxes are watched', () => stateOf('Box') === 'watched');
    await until('vaults are forbidden', () => stateOf('Vault') === 'forbidden');
    await apply(box('a', 1));
    await apply(box('a', 2));
    await server.kubectl(['delete', 'boxs.collector.test', 'a']);
    await until('the deletion', () => sizes('a').length === 3);
    assert.deepEqual(sizes('a'), [1, 2, 'gone']);
  });

  it('watches a kind within 10 s of being granted it', async () => {
    await apply(...role('see-vaults', 'vaults'));
    const grantedMs = performance.now();
    await until('vaults are watched', () => stateOf('Vault') === 'watched');
    assert.ok(performance.now() - grantedMs < 10_000);
  });

  it('watches a new kind within 10 s of its CRD, without a right to see CRDs', async () => {
    await apply(crd('collector.test', 'Chest'), ...role('see-chests', 'chests'));
    const createdMs = performance.now();
    await until('chests are watched', () => stateOf('Chest') === 'watched');
    assert.ok(performance.now() - createdMs < 11_500, `${performance.now() - createdMs} ms`);
  });

  it('resumes after a restart of the server and of itself with nothing lost and nothing twice', async () => {
    await apply(box('b', 1));
    await until('b', () => sizes('b').length === 1);
    await server.restart();
    await until('the server is back', async () => (await server.kubectlAll(['get', '--raw', '/readyz'])).code === 0);
    await apply(box('b', 2));
    await until('b = 2', () => sizes('b').length === 2);
    await stopSource();
    await apply(box('b', 3));
    await start();
    await until('b = 3', () => sizes('b').length === 3);
    assert.deepEqual(sizes('b'), [1, 2, 3]);
    const versions = record.observations.map(({ object }) => `${object.metadata.uid}@${object.metadata.resourceVersion}`);
    assert.equal(new Set(versions).size, versions.length);
  });

  it('is told apart by its own error when the server does not know the token', async () => {
    const file = `${server.folder}/wrong-token`;
    await writeFile(file, (await readFile(server.adminKubeconfig, 'utf8')).replaceAll(server.token('admin'), 'wrong'));
    const client = await connectKube({ kubeconfig: file });
    clients.push(client);
    await assert.rejects(checkCluster(client), (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED'));
  });
});
