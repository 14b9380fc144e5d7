/** Credentials that rotate and connections that are shared, against a real kube-apiserver. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import { type KubeClient, KubeStatusError, type KubeStream } from '../../src/kube/kube-client.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

const NAMESPACES = '/api/v1/namespaces';
const GROUP_VIEWS = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'developers-see-namespaces' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'namespace-reader' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'developers' }],
};

describe('transport to a real kube-apiserver', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-transport-'));
  const clients: KubeClient[] = [];
  let authority: Authority;
  let server: RealApiServer;

  before(async () => {
    authority = await createAuthority('CN=client authority');
    await writeFile(join(folder, 'client-ca.crt'), authority.cert);
    server = await startApiServer({ args: [`--client-ca-file=${join(folder, 'client-ca.crt')}`] });
    await server.kubectl(['create', 'clusterrole', 'namespace-reader', '--verb=get,list,watch', '--resource=namespaces']);
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(GROUP_VIEWS));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A client for a kubeconfig user; `user` as it stands in the file. */
  async function connect(user: object, proxyUrl?: string): Promise<KubeClient> {
    const config = JSON.parse(await readFile(server.adminKubeconfig, 'utf8'));
    config.users[0].user = user;
    if (proxyUrl !== undefined) config.clusters[0].cluster['proxy-url'] = proxyUrl;
    const file = join(folder, 'kubeconfig');
    await replace(file, JSON.stringify(config));
    const client = await connectKube({ kubeconfig: file });
    clients.push(client);
    return client;
  }

  async function whoAmI(client: KubeClient): Promise<string> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const review = await client.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body });
    return (review.status as { userInfo: { username: string } }).userInfo.username;
  }

  const watch = async (client: KubeClient) =>
    client.stream(NAMESPACES, { query: { watch: 'true', timeoutSeconds: '600' }, signal: new AbortController().signal });

  async function label(value: string): Promise<void> {
    await server.kubectl(['label', 'namespace', 'default', `rotation=${value}`, '--overwrite']);
  }

  it('carries 300 watches over four sockets, and small requests beside them', async () => {
    const client = await connect({ token: server.token('alice') });
    const streams = await Promise.all(Array.from({ length: 300 }, () => watch(client)));
    assert.deepEqual(
      streams.filter(({ status }) => status !== 200),
      [],
    );
    const reads = streams.map(collect);
    await Promise.all(Array.from({ length: 20 }, () => whoAmI(client)));
    assert.equal(await socketsTo(server), 4);
    await label('many');
    await until('every watch hears of it', () => reads.every((read) => read.text().includes('"rotation":"many"')));
  });

  for (const kind of ['http', 'socks5'] as const) {
    it(`carries 300 watches over four connections through a proxy too (${kind}), and a token that rotates`, async () => {
      const proxy = await startForwardProxy({ kind, user: { name: 'ann', password: 'through' } });
      try {
        const tokenFile = join(folder, `token-${kind}`);
        await replace(tokenFile, server.token('alice'));
        const client = await connect({ tokenFile }, proxy.url);
        const streams = await Promise.all(Array.from({ length: 300 }, () => watch(client)));
        assert.ok(streams.every(({ status }) => status === 200));
        const reads = streams.map(collect);
        await replace(tokenFile, server.token('bob'));
        await until('the new token is used', async () => (await whoAmI(client)) === 'bob');
        await label(`through-${kind}`);
        await until('every watch hears of it', () => reads.every((read) => read.text().includes(`"rotation":"through-${kind}"`)));
        assert.equal(proxy.asked.length, 4);
        assert.deepEqual(client.connections?.(), { protocol: 'h2', connections: 4, streams: 300, endings: {} });
      } finally {
        await proxy.close();
      }
    });
  }

  it('takes up a token whose file was replaced, on the same connection, with the watch going on', async () => {
    const tokenFile = join(folder, 'token');
    await replace(tokenFile, `${server.token('alice')}\n`);
    const client = await connect({ tokenFile });
    assert.equal(await whoAmI(client), 'alice');
    const read = collect(await watch(client));
    await replace(tokenFile, `${server.token('bob')}\n`);
    await until('the new token is used', async () => (await whoAmI(client)) === 'bob');
    await label('token');
    await until('the watch goes on', () => read.text().includes('"rotation":"token"'));
    assert.equal(client.connections?.().connections, 1);
  });

  it('recovers at once when a refused token is replaced', async () => {
    const tokenFile = join(folder, 'bad-token');
    await replace(tokenFile, 'expired');
    const client = await connect({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } });
    await assert.rejects(whoAmI(client), (error) => error instanceof KubeStatusError && error.status === 401);
    await replace(tokenFile, server.token('alice'));
    assert.equal(await whoAmI(client), 'alice');
  });

  it('asks an exec plugin again before its token ends', async () => {
    const plugin = join(folder, 'plugin');
    const credential = (user: string, seconds: number) =>
      JSON.stringify({
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { token: server.token(user), expirationTimestamp: new Date(Date.now() + seconds * 1000).toISOString() },
      });
    await replace(plugin, `#!/bin/sh\necho '${credential('alice', 14)}'\n`);
    await chmod(plugin, 0o700);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    const client = await connect({ exec });
    assert.equal(await whoAmI(client), 'alice');
    await writeFile(plugin, `#!/bin/sh\necho '${credential('bob', 3600)}'\n`);
    await until('the new token is used', async () => (await whoAmI(client)) === 'bob');
  });

  it('takes up a rotated client certificate on a new connection, and closes the old one when its watch is over', async () => {
    const [cert, key] = [join(folder, 'client.crt'), join(folder, 'client.key')];
    const issue = async (name: string) => {
      const identity = await authority.issue(`CN=${name},O=developers`, { client: true });
      await replace(key, identity.key);
      await replace(cert, identity.cert);
    };
    await issue('first');
    const client = await connect({ 'client-certificate': cert, 'client-key': key });
    assert.equal(await whoAmI(client), 'first');
    const stream = await watch(client);
    const read = collect(stream);
    await issue('second');
    await until('the new certificate is used', async () => (await whoAmI(client)) === 'second');
    assert.equal(client.connections?.().connections, 2);
    await label('certificate');
    await until('the old watch goes on', () => read.text().includes('"rotation":"certificate"'));
    stream.cancel();
    await read.end;
    await until('the old connection is closed', async () => (await socketsTo(server)) === 1);
  });

  it('fails every watch when the server is killed, and connects again when it is back', async () => {
    const client = await connect({ token: server.token('alice') });
    const reads = (await Promise.all(Array.from({ length: 120 }, () => watch(client)))).map(collect);
    await server.restart();
    const ends = await Promise.all(reads.map((read) => read.end));
    assert.ok(ends.every((end) => end instanceof Error));
    const again = collect(await until('a watch is taken', () => watch(client).catch(() => undefined)));
    await label('restart');
    await until('it brings what is new', () => again.text().includes('"rotation":"restart"'));
    assert.equal(client.connections?.().connections, 1);
  });
});

function collect(stream: KubeStream): { text(): string; end: Promise<unknown> } {
  let text = '';
  const read = async () => {
    for await (const chunk of stream.body) text += chunk.toString();
  };
  return { text: () => text, end: read().then(undefined, (error: unknown) => error) };
}

/** As the kernel counts them: established sockets of this process's network to the server's port. */
async function socketsTo(server: RealApiServer): Promise<number> {
  const port = Number(new URL(server.url).port).toString(16).toUpperCase().padStart(4, '0');
  const lines = (await readFile('/proc/self/net/tcp', 'utf8')).split('\n');
  const inodes = new Set(await ownSocketInodes());
  // Fields: number, local, remote, state (01 is established), …, inode as the tenth.
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(`:${port}`) && state === '01')
    .filter((fields) => inodes.has(fields[9] ?? '')).length;
}

async function ownSocketInodes(): Promise<string[]> {
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
