/** Several clusters in one process, most of them in trouble, and what is said of it: coverage, readiness, the canary, alerts that resolve. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { start } from '../commands/run-crowsnest.ts';
import { type CrowsnestProcess, startCrowsnest } from '../support/crowsnest-process.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { type RealAlertmanager, startAlertmanager } from '../support/real-alertmanager.ts';
import { freePort, type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

interface Coverage {
  items: { cluster: string; kind: string; state: string; reason?: string; everWatched: boolean; lagSeconds?: number }[];
  clusters: {
    cluster: string;
    state: string;
    reason?: string;
    canary?: { state: string; latencySeconds?: number; reason?: string };
  }[];
}

const crd = (kind: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.clusters.test` },
  spec: {
    group: 'clusters.test',
    scope: 'Namespaced',
    names: { kind, plural: `${kind.toLowerCase()}s` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

describe('several clusters', { skip: skipWithout('kube-apiserver', 'kubectl', 'alertmanager') }, () => {
  let server: RealApiServer;
  let alertmanager: RealAlertmanager;
  let crowsnest: CrowsnestProcess;
  let silent: Server;
  let late: FakeApiServer | undefined;
  let role: string;
  let kubeconfig: string;
  let downPort: number;

  const coverage = () => crowsnest.get<Coverage>('/v1/coverage');
  const clusterOf = async (name: string) => (await coverage()).clusters.find(({ cluster }) => cluster === name);
  const stateOf = async (kind: string) =>
    (await coverage()).items.find((row) => row.kind === kind && row.cluster === 'real')?.state;
  const firing = async () => (await alertmanager.alerts()).map(({ labels }) => `${labels.alertname} ${labels.cluster}`).sort();

  before(async () => {
    server = await startApiServer();
    alertmanager = await startAlertmanager();
    const objects = [crd('Crane'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'crowsnest' } }];
    await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await server.kubectl(['wait', '--for=condition=Established', 'crd/cranes.clusters.test', '--timeout=30s']);

    silent = createServer(() => {}).listen(0, '127.0.0.1');
    downPort = await freePort();
    const { port } = silent.address() as { port: number };
    const real = JSON.parse(await server.kubectl(['config', 'view', '--raw', '-o', 'json'], '', 'crowsnest'));
    const [known] = real.clusters;
    const http = (name: string, at: number) => ({ name, cluster: { server: `http://127.0.0.1:${at}` } });
    kubeconfig = join(server.folder, 'several.kubeconfig');
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'real' },
      clusters: [known, { name: 'locked', cluster: known.cluster }, http('down', downPort), http('silent', port)],
      users: [...real.users, { name: 'stranger', user: { token: 'nobody-knows-this' } }, { name: 'anyone', user: {} }],
      contexts: [
        { name: 'real', context: { cluster: 'real', user: real.users[0].name } },
        { name: 'again', context: { cluster: 'real', user: real.users[0].name } },
        { name: 'locked', context: { cluster: 'locked', user: 'stranger' } },
        ...['down', 'silent'].map((name) => ({ name, context: { cluster: name, user: 'anyone' } })),
      ],
    };
    writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });

    const printed = await start(['rbac', '--kubeconfig', server.adminKubeconfig, '--allow', 'canary=crowsnest']).ended;
    assert.equal(printed.code, 0, printed.err);
    role = printed.out;
    await server.kubectl(['apply', '-f', '-'], role);

    crowsnest = await startCrowsnest([
      ...['serve', '--db', join(server.folder, 'several.db'), '--kubeconfig', kubeconfig],
      ...['down', 'silent', 'locked', 'real'].flatMap((context) => ['--context', context]),
      ...['--allow', 'canary=crowsnest', '--coverage-grace', '1s', '--alertmanager', alertmanager.url],
    ]);
  });

  after(async () => {
    await crowsnest?.stop();
    await late?.close();
    silent?.close();
    await alertmanager?.stop();
    await server?.stop();
  });

  it('rbac prints the least roles of each of several clusters, with the context they are for and what is asked of that one', async () => {
    const { code, out, err } = await start([
      ...['rbac', '--kubeconfig', kubeconfig, '--context', 'real', '--context', 'again=second'],
      ...['--metrics-target', 'second=http://127.0.0.1:9/metrics', '--allow', 'event', '--allow', 'admission-webhook'],
      ...['--admission', 'real=127.0.0.1:9443'],
    ]).ended;
    assert.equal(code, 0, err);
    const [first = '', second = '', ...more] = out.split(/^(?=---\n# The least roles)/m);
    assert.deepEqual(more, []);
    assert.match(first, /in the cluster real,[\s\S]*kubectl --context real apply/);
    assert.match(second, /in the cluster second,[\s\S]*kubectl --context again apply/);
    for (const part of [first, second]) assert.match(part, /cranes/);
    assert.match(first, /webhookconfigurations/);
    assert.doesNotMatch(second, /webhookconfigurations/);
    for (const part of [first, second]) await server.kubectl(['apply', '--dry-run=server', '-f', '-'], part);
  });

  it('rbac prints nothing where one of them does not answer', async () => {
    const { code, out, err } = await start(['rbac', '--kubeconfig', kubeconfig, '--context', 'real', '--context', 'down']).ended;
    assert.notEqual(code, 0);
    assert.equal(out, '');
    assert.match(err, /CLUSTER_UNREACHABLE/);
  });

  it('watches the one that is well while the others are down, silent and locked, and tells each apart', async (t) => {
    await until('cranes are watched', async () => (await stateOf('Crane')) === 'watched');
    const crane = {
      apiVersion: 'clusters.test/v1',
      kind: 'Crane',
      metadata: { name: 'c', namespace: 'default' },
      spec: { load: 1 },
    };
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(crane));
    await until('the crane is recorded', async () => {
      const { items } = await crowsnest.get<{ items: { ref: { name: string; cluster: string } }[] }>('/v1/objects?kind=Crane');
      return items.some(({ ref }) => ref.name === 'c' && ref.cluster === 'real');
    });
    const down = await until('down is known to be', async () => {
      const found = await clusterOf('down');
      return found?.state === 'unreachable' && found;
    });
    assert.match(down.reason ?? '', /nothing listens there/);
    const locked = await until('locked is known to be', async () => {
      const found = await clusterOf('locked');
      return found?.state === 'unreachable' && found;
    });
    assert.match(locked.reason ?? '', /Unauthorized|401/);
    assert.equal((await clusterOf('silent'))?.state, 'connecting');
    assert.equal((await clusterOf('real'))?.state, 'reached');

    const metrics = await fetch(`${crowsnest.url}/metrics`, { headers: { authorization: 'Bearer a-token-for-tests' } });
    assert.match(await metrics.text(), /crowsnest_watch_kinds\{cluster="real",state="watched"\} [1-9]/);
    const ready = await (await fetch(`${crowsnest.url}/readyz?verbose=true`)).text();
    assert.match(ready, /"name":"watches of real","ok":true/);
    assert.match(ready, /"name":"watches of down","ok":false/);

    const canary = await until('the canary came back', async () => {
      const found = (await clusterOf('real'))?.canary;
      return found?.state === 'seen' && found;
    });
    t.diagnostic(`canary: ${JSON.stringify(canary)}`);
    const { items } = await crowsnest.get<{ items: { ref: { kind: string }; origin: string }[] }>('/v1/changes?kind=Lease');
    assert.deepEqual(
      items.map(({ origin }) => origin),
      ['list'],
      'the canary is in the record once, as found',
    );
  });

  it('alerts once for each cluster that is away, and resolves when it is there', async () => {
    const away = ['down', 'locked', 'silent'].map((name) => `CrowsnestClusterUnreachable ${name}`);
    await until('all three fire', async () => {
      const now = await firing();
      return away.every((alert) => now.includes(alert));
    });
    late = await startFakeApiServer({
      port: downPort,
      kinds: [{ group: 'late.test', version: 'v1', kind: 'Late', plural: 'lates' }],
    });
    await until('down is reached', async () => (await clusterOf('down'))?.state === 'reached');
    await until('its alert is resolved', async () => !(await firing()).includes('CrowsnestClusterUnreachable down'));
    assert.ok((await firing()).includes('CrowsnestClusterUnreachable locked'), 'the others go on');
  });

  it('alerts when a kind that was watched is forbidden, with the rule, and resolves within 10 s of the grant', async (t) => {
    await server.kubectl(['delete', 'clusterrolebinding', 'crowsnest-least-reader']);
    // A watch that is open stays open whatever the role; the next one is refused.
    await server.restart();
    await until('cranes are forbidden', async () => (await stateOf('Crane')) === 'forbidden');
    await until('the alert fires', async () => (await firing()).includes('CrowsnestKindsForbidden real'));
    const alert = (await alertmanager.alerts()).find(({ labels }) => labels.alertname === 'CrowsnestKindsForbidden');
    assert.match(alert?.annotations.description ?? '', /Crane\.clusters\.test: .*resources: \["cranes"\]/);

    await server.kubectl(['apply', '-f', '-'], role);
    const grantedMs = performance.now();
    await until('cranes are watched', async () => (await stateOf('Crane')) === 'watched');
    const tookMs = performance.now() - grantedMs;
    t.diagnostic(`watched ${Math.round(tookMs)} ms after the grant`);
    assert.ok(tookMs < 10_000);
    await until('the alert is resolved', async () => !(await firing()).includes('CrowsnestKindsForbidden real'));
  });

  it('refuses two contexts of one cluster, and says how to name them apart', async () => {
    const contexts = ['--context', 'real', '--context', 'again'];
    const { code, err } = await start(['serve', '--kubeconfig', kubeconfig, ...contexts, '--db', ':memory:']).ended;
    assert.equal(code, 2);
    assert.match(err, /CONFIG_BAD_VALUE: two clusters would be called "real".*--context again=NAME/);
  });
});
