import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect as connectTcp, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import { createAuthority } from '../support/certificates.ts';

test('a cluster behind a proxy is reached through it, over HTTP/1.1', async () => {
  const authority = await createAuthority();
  const seen: (string | undefined)[] = [];
  const api = createServer(await authority.issue('CN=api'), (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ version: request.httpVersion }));
  });
  const tunnels: string[] = [];
  const proxy = createHttpServer().on('connect', (request, socket) => {
    tunnels.push(String(request.url));
    const [host, port] = String(request.url).split(':');
    const outer = connectTcp(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      outer.pipe(socket).pipe(outer);
    });
    for (const end of [outer, socket]) end.on('error', () => {}).once('close', () => [outer, socket].map((one) => one.destroy()));
  });
  const folder = await mkdtemp(join(tmpdir(), 'crowsnest-proxy-'));
  const [apiPort, proxyPort] = [await listening(api), await listening(proxy)];
  const file = join(folder, 'kubeconfig');
  const config = {
    clusters: [
      {
        name: 'c',
        cluster: {
          server: `https://127.0.0.1:${apiPort}`,
          'certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
          'proxy-url': `http://127.0.0.1:${proxyPort}`,
        },
      },
    ],
    users: [{ name: 'u', user: { token: 'through' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(file, JSON.stringify(config));
  const client = await connectKube({ kubeconfig: file });
  try {
    assert.deepEqual(await client.request('GET', '/version'), { version: '1.1' });
    const stream = await client.stream('/watch', { signal: new AbortController().signal });
    assert.equal(stream.status, 200);
    stream.cancel();
    assert.deepEqual(new Set(tunnels), new Set([`127.0.0.1:${apiPort}`]));
    assert.deepEqual(seen, ['Bearer through', 'Bearer through']);
  } finally {
    await client.close();
    for (const server of [api, proxy]) {
      server.closeAllConnections();
      server.close();
    }
    await rm(folder, { recursive: true });
  }
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
