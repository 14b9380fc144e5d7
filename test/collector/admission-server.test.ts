import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { createAdmissionCertificate } from '../../src/collector/who/admission-certificate.ts';
import { admissionConfiguration, isAsked, namesOf, renewalMs } from '../../src/collector/who/admission-configuration.ts';
import { type AdmissionServerOptions, createAdmissionServer } from '../../src/collector/who/admission-server.ts';
import { AdmissionShared, LatencyWindow } from '../../src/collector/who/admission-shared.ts';
import type { Claim } from '../../src/domain/who/claim.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { until } from '../support/until.ts';

const PATH = '/admission/secret';
let certificate: Awaited<ReturnType<typeof createAdmissionCertificate>>;
const closing: (() => void)[] = [];
before(async () => {
  certificate = await createAdmissionCertificate(['127.0.0.1', 'localhost'], systemClock.nowMs(), 3_600_000);
});
after(() => {
  for (const close of closing) close();
});

async function start(over: Partial<AdmissionServerOptions> = {}) {
  const shared = new AdmissionShared();
  const claims: Claim[] = [];
  const { cert, key } = certificate;
  const server = createAdmissionServer({
    ...{ cluster: 'test', tls: { cert, key }, path: PATH, shared, clock: systemClock },
    post: (claim) => claims.push(claim) > 0,
    ...over,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const ask = (body: string | Buffer, path = `${PATH}?timeout=1s`) =>
    new Promise<{ status: number | undefined; body: { response: { uid: string; allowed: boolean } } }>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path, method: 'POST', ca: certificate.authority };
      const asking = httpsRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }));
      });
      asking.on('error', reject);
      asking.end(body);
    });
  return { shared, claims, port, ask, server };
}

const review = (uid: string, request: object = {}) => ({
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid,
    kind: { group: 'example.com', version: 'v1', kind: 'Widget' },
    resource: { group: 'example.com', version: 'v1', resource: 'widgets' },
    ...{ name: 'front', namespace: 'shop', operation: 'UPDATE', userInfo: { username: 'alice' } },
    object: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'front', uid: 'u-1' }, spec: {} },
    ...request,
  },
});

test('allows every write and tells who makes it', async () => {
  const { ask, claims, shared } = await start();
  const { status, body } = await ask(JSON.stringify(review('r-1')));
  assert.equal(status, 200);
  assert.deepEqual(body, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: 'r-1', allowed: true } });
  assert.deepEqual([claims[0]?.id, claims[0]?.user.name], ['r-1', 'alice']);
  await ask(JSON.stringify(review('r-2', { dryRun: true })));
  assert.equal(claims.length, 1);
  assert.deepEqual([shared.total('claim'), shared.total('skipped')], [1, 1]);
});

test('allows what it cannot read, with the uid where that can be told', async () => {
  const { ask, claims, shared } = await start({ bodyBytesMax: 20_000 });
  const deep = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"r-deep","object":${'['.repeat(9_000)}${']'.repeat(9_000)}}}`;
  const cases: [string | Buffer, string][] = [
    [JSON.stringify(review('r-cut')).slice(0, -20), 'r-cut'],
    [JSON.stringify(review('r-op', { operation: 'EAT' })), 'r-op'],
    [JSON.stringify(review('r-large', { object: { data: 'x'.repeat(30_000) } })), 'r-large'],
    [deep, 'r-deep'],
    ['', ''],
    ['null', ''],
    [Buffer.from([0xff, 0xfe, 0x00]), ''],
  ];
  for (const [body, uid] of cases) {
    const answer = await ask(body);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body.response, { uid, allowed: true });
  }
  assert.equal(claims.length, 0);
  assert.equal(shared.total('invalid') + shared.total('too-large'), cases.length);
  assert.equal(shared.total('too-large'), 1);
});

test('a review that does not come by the registered path is allowed and not believed', async () => {
  const { ask, claims, shared } = await start();
  const { body } = await ask(JSON.stringify(review('r-1')), '/admission/guess');
  assert.equal(body.response.allowed, true);
  assert.equal(claims.length, 0);
  assert.equal(shared.total('foreign'), 1);
});

test('a claim for which there is no place is counted, and the write goes on', async () => {
  const { ask, shared } = await start({ post: () => false });
  assert.equal((await ask(JSON.stringify(review('r-1')))).body.response.allowed, true);
  assert.equal(shared.total('dropped'), 1);
});

test('memory for bodies is bounded over all requests', async () => {
  const { ask, shared, port } = await start({ bytesInFlightMax: 50_000, requestTimeoutMs: 60_000 });
  // One body that stops half way holds its bytes.
  const socket = connect({ port, host: '127.0.0.1', ca: certificate.authority });
  socket.on('error', () => {});
  socket.write(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n${'x'.repeat(40_000)}`);
  const big = JSON.stringify(review('r-big', { object: { data: 'x'.repeat(30_000) } }));
  await until('the memory is taken', async () => (await ask(big)).body.response.allowed && shared.total('overload') > 0, 5_000);
  assert.equal((await ask(JSON.stringify(review('r-small')))).body.response.uid, 'r-small');
  assert.ok(shared.total('claim') >= 1);
  socket.destroy();
  const before = shared.total('claim');
  await until('the memory is free again', async () => (await ask(big)) !== undefined && shared.total('claim') > before, 5_000);
});

test('a client that sends slowly is cut off and holds up nobody', async () => {
  const { ask, port } = await start({ requestTimeoutMs: 2_000 });
  let closed = 0;
  const ends = Array.from({ length: 30 }, (_, i) => {
    const socket = connect({ port, host: '127.0.0.1', ca: certificate.authority });
    socket.on('error', () => {});
    const text = i % 2 === 0 ? 'POST / HTTP/1.1\r\nhost' : `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{`;
    socket.write(text);
    socket.once('close', () => closed++);
    return new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });
  assert.equal((await ask(JSON.stringify(review('r-1')))).body.response.uid, 'r-1');
  assert.equal(closed, 0, 'the answer came while all of them were still sending');
  await Promise.all(ends);
});

test('the percentiles are those of the window', () => {
  const window = new LatencyWindow(1_000);
  for (let i = 0; i < 100; i++) window.add(0, 500);
  for (let i = 1; i <= 200; i++) window.add(2_000, i);
  assert.deepEqual(window.read(2_500), { samples: 200, p50Ms: 100, p99Ms: 198 });
  assert.deepEqual(window.read(9_000), { samples: 0, p50Ms: 0, p99Ms: 0 });
  for (let i = 0; i < 10_000; i++) window.add(9_000, 1);
  assert.equal(window.read(9_000).samples, 4_096);
});

test('the certificate is for the names of the address, and is renewed a third of its life before its end', () => {
  const parsed = new X509Certificate(certificate.cert);
  assert.equal(parsed.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(parsed.checkHost('localhost'), 'localhost');
  assert.ok(parsed.verify(new X509Certificate(certificate.authority).publicKey));
  const due = renewalMs(certificate.cert);
  assert.ok(due < parsed.validToDate.getTime() && due > parsed.validFromDate.getTime());
  assert.deepEqual(namesOf({ url: 'https://[::1]:9443' }), ['::1']);
  assert.deepEqual(namesOf({ service: { namespace: 'own', name: 'nest', port: 443 } }), [
    'nest.own.svc',
    'nest.own.svc.cluster.local',
  ]);
});

test('the configuration asks about watched kinds only, ignores our failures and leaves the system alone', () => {
  const kinds = [
    { group: 'b.example.com', version: 'v1', plural: 'gears' },
    { group: 'a.example.com', version: 'v1', plural: 'widgets' },
    { group: 'a.example.com', version: 'v1', plural: 'cogs' },
    { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
    { group: 'events.k8s.io', version: 'v1', plural: 'events' },
    { group: '', version: 'v1', plural: 'events' },
  ];
  const options = {
    address: { url: 'https://127.0.0.1:9443' },
    path: PATH,
    authorities: ['PEM'],
    status: true,
    ownNamespace: 'own',
    namespaces: undefined,
  };
  const body = admissionConfiguration({ ...options, kinds });
  assert.ok(body !== undefined);
  const [webhook] = body.webhooks as { rules: { apiGroups: string[]; resources: string[] }[]; [key: string]: unknown }[];
  assert.deepEqual(
    webhook?.rules.map(({ apiGroups, resources }) => [apiGroups, resources]),
    [
      [['a.example.com'], ['cogs', 'cogs/status', 'widgets', 'widgets/status']],
      [['b.example.com'], ['gears', 'gears/status']],
    ],
  );
  assert.doesNotMatch(JSON.stringify(webhook?.rules.map(({ apiGroups, resources }) => [apiGroups, resources])), /\*/);
  const { failurePolicy, timeoutSeconds, sideEffects, matchPolicy } = webhook ?? {};
  assert.deepEqual([failurePolicy, timeoutSeconds, sideEffects, matchPolicy], ['Ignore', 1, 'NoneOnDryRun', 'Equivalent']);
  assert.match(JSON.stringify(webhook?.namespaceSelector), /"NotIn","values":\["kube-system","own"\]/);
  assert.equal(admissionConfiguration({ ...options, kinds: kinds.slice(3) }), undefined);
  assert.ok(!isAsked({ group: 'coordination.k8s.io', plural: 'leases' }));
});
