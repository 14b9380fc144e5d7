/** The real-parts harness itself: what every other real test takes for granted of its API server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';

const WIDGETS = 'apis/harness.example.test/v1/namespaces/default/widgets';
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.harness.example.test' },
  spec: {
    group: 'harness.example.test',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const widget = (size: number) => ({
  apiVersion: 'harness.example.test/v1',
  kind: 'Widget',
  metadata: { name: 'one', namespace: 'default' },
  spec: { size },
});

describe('a real kube-apiserver', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  before(async () => {
    server = await startApiServer();
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(CRD));
    await server.kubectl(['wait', '--for=condition=Established', 'crd/widgets.harness.example.test', '--timeout=20s']);
  });
  after(() => server.stop());

  test('says which version it is', async () => {
    const version = JSON.parse(await server.kubectl(['version', '-o', 'json']));
    assert.match(version.serverVersion.gitVersion, /^v1\.\d+\.\d+/);
  });

  test('tells users apart and asks RBAC about each', async () => {
    const me = async (user: string) =>
      JSON.parse(await server.kubectl(['auth', 'whoami', '-o', 'json'], '', user)).status.userInfo.username;
    assert.equal(await me('admin'), 'admin');
    assert.equal(await me('crowsnest'), 'system:serviceaccount:crowsnest:crowsnest');
    assert.match(await server.kubectl(['get', 'secrets', '-A']), /^$/);
    await assert.rejects(server.kubectl(['get', 'secrets', '-A'], '', 'alice'), /User "alice" cannot list resource "secrets"/);
    assert.throws(() => server.kubeconfig('mallory'), /no user mallory/);
  });

  test('answers a streaming list and marks its end', async () => {
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(widget(1)));
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1';
    const lines = (await server.kubectl(['get', '--raw', `/${WIDGETS}?${query}`])).trim().split('\n');
    const events = lines.map((line) => JSON.parse(line));
    assert.equal(events[0].type, 'ADDED');
    assert.equal(events[0].object.metadata.name, 'one');
    assert.ok(
      events.some(
        (event) => event.type === 'BOOKMARK' && event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true',
      ),
    );
  });

  test('keeps its data, port and certificate over a crash, and has forgotten the watches before it', async () => {
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(widget(2)));
    const revision = JSON.parse(await server.kubectl(['get', '--raw', `/${WIDGETS}`])).items[0].metadata.resourceVersion;
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(widget(3)));
    const url = server.url;

    await server.restart();

    assert.equal(server.url, url);
    const list = JSON.parse(await server.kubectl(['get', '--raw', `/${WIDGETS}`]));
    assert.equal(list.items[0].spec.size, 3);
    const watch = await server.kubectlAll(['get', '--raw', `/${WIDGETS}?watch=1&resourceVersion=${revision}&timeoutSeconds=1`]);
    assert.match(watch.stdout + watch.stderr, /too old resource version|"code":410/);
  });
});

describe('the life of a real kube-apiserver', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  test('a refused flag is told in the words of the server', async () => {
    await assert.rejects(
      startApiServer({ args: ['--no-such-flag'] }),
      /ended while starting:[\s\S]*unknown flag: --no-such-flag/,
    );
  });

  test('leaves neither process nor folder behind when stopped', async () => {
    const server = await startApiServer();
    const port = Number(new URL(server.url).port);
    assert.ok(existsSync(server.adminKubeconfig));
    await server.stop();
    assert.equal(existsSync(server.folder), false);
    assert.equal(await answers(port), false);
  });

  test('goes away when the test that started it is killed', async () => {
    const support = fileURLToPath(new URL('../support/real-apiserver.ts', import.meta.url));
    const program = `const { startApiServer } = await import(${JSON.stringify(support)});
      process.stdout.write((await startApiServer()).url); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [first] = await child.stdout.take(1).toArray();
    const port = Number(new URL(String(first)).port);
    assert.equal(await answers(port), true);
    child.kill('SIGKILL');
    for (let waitedMs = 0; await answers(port); waitedMs += 100) {
      assert.ok(waitedMs < 20_000, 'the server outlived its test by 20 s');
      await delay(100);
    }
  });
});

describe('a real kube-controller-manager', { skip: skipWithout('kube-controller-manager', 'kubectl') }, () => {
  test('deletes a namespace and what is in it', async () => {
    const server = await startApiServer({ controllerManager: true });
    try {
      await server.kubectl(['create', 'namespace', 'short-lived']);
      await server.kubectl(['create', 'configmap', 'inside', '-n', 'short-lived']);
      await server.kubectl(['delete', 'namespace', 'short-lived', '--wait=true', '--timeout=60s']);
      const gone = await server.kubectlAll(['get', 'namespace', 'short-lived']);
      assert.match(gone.stderr, /NotFound/);
    } finally {
      await server.stop();
    }
  });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
