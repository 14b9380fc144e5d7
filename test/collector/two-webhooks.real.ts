/** Two clusters in one process, each a real kube-apiserver that asks before each write: who wrote is told apart by cluster. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { start } from '../commands/run-crowsnest.ts';
import { type CrowsnestProcess, startCrowsnest } from '../support/crowsnest-process.ts';
import { freePort, type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

const GROUP = 'two.example.test';
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `masts.${GROUP}` },
  spec: {
    ...{ group: GROUP, scope: 'Namespaced', names: { plural: 'masts', kind: 'Mast' } },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const role = (user: string) => [
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'masts' } },
    rules: [{ apiGroups: [GROUP], resources: ['masts'], verbs: ['get', 'list', 'create', 'update', 'patch'] }],
  },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'masts' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'masts' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  },
];
const mast = (sails: number) => ({
  ...{ apiVersion: `${GROUP}/v1`, kind: 'Mast', metadata: { name: 'main', namespace: 'default' } },
  spec: { sails },
});

describe('two clusters that ask', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  const WRITERS = { east: 'alice', west: 'bob' } as const;
  const servers: Partial<Record<keyof typeof WRITERS, RealApiServer>> = {};
  let crowsnest: CrowsnestProcess;

  before(async () => {
    const configs = [];
    for (const [cluster, writer] of Object.entries(WRITERS) as [keyof typeof WRITERS, string][]) {
      const server = await startApiServer();
      servers[cluster] = server;
      const items = [CRD, ...role(writer)];
      await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      await server.kubectl(['wait', '--for=condition=Established', `crd/masts.${GROUP}`, '--timeout=30s']);
      const subject = 'user:system:serviceaccount:crowsnest:crowsnest';
      const asks = ['--allow', 'admission-webhook', '--subject', subject];
      const printed = await start(['rbac', '--kubeconfig', server.adminKubeconfig, ...asks]).ended;
      assert.equal(printed.code, 0, printed.err);
      await server.kubectl(['apply', '-f', '-'], printed.out);
      const config = JSON.parse(await server.kubectl(['config', 'view', '--raw', '-o', 'json'], '', 'crowsnest'));
      configs.push({
        cluster: { ...config.clusters[0], name: cluster },
        user: { ...config.users[0], name: cluster },
        context: { name: cluster, context: { cluster, user: cluster } },
      });
    }
    const { folder } = servers.east as RealApiServer;
    const kubeconfig = join(folder, 'two.kubeconfig');
    const merged = {
      ...{ apiVersion: 'v1', kind: 'Config' },
      clusters: configs.map(({ cluster }) => cluster),
      users: configs.map(({ user }) => user),
      contexts: configs.map(({ context }) => context),
    };
    writeFileSync(kubeconfig, JSON.stringify(merged), { mode: 0o600 });
    const [eastPort, westPort] = [await freePort(), await freePort()];
    crowsnest = await startCrowsnest([
      ...['serve', '--db', join(folder, 'two.db'), '--kubeconfig', kubeconfig, '--context', 'east', '--context', 'west'],
      ...['--allow', 'admission-webhook', '--admission', `127.0.0.1:${eastPort}`, '--admission', `west=127.0.0.1:${westPort}`],
      ...['--admission-url', `https://127.0.0.1:${eastPort}`, '--admission-url', `west=https://127.0.0.1:${westPort}`],
    ]);
    await until('both webhooks are registered', async () => {
      const text = await crowsnest.metrics();
      return Object.keys(WRITERS).every((cluster) => text.includes(`crowsnest_admission_registered{cluster="${cluster}"} 1`));
    });
  });

  after(async () => {
    await crowsnest?.stop();
    for (const server of Object.values(servers)) await server.stop();
  });

  for (const [cluster, writer] of Object.entries(WRITERS) as [keyof typeof WRITERS, string][]) {
    it(`names ${writer} in ${cluster}, by admission`, async () => {
      const server = servers[cluster] as RealApiServer;
      let sails = 0;
      // A configuration takes effect some time after the API server has taken it.
      await until(`${cluster} asks`, async () => {
        await server.kubectl(['apply', '-f', '-'], JSON.stringify(mast(sails++)), writer);
        const asked = new RegExp(`crowsnest_admission_reviews_total\\{cluster="${cluster}",result="claim"\\} [1-9]`);
        return asked.test(await crowsnest.metrics());
      });
      const change = await until('the write is told by admission', async () => {
        const query = `cluster=${cluster}&kind=Mast&name=main`;
        const { items } = await crowsnest.get<{ items: { actor: { name: string; source: string } }[] }>(`/v1/changes?${query}`);
        return items.find(({ actor }) => actor.source === 'admission');
      });
      assert.equal(change.actor.name, writer);
    });
  }
});
