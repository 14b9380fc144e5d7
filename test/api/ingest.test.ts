/** What is pushed over HTTP: recorded once, durable before the answer, and refused with a reason where it should be. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { refOf } from '../../src/domain/object-ref.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { admissionReview } from '../support/admission-review.ts';
import { BATCH, binary, knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { kafka } from '../support/objects.ts';
import { API_TOKEN, GITOPS, type PushingApi, startPushingApi } from '../support/pushing-api.ts';
import { until } from '../support/until.ts';

const EVENTS = '/v1/ingest/events';

async function answerOf(response: Response): Promise<JsonObject> {
  return { status: response.status, ...((await response.json()) as JsonObject) };
}

describe('pushed events', () => {
  let api: PushingApi;
  before(async () => {
    api = await startPushingApi();
  });
  after(() => api.stop());
  const push = async (event: unknown, headers: Record<string, string> = STRUCTURED) =>
    answerOf(await api.push(EVENTS, JSON.stringify(event), headers));

  it('are recorded as changes, pushed, of the cluster of their key', async () => {
    const object = kafka('orders', '7', { replicas: 3 });
    const answer = await push(knativeEvent('first', {}, object));
    assert.deepEqual(answer, {
      status: 200,
      accepted: 1,
      repeated: 0,
      references: 0,
      skipped: 0,
      rejected: [],
      rejectedCount: 0,
    });
    const head = api.store.head(refOf('prod-eu', object));
    assert.equal(head?.resourceVersion, '7');
    assert.equal(api.store.change(head?.seq ?? 0)?.origin, 'push');
  });

  it('are masked like all others', async () => {
    const object = kafka('masked', '1', { password: 'hunter2hunter2' });
    await push(knativeEvent('masked', {}, object));
    assert.match(JSON.stringify(api.store.head(refOf('prod-eu', object))?.state.spec), /^\{"password":"masked:/);
  });

  it('told twice, even at the same instant, are recorded once', async () => {
    const event = knativeEvent('twice', {}, kafka('twice', '5', {}));
    const answers = await Promise.all([push(event), push(event), push(event)]);
    assert.deepEqual(answers.map(({ accepted, repeated }) => [accepted, repeated]).sort(), [
      [0, 1],
      [0, 1],
      [1, 0],
    ]);
    assert.deepEqual((await push([event, event], BATCH)).repeated, 2);
    const { source, ...rest } = event;
    assert.equal((await push({ ...rest, source: `${source}/other` })).accepted, 1, 'another source, another event');
    assert.equal(api.store.objects({ name: 'twice', limit: 1 }).items[0]?.changes, 1, 'whose object is known at this version');
  });

  it('of one sender do not use up the ids of another', async () => {
    const event = knativeEvent('shared-id', {}, kafka('shared', '1', {}));
    await push(event);
    const other = await push(event, { ...STRUCTURED, authorization: 'Bearer other-key-for-tests' });
    assert.equal(other.accepted, 1);
    assert.equal(api.store.head(refOf('prod-us', kafka('shared', '1', {})))?.resourceVersion, '1');
  });

  it('come in binary mode too', async () => {
    const { headers, body } = binary(knativeEvent('binary', { type: 'dev.knative.apiserver.resource.delete' }));
    const response = await api.push(EVENTS, body, headers);
    assert.equal((await answerOf(response)).accepted, 1);
    assert.equal(api.store.head(refOf('prod-eu', kafka('k-binary', '7', {})))?.deleted, true);
  });

  it('of a batch are kept where they are valid, and the answer says which are not', async () => {
    const forged = knativeEvent('forged', { name: 'somebody-else' });
    const before = await api.metric('crowsnest_ingest_rejects_total{reason="identity"}');
    const rejects = api.store.counts().rejects;
    const answer = await push([knativeEvent('b1'), forged, { specversion: '1.0' }, knativeEvent('b2')], BATCH);
    assert.equal(answer.accepted, 2);
    assert.deepEqual(answer.rejected, [
      { index: 1, reason: 'identity', detail: 'the attribute name names another object than the data' },
      { index: 2, reason: 'event', detail: 'the attribute id is missing' },
    ]);
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="identity"}'), (before ?? 0) + 1);
    assert.equal(api.store.counts().rejects, rejects + 2);
    assert.equal(api.store.rejects(1)[0]?.where, 'ingest events gitops [2]');
  });

  const data = knativeEvent('x').data as JsonObject;
  const metadata = data.metadata as JsonObject;
  const refused: [string, JsonObject, string][] = [
    ['of another type', { type: 'com.example.order.placed' }, 'event-type'],
    ['of a type that every object inherits', { type: 'constructor' }, 'event-type'],
    ['without an object', { data: null }, 'object'],
    [
      'of a Secret',
      { kind: 'Secret', apiversion: 'v1', data: { ...data, apiVersion: 'v1', kind: 'Secret', data: { x: 'aHVudGVyMg==' } } },
      'object',
    ],
    ['without uid', { data: { ...data, metadata: { ...metadata, uid: '' } } }, 'object'],
    [
      'with a name longer than any',
      { name: null, subject: null, data: { ...data, metadata: { ...metadata, name: 'n'.repeat(300) } } },
      'object',
    ],
    ['whose kind is another than its data', { kind: 'KafkaTopic' }, 'identity'],
    ['whose namespace is another than its data', { namespace: 'kube-system' }, 'identity'],
    ['whose subject is another than its data', { subject: '/apis/v1/namespaces/streaming/kafkas/payments' }, 'identity'],
    ['of another cluster', { type: 'dev.crowsnest.cr.created.v1', data: { object: data, cluster: 'prod-us' } }, 'cluster'],
  ];
  for (const [what, more, reason] of refused) {
    it(`${what} are refused as a whole, with a problem that says so`, async () => {
      const changes = api.store.counts().changes;
      const counted = await api.metric(`crowsnest_ingest_rejects_total{reason="${reason}"}`);
      const answer = await push(knativeEvent('x', more));
      assert.equal(answer.status, 400);
      assert.equal(answer.code, 'INGEST_INVALID');
      assert.equal(((answer.errors as JsonObject[])[0] as JsonObject).name, `[0] ${reason}`);
      assert.equal(await api.metric(`crowsnest_ingest_rejects_total{reason="${reason}"}`), (counted ?? 0) + 1);
      assert.equal(api.store.counts().changes, changes);
    });
  }

  it('of a large batch are recorded in portions, so that others have their turn', async () => {
    const events = Array.from({ length: 600 }, (_, i) => knativeEvent(`many-${i}`));
    const batches = api.batches.length;
    assert.equal((await push(events, BATCH)).accepted, 600);
    assert.deepEqual(
      api.batches.slice(batches).map(({ observations }) => observations.length),
      [256, 256, 88],
    );
    assert.equal((await push(events, BATCH)).repeated, 600);
  });

  it('that are mere references are counted and recorded as nothing', async () => {
    const { apiVersion = null, kind = null } = data;
    const changes = api.store.counts().changes;
    const event = knativeEvent('ref', {
      type: 'dev.knative.apiserver.ref.delete',
      data: { apiVersion, kind, name: 'k-binary', namespace: 'streaming' },
    });
    assert.deepEqual(await push(event), {
      status: 200,
      accepted: 0,
      repeated: 0,
      references: 1,
      skipped: 0,
      rejected: [],
      rejectedCount: 0,
    });
    assert.equal(await api.metric('crowsnest_ingest_told_total{way="events",outcome="reference"}'), 1);
    assert.equal(api.store.counts().changes, changes);
  });

  it('name an author by authcontext, as a claim of the weakest source', async () => {
    const event = knativeEvent('authored', {
      authtype: 'user',
      authid: 'dario',
      time: new Date(Date.now() - 60_000).toISOString(),
    });
    await push(event);
    const batch = api.batches.at(-1)!;
    const [claim] = batch.claims ?? [];
    assert.deepEqual(claim?.user, { name: 'dario' });
    assert.deepEqual([claim?.source, claim?.verb, claim?.resourceVersion], ['pushed', 'update', '7']);
    assert.equal(claim?.atMs, Date.parse(String(event.time)));
    assert.equal(batch.observations[0]?.actor, undefined, 'a pushed name never comes as a recorded one');
  });

  it('are of now when their clock is a day off, either way', async () => {
    for (const [id, offMs] of [
      ['early', -2 * 86_400_000],
      ['late', 86_400_000],
    ] as const) {
      const nowMs = Date.now();
      await push(knativeEvent(id, { time: new Date(nowMs + offMs).toISOString() }));
      const observedMs = api.batches.at(-1)!.observations[0]!.observedMs;
      assert.ok(Math.abs(observedMs - nowMs) < 60_000, id);
    }
  });

  it('and a watch of the same object do not fight', async () => {
    const cluster = 'prod-eu';
    const at = (rv: string) => kafka('shared-watch', rv, { replicas: Number(rv) });
    const watch = (rv: string) =>
      api.pipeline.sink({ observations: [{ cluster, type: 'MODIFIED', object: at(rv), observedMs: 1000, origin: 'watch' }] });
    const counts = () => ({ ...api.pipeline.counts });
    await watch('9');
    await push(knativeEvent('w-9', {}, at('9')));
    assert.equal(api.store.objects({ name: 'shared-watch', limit: 1 }).items[0]?.changes, 1, 'the same version is a repeat');
    const before = counts();
    await push(knativeEvent('w-8', {}, at('8')));
    assert.equal(counts().late, before.late + 1, 'a late push is out of order');
    await push(knativeEvent('w-12', {}, at('12')));
    await watch('11');
    await watch('12');
    await watch('13');
    assert.equal(counts().late, before.late + 2, 'so is what a push has overtaken');
    const versions = api.store.changes({ name: 'shared-watch', limit: 10 }).items.map(({ resourceVersion }) => resourceVersion);
    assert.deepEqual(versions.reverse(), ['9', '12', '13']);
  });

  it('do not undo a new life by the late deletion of the former', async () => {
    const former = kafka('reborn', '20', {}, { uid: 'uid-former' });
    await push(knativeEvent('r-2', {}, kafka('reborn', '30', {}, { uid: 'uid-new' })));
    await push(knativeEvent('r-1', { type: 'dev.knative.apiserver.resource.delete' }, former));
    assert.equal(api.store.head(refOf('prod-eu', former))?.deleted, false);
  });
});

describe('a pushed event', () => {
  it('is recognised as a repeat after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ingest-'));
    const file = join(folder, 'crowsnest.db');
    const tell = async () => {
      const api = await startPushingApi({ file });
      try {
        await api.push(EVENTS, JSON.stringify(knativeEvent('later', {}, kafka('orders', '8', { replicas: 4 }))), STRUCTURED);
        const { accepted, repeated } = await answerOf(
          await api.push(EVENTS, JSON.stringify(knativeEvent('once', {}, kafka('orders', '7', { replicas: 3 }))), STRUCTURED),
        );
        return [accepted, repeated, api.store.counts().changes];
      } finally {
        await api.stop();
      }
    };
    assert.deepEqual(await tell(), [1, 0, 1]);
    assert.deepEqual(await tell(), [0, 1, 1]);
    rmSync(folder, { recursive: true });
  });

  it('is answered only once it is durable, and not forgotten when that fails', async () => {
    let broken = true;
    const api = await startPushingApi({
      before: async () => {
        if (broken) throw new Error('the disk is gone');
      },
    });
    const event = JSON.stringify(knativeEvent('e'));
    assert.equal((await api.push(EVENTS, event, STRUCTURED)).status, 500);
    broken = false;
    assert.equal((await answerOf(await api.push(EVENTS, event, STRUCTURED))).accepted, 1);
    await api.stop();
  });
});

describe('the way in', () => {
  const event = JSON.stringify(knativeEvent('e'));

  it('opens to ingest keys only, and they open nothing else', async () => {
    const api = await startPushingApi();
    for (const authorization of ['', `Bearer ${API_TOKEN}`, 'Bearer gitops-key-for-test', 'Basic gitops-key-for-tests']) {
      const answer = await answerOf(await api.push(EVENTS, event, { ...STRUCTURED, authorization }));
      assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHENTICATED']);
    }
    assert.equal((await fetch(`${api.url}/v1/changes`, { headers: { authorization: GITOPS } })).status, 401);
    const other = await api.push('/v1/ingest/webhook/gitops', event, STRUCTURED);
    assert.equal(other.status, 401, 'a key without a signing secret signs nothing');
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="key"}'), 5);
    assert.equal(api.batches.length, 0);
    await api.stop();
  });

  it('lets wrong keys be guessed 60 times a minute and right ones pushed without such a bound', async () => {
    const api = await startPushingApi({ requestsPerMinute: 5 });
    for (let i = 0; i < 60; i++) {
      const response = await api.push(EVENTS, '', { ...STRUCTURED, authorization: `Bearer guess-${i}` });
      assert.equal(response.status, 401);
      await response.text();
    }
    const refused = await api.push(EVENTS, '', { ...STRUCTURED, authorization: 'Bearer one-more' });
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    for (let i = 0; i < 10; i++) assert.equal((await api.push(EVENTS, event, STRUCTURED)).status, 200);
    await api.stop();
  });

  it('is closed while no key is configured', async () => {
    const api = await startPushingApi({ keys: [] });
    assert.equal((await api.push(EVENTS, event, STRUCTURED)).status, 401);
    await api.stop();
  });

  it('looks at the address of the connection, and behind a trusted proxy at the one it states', async () => {
    const tried = async (trustedProxies: string[], forwarded?: string) => {
      const api = await startPushingApi({ trustedProxies });
      const headers = {
        ...STRUCTURED,
        authorization: 'Bearer afar-key-for-tests',
        ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
      };
      const answer = await answerOf(await api.push(EVENTS, event, headers));
      await api.stop();
      return answer.status === 200 ? 200 : `${answer.status} ${answer.code}`;
    };
    assert.equal(await tried([]), '403 INGEST_FORBIDDEN');
    assert.equal(await tried([], '192.0.2.7'), '403 INGEST_FORBIDDEN', 'anyone can write such a header');
    assert.equal(await tried(['127.0.0.0/8', '::1'], '192.0.2.7'), 200);
    assert.equal(await tried(['127.0.0.0/8', '::1'], '2001:db8::7'), 200);
    assert.equal(
      await tried(['127.0.0.0/8', '::1'], '192.0.2.7, 198.51.100.1'),
      '403 INGEST_FORBIDDEN',
      'the last untrusted one counts',
    );
    assert.equal(await tried(['127.0.0.0/8', '::1'], 'nonsense'), '403 INGEST_FORBIDDEN');
    assert.equal(await tried(['10.0.0.0/8'], '192.0.2.7'), '403 INGEST_FORBIDDEN');
  });

  it('refuses what a key is not for, other media types, compression and what is too large', async () => {
    const api = await startPushingApi();
    const codes = async (response: Promise<Response>) => {
      const answer = await answerOf(await response);
      return [answer.status, answer.code];
    };
    assert.deepEqual(await codes(api.push(EVENTS, event, { 'content-type': 'text/plain' })), [415, 'INGEST_UNSUPPORTED']);
    assert.deepEqual(await codes(api.push(EVENTS, event, { ...STRUCTURED, 'content-encoding': 'gzip' })), [
      415,
      'INGEST_UNSUPPORTED',
    ]);
    assert.deepEqual(await codes(api.push(EVENTS, event, {})), [415, 'INGEST_UNSUPPORTED']);
    const large = 'x'.repeat(8 * 1024 * 1024 + 1);
    assert.deepEqual(await codes(api.push(EVENTS, large, STRUCTURED)), [413, 'INGEST_TOO_LARGE']);
    const get = await fetch(`${api.url}${EVENTS}`, { headers: { authorization: GITOPS } });
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="size"}'), 1);
    await api.stop();
  });

  it('consents to deliveries of events when a holder of a key asks, and to nobody else', async () => {
    const api = await startPushingApi();
    const ask = (path: string, headers: Record<string, string>) => fetch(`${api.url}${path}`, { method: 'OPTIONS', headers });
    const from = { 'webhook-request-origin': 'events.example.org' };
    const granted = await ask(EVENTS, { ...from, authorization: GITOPS });
    assert.equal(granted.status, 200);
    assert.equal(granted.headers.get('webhook-allowed-origin'), 'events.example.org');
    assert.equal(granted.headers.get('allow'), 'POST');
    const refused: [Response, number][] = [
      [await ask(EVENTS, from), 401],
      [await ask(EVENTS, { authorization: GITOPS }), 400],
      [await ask(EVENTS, { 'webhook-request-origin': '*', authorization: GITOPS }), 400],
      [await ask('/v1/ingest/audit', { ...from, authorization: GITOPS }), 405],
    ];
    for (const [answer, status] of refused) {
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('webhook-allowed-origin'), null);
    }
    await api.stop();
  });

  it('cuts a body off at the limit when its length is not stated', async () => {
    const api = await startPushingApi();
    const chunk = Buffer.alloc(256 * 1024, 0x20);
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += chunk.length;
        if (sent > 64 * 1024 * 1024) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const init = { method: 'POST', body, duplex: 'half', headers: { authorization: GITOPS, ...STRUCTURED } } as RequestInit;
    // The connection is cut under the sender; whether it still reads the answer is up to it.
    const status = await fetch(`${api.url}${EVENTS}`, init).then(
      (response) => response.status,
      () => 'cut',
    );
    assert.ok(status === 413 || status === 'cut', String(status));
    await until('the refusal is counted', async () => (await api.metric('crowsnest_ingest_rejects_total{reason="size"}')) === 1);
    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
    assert.equal(await api.metric('crowsnest_ingest_bytes_in_flight'), 0);
    await api.stop();
  });

  it('gives a body that trickles in no more than its time', async () => {
    const clock = new ManualClock(Date.now());
    const api = await startPushingApi({ clock });
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(
      `POST ${EVENTS} HTTP/1.1\r\nhost: x\r\nauthorization: ${GITOPS}\r\ncontent-type: application/cloudevents+json\r\ncontent-length: 100\r\n\r\n{`,
    );
    await until('the body is awaited', async () => (await api.metric('crowsnest_ingest_bytes_in_flight')) === 1);
    clock.advance(20_000);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 408 [\s\S]*INGEST_SLOW/);
    await once(socket, 'close');
    assert.equal(await api.metric('crowsnest_ingest_bodies_in_flight'), 0);
    await api.stop();
  });

  it('frees the place of a sender that goes away in the middle', async () => {
    const api = await startPushingApi();
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const head = `POST ${EVENTS} HTTP/1.1\r\nhost: x\r\nauthorization: ${GITOPS}\r\ncontent-type: application/cloudevents+json`;
    socket.write(`${head}\r\ncontent-length: 100\r\n\r\n{`);
    await until('the body is awaited', async () => (await api.metric('crowsnest_ingest_bytes_in_flight')) === 1);
    socket.destroy();
    await until('its place is free', async () => (await api.metric('crowsnest_ingest_bodies_in_flight')) === 0);
    assert.equal(await api.metric('crowsnest_ingest_bytes_in_flight'), 0);
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="slow"}'), 1);
    await api.stop();
  });

  it('takes so many bodies at once and so many bytes of them, and says when to come again', async () => {
    const gates: (() => void)[] = [];
    const api = await startPushingApi({
      limits: { bodiesMax: 2, bytesMax: 100_000, receiveMsMax: 5_000 },
      before: () => new Promise((resolve) => gates.push(resolve)),
    });
    const held = [1, 2].map((i) => api.push(EVENTS, JSON.stringify(knativeEvent(`held-${i}`)), STRUCTURED));
    await until('both are being recorded', () => gates.length === 2);
    const third = await api.push(EVENTS, event, STRUCTURED);
    assert.deepEqual([third.status, third.headers.get('retry-after')], [503, '2']);
    assert.equal((await answerOf(third)).code, 'INGEST_BUSY');
    for (const open of gates.splice(0)) open();
    for (const response of await Promise.all(held)) assert.equal(response.status, 200);
    const tooMuch = await api.push(EVENTS, JSON.stringify(knativeEvent('big', { data: 'x'.repeat(100_000) })), STRUCTURED);
    assert.equal(tooMuch.status, 503);
    await until('their memory is given back', async () => (await api.metric('crowsnest_ingest_bytes_in_flight')) === 0);
    const next = api.push(EVENTS, event, STRUCTURED);
    await until('the next is being recorded', () => gates.length === 1);
    gates[0]!();
    assert.equal((await next).status, 200);
    await api.stop();
  });

  it('keeps half of the room from senders whose signature comes with the body: they could hold all of it with a name that is no secret', async () => {
    const api = await startPushingApi({ limits: { bodiesMax: 4, bytesMax: 100_000, receiveMsMax: 20_000 } });
    const { hostname, port } = new URL(api.url);
    const unsigned = 'webhook-id: a\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AAAA\r\ncontent-type: application/x-ndjson';
    const sockets = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const socket = connect(Number(port), hostname);
        await once(socket, 'connect');
        socket.write(`POST /v1/ingest/webhook/signing HTTP/1.1\r\nhost: x\r\n${unsigned}\r\ncontent-length: 100\r\n\r\n{`);
        return socket;
      }),
    );
    await until(
      'those beyond half are sent away',
      async () => (await api.metric('crowsnest_ingest_rejects_total{reason="busy"}')) === 4,
    );
    assert.equal(await api.metric('crowsnest_ingest_bodies_in_flight'), 2);
    assert.equal((await api.push(EVENTS, event, STRUCTURED)).status, 200);
    for (const socket of sockets) socket.destroy();
    await until('their places are free', async () => (await api.metric('crowsnest_ingest_bodies_in_flight')) === 0);
    assert.equal(await api.metric('crowsnest_ingest_bytes_in_flight'), 0);
    await api.stop();
  });

  it('puts a sender off when the disk does not take it in time, and knows it again afterwards', async () => {
    const clock = new ManualClock(Date.now());
    let open = () => {};
    const api = await startPushingApi({
      clock,
      before: () =>
        new Promise((resolve) => {
          open = resolve;
        }),
    });
    const first = api.push(EVENTS, event, STRUCTURED);
    await until('it is being recorded and waited for', () => clock.sleeping === 1);
    clock.advance(25_000);
    assert.equal((await first).status, 503);
    assert.equal(await api.metric('crowsnest_ingest_bodies_in_flight'), 1, 'it still holds its memory');
    open();
    await until('it is recorded', () => api.store.counts().changes === 1);
    assert.equal((await answerOf(await api.push(EVENTS, event, STRUCTURED))).repeated, 1);
    await api.stop();
  });
});

describe('pushed claims', () => {
  const JSON_BODY = { 'content-type': 'application/json' };
  const AUDIT = readFileSync(new URL('../../fixtures/audit/event-list.json', import.meta.url), 'utf8');
  let api: PushingApi;
  before(async () => {
    api = await startPushingApi();
  });
  after(() => api.stop());
  const push = async (path: string, body: string, headers = {}) =>
    answerOf(await api.push(`/v1/ingest/${path}`, body, { ...JSON_BODY, ...headers }));

  it('of an audit webhook are of the cluster of the key and of source audit', async () => {
    const answer = await push('audit?timeout=30s', AUDIT);
    assert.deepEqual([answer.status, answer.accepted, answer.skipped], [200, 4, 5]);
    const claims = api.batches.at(-1)!.claims ?? [];
    assert.deepEqual(new Set(claims.map(({ cluster, source }) => `${cluster} ${source}`)), new Set(['prod-eu audit']));
    assert.equal(await api.metric('crowsnest_ingest_told_total{way="audit",outcome="skipped"}'), 5);
  });

  it('of a list in which some events are no events are kept, and the others named', async () => {
    const list = JSON.parse(AUDIT) as { items: unknown[] };
    const answer = await push('audit', JSON.stringify({ ...list, items: [...list.items, 7, { kind: 'Pod' }] }));
    assert.deepEqual([answer.accepted, answer.rejectedCount], [4, 2]);
    assert.match(String((answer.rejected as JsonObject[])[0]?.detail), /items\[9\]/);
  });

  it('of which very many are no events are all counted, though not all are listed', async () => {
    const before = (await api.metric('crowsnest_ingest_rejects_total{reason="audit"}')) ?? 0;
    const list = JSON.parse(AUDIT) as { items: unknown[] };
    const answer = await push('audit', JSON.stringify({ ...list, items: [...list.items, ...Array(250).fill(7)] }));
    assert.deepEqual([answer.accepted, answer.rejectedCount, (answer.rejected as unknown[]).length], [4, 250, 100]);
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="audit"}'), before + 250);
  });

  it('of an admission review are answered with allowed, whatever it says', async () => {
    const allowed = (uid: string) => ({
      ...{ status: 200, apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
      response: { uid, allowed: true },
    });
    assert.deepEqual(await push('admission?timeout=1s', JSON.stringify(admissionReview({}))), allowed('r-1'));
    assert.deepEqual(
      api.batches.at(-1)!.claims?.map(({ source, user }) => [source, user.name]),
      [['admission', 'alice']],
    );
    const batches = api.batches.length;
    assert.deepEqual(await push('admission', JSON.stringify(admissionReview({ dryRun: true, uid: 'r-2' }))), allowed('r-2'));
    assert.equal(api.batches.length, batches, 'a dry run writes nothing');
    assert.deepEqual(await push('admission', JSON.stringify(admissionReview({ operation: 'LOOK', uid: 'r-3' }))), allowed('r-3'));
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="admission"}'), 1, 'what is wrong with it is counted');
  });

  it('need a key for their kind', async () => {
    const authorization = 'Bearer other-key-for-tests';
    for (const path of ['audit', 'admission'])
      assert.equal((await push(path, AUDIT, { authorization })).code, 'INGEST_FORBIDDEN');
  });

  it('of a body that is none are refused', async () => {
    for (const [path, body, reason] of [
      ['audit', '{"kind":"EventList"', 'json'],
      ['audit', '[]', 'audit'],
      ['admission', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', 'admission'],
      ['admission', '\u0000', 'json'],
    ] as const) {
      const answer = await push(path, body);
      assert.equal(answer.status, 400);
      assert.equal(((answer.errors as JsonObject[])[0] as JsonObject).name, reason);
    }
  });
});

describe('a signed webhook', () => {
  const SECRET = 'a-secret-for-signing';
  const WEBHOOK = '/v1/ingest/webhook/signing';
  let api: PushingApi;
  before(async () => {
    api = await startPushingApi();
  });
  after(() => api.stop());

  const line = (name: string, more: JsonObject = {}) =>
    JSON.stringify({
      type: 'ADDED',
      ts: '2026-11-27T08:00:00Z',
      cluster: 'prod-eu',
      object: kafka(name, '1', { replicas: 3 }),
      ...more,
    });
  function signed(body: string, more: { id?: string; atS?: number; secret?: string } = {}) {
    const { id = 'msg-1', atS = Math.floor(Date.now() / 1000), secret = SECRET } = more;
    const signature = createHmac('sha256', secret).update(`${id}.${atS}.${body}`).digest('base64');
    return {
      'content-type': 'application/x-ndjson',
      'webhook-id': id,
      'webhook-timestamp': String(atS),
      'webhook-signature': `v1,${signature}`,
    };
  }
  const send = async (body: string, headers: Record<string, string>) =>
    answerOf(await api.push(WEBHOOK, body, { authorization: '', ...headers }));

  it('brings lines of the stream format, all of them under its id', async () => {
    const body = `${line('one')}\n\n${line('two', { actor: 'dario' })}\n`;
    const headers = signed(body);
    assert.equal((await send(body, headers)).accepted, 1);
    const { observations, claims } = api.batches.at(-1)!;
    assert.deepEqual(
      observations.map(({ object, origin, actor }) => [object.metadata.name, origin, actor]),
      [
        ['one', 'push', undefined],
        ['two', 'push', undefined],
      ],
    );
    assert.deepEqual(
      claims?.map(({ source, user }) => [source, user.name]),
      [['pushed', 'dario']],
    );
    assert.equal((await send(body, headers)).repeated, 1, 'replayed, it is a repeat');
    assert.equal(api.store.counts().changes, 2);
  });

  it('brings scrapes, and no password or token of the address they came from reaches the disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crowsnest-scrapes-'));
    const stored = await startPushingApi({ file: join(folder, 'a.db') });
    const target = 'http://bob:hunter2hunter2@exporter:8080/metrics?token=ghp_abcdefghijklmnopqrstuvwxyz0123456789';
    const body = JSON.stringify({
      type: 'METRICS',
      ts: new Date().toISOString(),
      target,
      samples: [['workqueue_depth', { name: 'kafka' }, 3]],
    });
    assert.equal((await stored.push(WEBHOOK, body, signed(body))).status, 200);
    await stored.stop();
    const kept = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'latin1'))
      .join('');
    assert.match(kept, /http:\/\/bob:masked:[0-9a-f]{16}@exporter:8080\/metrics\?token=masked:[0-9a-f]{16}/);
    assert.doesNotMatch(kept, /hunter2|ghp_/);
    rmSync(folder, { recursive: true });
  });

  it('brings CloudEvents, which have ids of their own', async () => {
    const body = JSON.stringify([knativeEvent('s1'), knativeEvent('s2')]);
    assert.equal((await send(body, { ...signed(body, { id: 'msg-2' }), ...BATCH })).accepted, 2);
    assert.equal((await send(body, { ...signed(body, { id: 'msg-3' }), ...BATCH })).repeated, 2);
  });

  it('keeps the good lines of a message and names the others', async () => {
    const body = [line('kept'), '{"type":', line('elsewhere', { cluster: 'prod-us' }), '{"type":"LOST"}'].join('\n');
    const answer = await send(body, signed(body, { id: 'msg-4' }));
    assert.equal(answer.accepted, 1);
    assert.deepEqual(
      (answer.rejected as JsonObject[]).map(({ index, reason }) => [index, reason]),
      [
        [1, 'json'],
        [2, 'cluster'],
        [3, 'line'],
      ],
    );
  });

  it('is refused unless id, time and body are what was signed', async () => {
    const body = line('forged');
    const good = signed(body, { id: 'msg-5' });
    const stale = signed(body, { id: 'msg-5', atS: Math.floor(Date.now() / 1000) - 301 });
    const early = signed(body, { id: 'msg-5', atS: Math.floor(Date.now() / 1000) + 400 });
    const { 'webhook-signature': _, ...unsigned } = good;
    const tries: [string, string, Record<string, string>][] = [
      ['another body', `${body} `, good],
      ['another id', body, { ...good, 'webhook-id': 'msg-6' }],
      ['another time', body, { ...good, 'webhook-timestamp': String(Number(good['webhook-timestamp']) - 1) }],
      ['another secret', body, signed(body, { id: 'msg-5', secret: 'guess' })],
      ['a stale time', body, stale],
      ['a time to come', body, early],
      ['no signature', body, unsigned],
      ['a time that is none', body, { ...good, 'webhook-timestamp': 'now' }],
    ];
    for (const [what, sent, headers] of tries) {
      const answer = await send(sent, headers);
      assert.deepEqual([answer.status, answer.code], [401, 'INGEST_SIGNATURE'], what);
    }
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="stale"}'), 2);
    assert.equal(await api.metric('crowsnest_ingest_rejects_total{reason="signature"}'), 6);
    const rotated = {
      ...good,
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} v2,x ${good['webhook-signature']}`,
    };
    assert.equal((await send(body, rotated)).accepted, 1, 'one of several signatures is enough');
  });

  it('of an unknown name is refused', async () => {
    const body = line('x');
    const answer = await answerOf(await api.push('/v1/ingest/webhook/nobody', body, signed(body)));
    assert.equal(answer.code, 'UNAUTHENTICATED');
  });
});
