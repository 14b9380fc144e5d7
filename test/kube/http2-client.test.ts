import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { createHttpKubeClient, type HttpKubeClientOptions } from '../../src/kube/http-kube-client.ts';
import type { KubeClient, KubeStream } from '../../src/kube/kube-client.ts';
import { publishConnections } from '../../src/kube/metrics.ts';
import { type Authority, createAuthority, type Identity } from '../support/certificates.ts';
import { FakeHttp2Server } from '../support/fake-http2-server.ts';
import { type StallingProxy, startStallingProxy } from '../support/stalling-proxy.ts';
import { until } from '../support/until.ts';

describe('kube client over HTTP/2', () => {
  let authority: Authority;
  let server: FakeHttp2Server;
  const clients: KubeClient[] = [];
  const never = new AbortController().signal;

  function connect(
    limits: HttpKubeClientOptions = {},
    options: { url?: URL; identity?: () => Identity; token?: () => string; refused?: () => void } = {},
  ): KubeClient {
    const client = createHttpKubeClient(
      {
        cluster: 'fake',
        server: options.url ?? server.url,
        apply: async () => ({
          ca: authority.cert,
          ...options.identity?.(),
          headers: options.token === undefined ? {} : { Authorization: `Bearer ${options.token()}` },
        }),
        ...(options.refused === undefined ? {} : { refused: options.refused }),
      },
      limits,
    );
    clients.push(client);
    return client;
  }

  const watch = (client: KubeClient, name: string) => client.stream(`/watch/${name}`, { signal: never });
  const watches = (client: KubeClient, count: number, prefix = '') =>
    Promise.all(Array.from({ length: count }, (_, i) => watch(client, `${prefix}${i}`)));

  before(async () => {
    authority = await createAuthority();
  });
  beforeEach(async () => {
    server = await FakeHttp2Server.start(authority);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    await server.close();
  });

  it('holds 300 watches and the small requests beside them over four connections', async () => {
    const client = connect();
    const streams = await watches(client, 300);
    assert.ok(streams.every(({ status }) => status === 200));
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => client.request('GET', `/small/${i}`)));
    assert.deepEqual(answers[7], { kind: 'Answer', path: '/small/7' });
    assert.equal(server.opened, 4);
    const perSession = [...server.sessions].map((session) => server.requests.filter((one) => one.session === session).length);
    assert.ok(Math.max(...perSession) <= 120, `${perSession}`);
    const registry = new Registry();
    publishConnections([client], registry);
    await until('the small requests are over', () => client.connections?.().streams === 300);
    const text = await registry.metrics();
    assert.match(text, /^crowsnest_kube_connections\{cluster="fake",protocol="h2"\} 4$/m);
    assert.match(text, /^crowsnest_kube_streams\{cluster="fake",protocol="h2"\} 300$/m);
  });

  it('keeps to a lower limit of the server', async () => {
    await server.close();
    server = await FakeHttp2Server.start(authority, { maxConcurrentStreams: 10 });
    await watches(connect({ answerTimeoutMs: 5_000 }), 30);
    assert.equal(server.watches.size, 30);
    assert.equal(server.opened, 3);
  });

  it('sends the token of the moment with each request', async () => {
    let token = 'one';
    const client = connect({}, { token: () => token });
    await watch(client, 'a');
    token = 'two';
    await watch(client, 'b');
    assert.deepEqual(
      server.requests.map(({ authorization }) => authorization),
      ['Bearer one', 'Bearer two'],
    );
    assert.equal(server.opened, 1);
  });

  it('tells the credentials when they are refused', async () => {
    let refusals = 0;
    const client = connect({}, { refused: () => refusals++ });
    server.status = 401;
    await assert.rejects(client.request('GET', '/version'));
    const stream = await watch(client, 'a');
    assert.equal(stream.status, 401);
    assert.equal(refusals, 2);
  });

  it('moves to a new connection with a rotated certificate, and lets what runs on the old one end by itself', async () => {
    const identities = [
      await authority.issue('CN=first', { client: true }),
      await authority.issue('CN=second', { client: true }),
    ];
    let current = identities[0] as Identity;
    const client = connect({}, { identity: () => current });
    const old = await watch(client, 'old');
    const read = readLines(old);
    current = identities[1] as Identity;
    await watch(client, 'new');
    assert.deepEqual(
      server.requests.map((one) => one.client),
      ['first', 'second'],
    );
    server.send('after');
    await until('the old watch goes on', () => read.lines.includes('after'));
    assert.equal(server.sessions.size, 2);
    server.watches.get('/watch/old')?.end();
    assert.equal(await read.end, undefined);
    await until('the old connection is closed', () => server.sessions.size === 1);
    assert.deepEqual(client.connections?.().endings, {});
  });

  it('lets a watch go on after a GOAWAY and takes another connection for what comes next', async () => {
    const client = connect();
    const read = readLines(await watch(client, 'a'));
    for (const session of server.sessions) session.goaway();
    await until('the client knows', async () => {
      await client.request('GET', '/next');
      return server.opened === 2;
    });
    server.send('after');
    await until('the watch goes on', () => read.lines.includes('after'));
    server.watches.get('/watch/a')?.end();
    assert.equal(await read.end, undefined);
    await until('the old connection is closed', () => server.sessions.size === 1);
  });

  it('fails the watches of a connection whose server gives up on it, and reconnects', async () => {
    const client = connect();
    const reads = (await watches(client, 3)).map(readLines);
    for (const session of server.sessions) session.goaway(2);
    for (const read of reads) assert.ok((await read.end) instanceof Error);
    assert.equal((await watch(client, 'again')).status, 200);
  });

  it('fails a watch that is cut, never ends it as if it were complete', async () => {
    const proxy = await startStallingProxy(server.port);
    const client = connect({}, { url: new URL(`https://127.0.0.1:${proxy.port}`) });
    const read = readLines(await watch(client, 'a'));
    await until('the first line is there', () => read.lines.length === 1);
    proxy.cut();
    assert.match(String(await read.end), /cut|ECONNRESET/);
    await until('it is counted', () => client.connections?.().endings.peer === 1 || client.connections?.().endings.error === 1);
    await proxy.close();
  });

  it('fails one stream that is reset and leaves the others alone', async () => {
    const client = connect();
    const [a, b] = (await watches(client, 2)).map(readLines);
    server.watches.get('/watch/0')?.destroy(new Error('fault'));
    assert.ok((await a?.end) instanceof Error);
    server.send('after');
    await until('the other goes on', () => b?.lines.includes('after') === true);
    assert.equal(server.opened, 1);
  });

  it('sends a request again that the server refused unprocessed, once', async () => {
    const client = connect();
    server.refusals = 1;
    assert.deepEqual(await client.request('GET', '/refuse'), { kind: 'Answer', path: '/refuse' });
    server.refusals = 2;
    await assert.rejects(client.request('GET', '/refuse'), (error) => isCrowsnestError(error, 'CLUSTER_UNREACHABLE'));
    assert.equal((await watch(client, 'a')).status, 200);
  });

  it('does not wait for ever for an answer, nor for a handshake', async () => {
    const client = connect({ answerTimeoutMs: 50 });
    const late = (error: unknown) => isCrowsnestError(error, 'CLUSTER_UNREACHABLE') && /no answer within/.test(error.what);
    await assert.rejects(client.request('GET', '/hang'), late);
    const proxy = await startStallingProxy(server.port);
    const silent = connect({ answerTimeoutMs: 50 }, { url: new URL(`https://127.0.0.1:${proxy.port}`) });
    const waiting = assert.rejects(silent.request('GET', '/x'), late);
    await until('it connects', () => proxy.open() > 0, 1_000, 1);
    proxy.stall();
    await waiting;
    await proxy.close();
  });

  it('is done at once when aborted, while waiting and while reading', async () => {
    const client = connect();
    const stop = new AbortController();
    const waiting = client.stream('/hang', { signal: stop.signal });
    const stream = await client.stream('/watch/a', { signal: stop.signal });
    const read = readLines(stream);
    await until('both are there', () => server.requests.length === 2);
    stop.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    assert.ok((await read.end) instanceof Error);
    await until('the server knows', () => server.watches.size === 0);
    assert.equal(server.opened, 1);
  });

  it('ends a watch at the server when it is cancelled', async () => {
    const client = connect();
    const stream = await watch(client, 'a');
    stream.cancel();
    await until('the server knows', () => server.watches.size === 0);
    await until('its place is free', () => client.connections?.().streams === 0);
  });

  it('closes the connections that a flood of watches needed when they are over', async () => {
    const client = connect();
    const streams = await watches(client, 200);
    assert.equal(server.opened, 3);
    for (const stream of streams) stream.cancel();
    await until('one is left', () => server.sessions.size === 1);
    assert.deepEqual(client.connections?.().endings, {});
  });

  describe('half-open', () => {
    let proxy: StallingProxy;
    const liveness = { tickMs: 20, everyTicks: 2, deadTicks: 3 };
    beforeEach(async () => {
      proxy = await startStallingProxy(server.port);
    });
    afterEach(() => proxy.close());

    it('is found by one ping for all watches of a connection', async () => {
      const client = connect({ liveness }, { url: new URL(`https://127.0.0.1:${proxy.port}`) });
      const reads = (await watches(client, 20)).map(readLines);
      proxy.stall();
      for (const read of reads) assert.match(String(await read.end), /taken for dead/);
      assert.deepEqual(client.connections?.().endings, { ping: 1 });
      const registry = new Registry();
      publishConnections([client], registry);
      for (let scrape = 0; scrape < 2; scrape++) {
        assert.match(await registry.metrics(), /^crowsnest_kube_connection_endings_total\{cluster="fake",reason="ping"\} 1$/m);
      }
      assert.equal((await watch(client, 'again')).status, 200);
    });

    it('is not what a process is that was busy for longer than a peer may be silent', async () => {
      const client = connect({ liveness }, { url: new URL(`https://127.0.0.1:${proxy.port}`) });
      const read = readLines(await watch(client, 'a'));
      for (let round = 0; round < 3; round++) {
        await delay(liveness.tickMs * 2.5);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, liveness.tickMs * 10);
      }
      server.send('after');
      await until('the watch lives', () => read.lines.includes('after'));
      assert.equal(server.opened, 1);
    });
  });

  it('makes a fast server wait for a slow reader, and nobody else on the connection', async () => {
    const total = 32 * 1024 * 1024;
    server.floodWith(total);
    const client = connect();
    const flood = await client.stream('/flood', { signal: never });
    const reader = flood.body[Symbol.asyncIterator]();
    let bytes = (await reader.next()).value?.length ?? 0;
    let before = -1;
    await until('the server is held up', async () => {
      const still = server.flooded === before;
      before = server.flooded;
      await delay(50);
      return still;
    });
    assert.ok(
      server.flooded - bytes <= 1024 * 1024,
      `${server.flooded - bytes} bytes are under way to a reader that does not read`,
    );
    const read = readLines(await watch(client, 'a'));
    server.send('after');
    await until('another watch is not held up', () => read.lines.includes('after'));
    assert.equal(server.opened, 1);
    for (let next = await reader.next(); !next.done; next = await reader.next()) bytes += next.value.length;
    assert.equal(bytes, total);
  });

  it('lets many streams hold less each than a few', async () => {
    server.floodWith(8 * 1024 * 1024);
    const client = connect();
    await watches(client, 90);
    const streams = await Promise.all(Array.from({ length: 20 }, () => client.stream('/flood', { signal: never })));
    let before = -1;
    await until('the server is held up', async () => {
      const still = server.flooded === before;
      before = server.flooded;
      await delay(50);
      return still;
    });
    // A window's worth and a block that the server has begun, for each.
    assert.ok(server.flooded <= 20 * 2 * 64 * 1024, `${server.flooded}`);
    for (const stream of streams) stream.cancel();
  });

  describe('where TLS does not offer it', () => {
    let plain: Server;
    let sockets = 0;
    before(async () => {
      plain = createServer(await authority.issue('CN=old'), (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ version: request.httpVersion }));
      });
      plain.on('connection', () => sockets++);
      plain.listen(0, '127.0.0.1');
      await once(plain, 'listening');
    });
    after(() => plain.close());

    it('speaks HTTP/1.1 and asks only once', async () => {
      const client = connect({}, { url: new URL(`https://127.0.0.1:${(plain.address() as AddressInfo).port}`) });
      assert.deepEqual(await client.request('GET', '/x'), { version: '1.1' });
      await client.request('GET', '/x');
      assert.equal(sockets, 2, 'one to find out, one that is kept');
      assert.equal(client.connections?.().protocol, 'http/1.1');
    });
  });

  it('names an authority that is not known as before', async () => {
    const stranger = await createAuthority('CN=another authority');
    const client = createHttpKubeClient({ cluster: 'x', server: server.url, apply: async () => ({ ca: stranger.cert }) });
    clients.push(client);
    await assert.rejects(
      client.request('GET', '/x'),
      (error) => isCrowsnestError(error, 'CLUSTER_UNREACHABLE') && /not signed by a known authority/.test(error.what),
    );
  });
});

/** Reads to the end; `end` resolves with the error, or undefined for an orderly end. */
function readLines(stream: KubeStream): { lines: string[]; end: Promise<unknown> } {
  const lines: string[] = [];
  const read = async () => {
    for await (const chunk of stream.body) lines.push(...chunk.toString().split('\n').filter(Boolean));
  };
  return { lines, end: read().then(undefined, (error: unknown) => error) };
}
