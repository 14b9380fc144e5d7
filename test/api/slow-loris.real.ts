/** Clients that send a byte at a time are cut by the server's own timeouts, in real time, while others are served. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { startPushingApi } from '../support/pushing-api.ts';

const SLOW = 200;
/** Ten seconds for the headers, looked for every five. */
const CUT_MS_MAX = 17_000;

test(`${SLOW} clients that trickle their headers are gone within ${CUT_MS_MAX / 1000} s, and pushes work meanwhile`, async (t) => {
  const api = await startPushingApi();
  t.after(() => api.stop());
  const { hostname, port } = new URL(api.url);
  const startedMs = performance.now();
  const cut = Array.from({ length: SLOW }, async () => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    await once(socket, 'connect');
    socket.write('POST /v1/ingest/events HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const trickle = setInterval(() => socket.write('x'), 500);
    await once(socket, 'close');
    clearInterval(trickle);
    return { answer, afterMs: performance.now() - startedMs };
  });
  let pushed = 0;
  let waiting = true;
  const pushing = (async () => {
    while (waiting) {
      const response = await api.push('/v1/ingest/events', JSON.stringify(knativeEvent(`e-${pushed}`)), STRUCTURED);
      assert.equal(response.status, 200);
      await response.text();
      pushed += 1;
    }
  })();
  const ends = await Promise.all(cut);
  waiting = false;
  await pushing;
  const latest = Math.max(...ends.map(({ afterMs }) => afterMs));
  assert.ok(latest < CUT_MS_MAX, `the last was cut after ${Math.round(latest)} ms`);
  assert.ok(
    ends.every(({ answer }) => answer.startsWith('HTTP/1.1 408 ')),
    'each is told why',
  );
  assert.ok(pushed > 100, `only ${pushed} pushes went through meanwhile`);
});
