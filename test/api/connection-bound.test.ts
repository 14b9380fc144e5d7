/** Connections to the API have a bound: who rests gives way, who comes beyond it is told, /livez is answered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { it } from 'node:test';
import { type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';
import { until } from '../support/until.ts';

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`;
/** In work until its body comes. */
const UNFINISHED = `POST /v1/findings/f-listener/verdict HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n`;

const opened: Socket[] = [];
/** The server waits for what is in work as long as its clock, which stands still here. */
const stop = async (api: SeededApi) => {
  for (const socket of opened.splice(0)) socket.destroy();
  await api.stop();
};

interface Client {
  socket: Socket;
  said: () => string;
  closed: () => boolean;
}

async function client(url: string, text = '', from = '127.0.0.1'): Promise<Client> {
  const { port } = new URL(url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: from });
  opened.push(socket);
  let said = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  socket.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(socket, 'connect');
  socket.write(text);
  return { socket, said: () => said, closed: () => closed };
}

const value = async (api: SeededApi, line: string) => {
  const text = await api.options.registry.metrics();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')[1],
  );
};
const answered = (one: Client) => until('an answer', () => /^HTTP\/1\.1 \d+/.test(one.said()));

it('a new connection takes the place of the one of its address that has rested longest', async () => {
  const api = await startSeededApi({ connectionsMax: { all: 100, address: 3 } });
  try {
    const [first, second, third] = [await client(api.url, GET('/livez')), await client(api.url), await client(api.url)];
    await answered(first);
    // It has asked since, so it rests shortest.
    first.socket.write(GET('/livez'));
    await until('two answers', () => first.said().split('HTTP/1.1 200').length === 3);
    const fourth = await client(api.url, GET('/livez'));
    await answered(fourth);
    await until('the second is closed', second.closed);
    assert.deepEqual([first.closed(), third.closed(), fourth.closed()], [false, false, false]);
    assert.equal(await value(api, 'crowsnest_http_connections_closed_total{bound="address"}'), 1);
    assert.equal(await value(api, 'crowsnest_http_connections{state="resting"}'), 3);
  } finally {
    await stop(api);
  }
});

it('an address that opens many pushes out its own, not those of others', async () => {
  const api = await startSeededApi({ connectionsMax: { all: 6, address: 100 } });
  try {
    const quiet = await client(api.url, GET('/livez'), '127.0.0.2');
    await answered(quiet);
    const noisy: Client[] = [];
    for (let i = 0; i < 40; i++) noisy.push(await client(api.url, '', '127.0.0.3'));
    await until('only five of them are left', () => noisy.filter(({ closed }) => !closed()).length === 5);
    assert.equal(quiet.closed(), false);
    assert.equal(await value(api, 'crowsnest_http_connections_closed_total{bound="all"}'), 35);
  } finally {
    await stop(api);
  }
});

it('where every connection has a request in work a further one is refused by name, and /livez never', async () => {
  const api = await startSeededApi({ connectionsMax: { all: 100, address: 2 } });
  try {
    const working = [await client(api.url, UNFINISHED), await client(api.url, UNFINISHED)];
    await until('both are in work', async () => (await value(api, 'crowsnest_http_connections{state="busy"}')) === 2);
    const third = await client(api.url, GET('/v1/stats'));
    await until('it is refused and closed', third.closed);
    assert.match(third.said(), /^HTTP\/1\.1 503 [\s\S]*retry-after: 5[\s\S]*"code":"CONNECTIONS_FULL"/i);
    const probe = await client(api.url, GET('/livez'));
    await answered(probe);
    assert.match(probe.said(), /^HTTP\/1\.1 200 /);
    assert.equal(await value(api, 'crowsnest_http_connections_refused_total{bound="address"}'), 1);
    working[0]?.socket.destroy();
    await until('one is gone', async () => (await value(api, 'crowsnest_http_connections{state="busy"}')) === 1);
    probe.socket.write(GET('/v1/stats'));
    await until('it is served again', () => probe.said().includes('"amendments":'));
  } finally {
    await stop(api);
  }
});
