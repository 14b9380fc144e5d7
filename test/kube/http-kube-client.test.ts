import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import type { ConnectOptions } from '../../src/kube/connect-options.ts';
import { checkCluster, connectKube, createHttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { type KubeClient, KubeStatusError } from '../../src/kube/kube-client.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';

const WIDGET = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets' };
const PATH = '/apis/test.dev/v1/widgets';

describe('kube client over HTTP', () => {
  let server: FakeApiServer;
  let folder: string;
  let clients: KubeClient[] = [];

  async function connect(config: string, options: Partial<ConnectOptions> = {}, limits = {}): Promise<KubeClient> {
    const file = join(folder, 'config');
    await writeFile(file, config);
    const client = await connectKube({ kubeconfig: file, ...options }, limits);
    clients.push(client);
    return client;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crowsnest-kube-'));
    server = await startFakeApiServer({ kinds: [WIDGET], token: 'open-sesame' });
  });

  after(async () => {
    for (const client of clients) await client.close();
    clients = [];
    await server.close();
    await rm(folder, { recursive: true });
  });

  it('takes server, token and name from a kubeconfig', async () => {
    const client = await connect(server.kubeconfig());
    assert.equal(client.cluster, 'fake');
    assert.deepEqual(await checkCluster(client), { version: 'v1.36.0' });
    assert.equal((await connect(server.kubeconfig(), { cluster: 'mine' })).cluster, 'mine');
  });

  it('reads a token file again for later requests, and trims it', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'open-sesame\n');
    const config = JSON.parse(server.kubeconfig());
    config.users[0].user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
    await checkCluster(await connect(JSON.stringify(config)));
  });

  it('sends and receives objects, and gives back a Status as an error', async () => {
    const client = await connect(server.kubeconfig());
    const body = { apiVersion: 'test.dev/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 1 } };
    const created = await client.request('POST', '/apis/test.dev/v1/namespaces/a/widgets', { body });
    assert.equal((created.metadata as { uid: string }).uid.length, 36);
    const patched = await client.request('PATCH', '/apis/test.dev/v1/namespaces/a/widgets/w', {
      query: { fieldManager: 'tester' },
      contentType: 'application/merge-patch+json',
      body: { spec: { size: 2 } },
    });
    assert.deepEqual(patched.spec, { size: 2 });
    await assert.rejects(client.request('POST', '/apis/test.dev/v1/namespaces/a/widgets', { body }), (error) => {
      assert.ok(error instanceof KubeStatusError);
      assert.deepEqual([error.status, error.reason], [409, 'AlreadyExists']);
      return true;
    });
  });

  it('passes the time to wait of a throttling server on', async () => {
    const client = await connect(server.kubeconfig());
    server.faults.refuse({ status: 429, plural: 'widgets', retryAfterSeconds: 7 });
    await assert.rejects(
      client.request('GET', PATH),
      (error) => error instanceof KubeStatusError && error.retryAfterSeconds === 7,
    );
  });

  it('streams, does not throw for a refusal, and ends reading when cancelled', async () => {
    const client = await connect(server.kubeconfig());
    const signal = new AbortController().signal;
    server.faults.refuse({ status: 403, plural: 'widgets' });
    const refused = await client.stream(PATH, { query: { watch: 'true' }, signal });
    assert.equal(refused.status, 403);
    refused.cancel();
    const stream = await client.stream(PATH, { query: { watch: 'true', resourceVersion: '0' }, signal });
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const chunk of stream.body) {
        seen.push(chunk.toString());
        stream.cancel();
      }
      // Reading ends one way or the other; the port leaves open which.
      throw new Error('ended');
    });
    assert.equal(seen.length, 1);
  });

  it('opens as many streams as it is asked for', async () => {
    const client = await connect(server.kubeconfig());
    const stop = new AbortController();
    const streams = await Promise.all(
      Array.from({ length: 60 }, () =>
        client.stream(PATH, { query: { watch: 'true', resourceVersion: '0' }, signal: stop.signal }),
      ),
    );
    assert.ok(streams.every((stream) => stream.status === 200));
    await checkCluster(client);
    stop.abort();
  });

  it('is done at once when aborted while waiting for an answer', async () => {
    const client = await connect(server.kubeconfig());
    server.faults.hang('/apis/hang');
    const stop = new AbortController();
    const waiting = client.stream('/apis/hang/v1', { signal: stop.signal });
    await server.until(() => server.requests.at(-1)?.path === '/apis/hang/v1');
    stop.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
  });

  it('does not wait for ever for an answer', async () => {
    const client = await connect(server.kubeconfig(), {}, { answerTimeoutMs: 50 });
    server.faults.hang('/apis/hang');
    await assert.rejects(
      client.request('GET', '/apis/hang/v1'),
      (error) => isCrowsnestError(error, 'CLUSTER_UNREACHABLE') && /no answer within/.test(error.what),
    );
  });

  it('names host and port of a server that is not there, and what to check', async () => {
    const client = createHttpKubeClient({ cluster: 'x', server: new URL('http://127.0.0.1:1'), apply: async () => ({}) });
    await assert.rejects(checkCluster(client), (error) => {
      assert.ok(isCrowsnestError(error, 'CLUSTER_UNREACHABLE'));
      assert.equal(error.where, '127.0.0.1:1');
      assert.match(error.message, /nothing listens there.*Check that the API server runs/);
      return true;
    });
  });

  it('tells wrong credentials from a wrong address', async () => {
    const config = JSON.parse(server.kubeconfig());
    config.users[0].user.token = 'wrong';
    await assert.rejects(
      checkCluster(await connect(JSON.stringify(config))),
      (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED') && /401/.test(error.what),
    );
  });

  it('says when credentials cannot be had, without showing any', async () => {
    const config = JSON.parse(server.kubeconfig());
    config.users[0].user = {
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: join(folder, 'no-such-plugin'), interactiveMode: 'Never' },
    };
    await assert.rejects(
      checkCluster(await connect(JSON.stringify(config))),
      (error) => isCrowsnestError(error, 'CLUSTER_UNAUTHORIZED') && /exec plugin/.test(error.todo ?? ''),
    );
  });

  const broken: [string, (config: ReturnType<typeof JSON.parse>) => unknown, RegExp, Partial<ConnectOptions>?][] = [
    ['is no YAML', () => '{{{', /cannot be read/],
    ['is no kubeconfig', () => '"text"', /cannot be read|no current context/],
    ['has no such context', (config) => config, /no context "other".*Choose one of: fake/, { context: 'other' }],
    ['has no current context', (config) => ({ ...config, 'current-context': undefined }), /no current context/],
    ['names a cluster that is not there', (config) => ({ ...config, clusters: [] }), /cluster that is not defined/],
    ['names a user that is not there', (config) => ({ ...config, users: [] }), /user that is not defined/],
    [
      'has an address that is none',
      (config) => ({ ...config, clusters: [{ name: 'fake', cluster: { server: 'ftp://x' } }] }),
      /not an http\(s\) URL/,
    ],
  ];
  for (const [what, change, pattern, options] of broken) {
    it(`refuses a kubeconfig that ${what}`, async () => {
      const changed = change(JSON.parse(server.kubeconfig()));
      const text = typeof changed === 'string' ? changed : JSON.stringify(changed);
      await assert.rejects(connect(text, options), (error) => {
        assert.ok(isCrowsnestError(error, 'KUBECONFIG_INVALID'), String(error));
        assert.match(error.message, pattern);
        assert.equal(error.where, join(folder, 'config'));
        return true;
      });
    });
  }

  it('refuses a kubeconfig file that is not there', async () => {
    await assert.rejects(connectKube({ kubeconfig: join(folder, 'none') }), (error) =>
      isCrowsnestError(error, 'KUBECONFIG_INVALID'),
    );
  });
});
