import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { CrowsnestError } from '../../src/domain/errors.ts';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy.ts';
import { until } from '../support/until.ts';

const USER = { name: 'ann', password: 'hunter2 @home' };

describe('a cluster behind a proxy', () => {
  let folder: string;
  let authority: Authority;
  const seen: (string | undefined)[] = [];
  const closing: (() => unknown)[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crowsnest-proxy-'));
    authority = await createAuthority();
  });
  afterEach(async () => {
    seen.length = 0;
    for (const close of closing.splice(0).reverse()) await close();
  });
  after(() => rm(folder, { recursive: true }));

  /** An API server that says which HTTP it speaks. A watch says one line and goes on. */
  async function startApi(speaks: 'h2' | 'http/1.1' | 'plain'): Promise<string> {
    const answer = (request: Asked, response: Answering) => {
      seen.push(request.headers.authorization);
      response.writeHead(200, { 'content-type': 'application/json' });
      if (request.url?.startsWith('/watch')) response.write('{"type":"BOOKMARK"}\n');
      else response.end(JSON.stringify({ version: request.httpVersion }));
    };
    const pair = await authority.issue('CN=api');
    const server: Server =
      speaks === 'plain'
        ? createPlainServer(answer)
        : speaks === 'h2'
          ? createSecureServer(pair, answer as never)
          : createServer(pair, answer);
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `${speaks === 'plain' ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function through(server: string, proxy: Pick<ForwardProxy, 'url'>): Promise<KubeClient> {
    const file = join(folder, 'kubeconfig');
    const ca = Buffer.from(authority.cert).toString('base64');
    const cluster = { server, 'certificate-authority-data': ca, 'proxy-url': proxy.url };
    const config = {
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 'through' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(file, JSON.stringify(config));
    const client = await connectKube({ kubeconfig: file });
    closing.push(() => client.close());
    return client;
  }

  async function startProxy(...[options]: Parameters<typeof startForwardProxy>): Promise<ForwardProxy> {
    const proxy = await startForwardProxy(options);
    closing.push(() => proxy.close());
    return proxy;
  }

  for (const [kind, user] of [['http'], ['http', USER], ['socks5'], ['socks5', USER]] as const) {
    it(`shares HTTP/2 connections through ${kind}${user === undefined ? '' : ' with a password'}`, async () => {
      const server = await startApi('h2');
      const proxy = await startProxy({ kind, ...(user === undefined ? {} : { user }) });
      const client = await through(server, proxy);
      assert.deepEqual(await client.request('GET', '/version'), { version: '2.0' });
      const watches = Array.from({ length: 100 }, () => client.stream('/watch', { signal: new AbortController().signal }));
      assert.ok((await Promise.all(watches)).every(({ status }) => status === 200));
      assert.deepEqual(proxy.asked, Array(2).fill(server.slice('https://'.length)));
      assert.equal(client.connections?.().protocol, 'h2');
      assert.deepEqual(new Set(seen), new Set(['Bearer through']));
    });
  }

  for (const speaks of ['http/1.1', 'plain'] as const) {
    it(`falls back to HTTP/1.1 where the server speaks nothing else (${speaks})`, async () => {
      const proxy = await startProxy({ kind: 'http' });
      const client = await through(await startApi(speaks), proxy);
      assert.deepEqual(await client.request('GET', '/version'), { version: '1.1' });
      const stream = await client.stream('/watch', { signal: new AbortController().signal });
      assert.equal(stream.status, 200);
      stream.cancel();
      assert.ok(proxy.asked.length >= 2, 'everything goes through it');
    });
  }

  it('is reached again after the proxy cut all ways, and every watch hears of the cut', async () => {
    const proxy = await startProxy({ kind: 'http' });
    const client = await through(await startApi('h2'), proxy);
    const stream = await client.stream('/watch', { signal: new AbortController().signal });
    const heard = assert.rejects(async () => {
      for await (const _ of stream.body);
    });
    await until('the way is open', () => proxy.open() > 0);
    proxy.cut();
    await heard;
    assert.deepEqual(await client.request('GET', '/version'), { version: '2.0' });
  });

  const refusals: [what: string, proxy: () => Promise<Pick<ForwardProxy, 'url'>>, expected: RegExp][] = [
    [
      'wants a password',
      async () => startProxy({ kind: 'http', user: USER }).then(without),
      /refuses the way to .* with 407: it wants/,
    ],
    ['wants another password', async () => startProxy({ kind: 'socks5', user: USER }).then(wrong), /gives no way: .*[Aa]uth/],
    [
      'nobody vouches for',
      async () => startProxy({ kind: 'https', certificate: await authority.issue('CN=proxy') }),
      /cannot be reached: .*certificate/,
    ],
    ['is not there', async () => ({ url: 'http://ann:hunter2@127.0.0.1:1' }), /the proxy 127\.0\.0\.1:1 cannot be reached/],
  ];
  for (const [what, start, expected] of refusals) {
    it(`says that it is the proxy which ${what}, and no password`, async () => {
      const client = await through(await startApi('h2'), await start());
      await assert.rejects(client.request('GET', '/version'), (error) => {
        assert.ok(error instanceof CrowsnestError);
        assert.equal(error.code, 'CLUSTER_UNREACHABLE');
        assert.match(error.what, expected);
        assert.doesNotMatch(`${error.what} ${error.todo} ${JSON.stringify(error.cause)}`, /hunter2|home/);
        return true;
      });
      assert.deepEqual(seen, []);
    });
  }
});

interface Asked {
  headers: { authorization?: string | undefined };
  url?: string | undefined;
  httpVersion: string;
}

interface Answering {
  writeHead(status: number, headers: Record<string, string>): unknown;
  write(text: string): unknown;
  end(text: string): unknown;
}

function without({ url }: ForwardProxy): { url: string } {
  return { url: url.replace(/\/\/.*@/, '//') };
}

function wrong({ url }: ForwardProxy): { url: string } {
  return { url: url.replace(/\/\/.*@/, '//bob:hunter2@') };
}
