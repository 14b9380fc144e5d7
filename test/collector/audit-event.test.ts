import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseAuditEvents } from '../../src/collector/who/audit-event.ts';
import { parseAuditExport } from '../../src/collector/who/audit-exports.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/audit/${name}`, import.meta.url));
const UID = '5d1f3a56-2c0e-4f0b-9d53-0b8a6f1c7e21';

test('an EventList gives a claim for each write that was made', () => {
  const parsed = parseAuditEvents(fixture('event-list.json'), 'prod');
  assert.deepEqual(parsed.rejects, []);
  assert.equal(parsed.skipped, 5);
  const [edit, status, impersonated, collection] = parsed.claims;
  assert.equal(parsed.claims.length, 4);
  assert.deepEqual(edit, {
    cluster: 'prod',
    source: 'audit',
    id: '0f6a2c1e-0000-4000-8000-000000000001',
    target: { group: 'example.com', resource: 'widgets', kind: 'Widget', namespace: 'shop', name: 'front', uid: UID },
    verb: 'patch',
    resourceVersion: '1204',
    atMs: Date.parse('2026-03-02T09:15:00.123Z'),
    user: {
      name: 'alice@example.com',
      groups: ['shop-admins', 'system:authenticated'],
      userAgent: 'kubectl/v1.33.0 (linux/amd64) kubernetes/0000000',
      sourceIPs: ['203.0.113.7', '192.0.2.10'],
      fieldManager: 'kubectl-edit',
    },
  });
  assert.equal(status?.target.subresource, 'status');
  assert.equal(status?.resourceVersion, '1205');
  assert.equal(impersonated?.user.name, 'bob@example.com');
  assert.equal(impersonated?.user.impersonatedBy, 'system:serviceaccount:portal:web');
  assert.deepEqual(impersonated?.user.groups, ['shop-viewers']);
  assert.equal(impersonated?.resourceVersion, undefined, 'at level Metadata nothing says what the write led to');
  assert.equal(collection?.verb, 'deletecollection');
  assert.equal(collection?.target.name, '');
});

test('what answers a write through the scale subresource has the version of the object, and a kind of its own', () => {
  const event = {
    ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', auditID: 'a-1', stage: 'ResponseComplete', verb: 'patch' },
    objectRef: { apiGroup: 'example.com', resource: 'fleets', namespace: 'shop', name: 'north', subresource: 'scale' },
    ...{ user: { username: 'autoscaler' }, responseStatus: { code: 200 }, requestReceivedTimestamp: '2026-05-04T10:00:00.5Z' },
    responseObject: { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'north', resourceVersion: '1206' } },
  };
  const [claim] = parseAuditEvents(event, 'prod').claims;
  assert.equal(claim?.resourceVersion, '1206');
  assert.equal(claim?.target.kind, undefined);
  assert.equal(claim?.target.subresource, 'scale');
});

test('nothing of an object is kept beside its name and versions', () => {
  assert.doesNotMatch(JSON.stringify(parseAuditEvents(fixture('event-list.json'), 'prod').claims), /not-to-be-kept|replicas/);
});

test('a single event is taken as well', () => {
  const list = JSON.parse(fixture('event-list.json').toString()) as { items: unknown[] };
  assert.equal(parseAuditEvents(list.items[1], 'prod').claims.length, 1);
  assert.equal(parseAuditEvents(JSON.stringify(list.items[1]), 'prod').claims.length, 1);
});

test('what is malformed is rejected with its place, and its neighbours are kept', () => {
  const list = JSON.parse(fixture('event-list.json').toString()) as { items: Record<string, unknown>[] };
  const good = list.items[1] as Record<string, unknown>;
  const items = [
    { ...good, auditID: undefined },
    { ...good, user: {} },
    { ...good, requestReceivedTimestamp: 'yesterday', stageTimestamp: 7 },
    { ...good, objectRef: { name: 'front' } },
    { ...good, kind: 'Pod' },
    null,
    good,
  ];
  const parsed = parseAuditEvents({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items }, 'prod');
  assert.equal(parsed.claims.length, 1);
  assert.deepEqual(
    parsed.rejects.map(({ where, what }) => `${where}: ${what}`),
    [
      'items[0]: auditID is missing',
      'items[1]: user.username is missing',
      'items[2]: requestReceivedTimestamp is not a time',
      'items[3]: objectRef.resource is missing',
      'items[4]: not an audit Event',
      'items[5]: not a JSON object',
    ],
  );
  for (const body of ['{', '[]', '"text"', Buffer.from([0x7b, 0xff]), 7, { kind: 'EventList', apiVersion: 'v1', items: [] }])
    assert.equal(parseAuditEvents(body, 'prod').rejects.length, 1, String(body));
});

test('names, agents and lists are cut to a length', () => {
  const list = JSON.parse(fixture('event-list.json').toString()) as { items: Record<string, unknown>[] };
  const long = 'x'.repeat(5_000);
  const event = {
    ...list.items[1],
    ...{ userAgent: long, sourceIPs: Array.from({ length: 50 }, (_, i) => `192.0.2.${i}`) },
    user: { username: long, groups: Array.from({ length: 500 }, () => long) },
  };
  const user = parseAuditEvents(event, 'prod').claims[0]?.user;
  assert.ok(JSON.stringify(user).length < 6_000);
  assert.equal(user?.sourceIPs?.at(-1), '192.0.2.49', 'the address that the API server saw itself is kept');
});

test('EKS: lines of a CloudWatch subscription, plain and packed, and the answer of FilterLogEvents', () => {
  const plain = JSON.parse(fixture('eks-subscription.json').toString()) as { logEvents: unknown[] };
  const packed = { awslogs: { data: gzipSync(fixture('eks-subscription.json')).toString('base64') } };
  for (const body of [plain, packed, { events: plain.logEvents }]) {
    const parsed = parseAuditExport(JSON.stringify(body), 'eks');
    assert.deepEqual(parsed.rejects, []);
    assert.deepEqual(
      parsed.claims.map(({ user, target, verb }) => [user.name, target.resource, target.name, verb]),
      [['alice', 'widgets', 'front', 'patch']],
    );
    assert.equal(parsed.skipped, 1, 'a line of the API server log is passed over');
  }
  assert.equal(parseAuditExport({ messageType: 'CONTROL_MESSAGE', logEvents: [] }, 'eks').skipped, 1);
  assert.equal(parseAuditExport({ awslogs: { data: 'not gzip' } }, 'eks').rejects.length, 1);
});

test('EKS: what many small messages unpack to is bounded for all of them together', () => {
  const bomb = gzipSync(
    JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: [{ message: ' '.repeat(16 * 1024 * 1024 - 100) }] }),
  );
  const message = { awslogs: { data: bomb.toString('base64') } };
  const { rejects, skipped } = parseAuditExport(Array(8).fill(message), 'eks');
  assert.equal(skipped, 4, 'as many as fit into 64 MiB');
  assert.deepEqual(
    rejects.map(({ where }) => where),
    [4, 5, 6, 7].map((i) => `[${i}].awslogs.data`),
  );
  const tooLarge = { awslogs: { data: gzipSync(Buffer.alloc(40 * 1024 * 1024)).toString('base64') } };
  assert.deepEqual(
    parseAuditExport(Array(3).fill(tooLarge), 'eks').rejects.map(({ what }) => what),
    [...Array(2).fill('not gzip in base64, or too large unpacked'), 'too much is packed into one body'],
  );
});

test('GKE: Cloud Logging entries, in a list and pushed one by one', () => {
  const entries = JSON.parse(fixture('gke-entries.json').toString()) as unknown[];
  const parsed = parseAuditExport(entries, 'gke');
  assert.deepEqual(parsed.rejects, []);
  assert.equal(parsed.skipped, 2, 'a refused request and a call of another service');
  assert.deepEqual(
    parsed.claims.map(({ user, target, verb, resourceVersion }) => [user.name, target, verb, resourceVersion]),
    [
      [
        'alice@example.com',
        { group: 'example.com', resource: 'widgets', namespace: 'shop', name: 'front', uid: UID, kind: 'Widget' },
        'patch',
        '1204',
      ],
      [
        'system:serviceaccount:widgets:controller',
        { group: 'example.com', resource: 'widgets', namespace: 'shop', name: 'front', subresource: 'status' },
        'update',
        undefined,
      ],
      ['alice@example.com', { group: '', resource: 'configmaps', namespace: 'shop', name: 'settings' }, 'create', undefined],
      ['alice@example.com', { group: 'example.com', resource: 'fleets', namespace: '', name: 'north' }, 'delete', undefined],
    ],
  );
  const pushed = { message: { data: Buffer.from(JSON.stringify(entries[0])).toString('base64'), messageId: '1' } };
  assert.deepEqual(parseAuditExport(pushed, 'gke').claims, parsed.claims.slice(0, 1));
});

test('AKS: the audit categories among Azure Monitor records', () => {
  const body = fixture('aks-records.json');
  const parsed = parseAuditExport(body, 'aks');
  assert.deepEqual(parsed.rejects, []);
  assert.equal(parsed.skipped, 1);
  assert.equal(parsed.claims[0]?.user.name, 'alice@example.com');
  assert.equal(parsed.claims[0]?.resourceVersion, '1204');
  const { records } = JSON.parse(body.toString()) as { records: unknown[] };
  assert.equal(parseAuditExport(records[0], 'aks').claims.length, 1);
  assert.equal(parseAuditExport({ records: [{ category: 'kube-audit', properties: {} }, 3] }, 'aks').rejects.length, 2);
});

test('a plain EventList passes through, and wrappings within wrappings come to an end', () => {
  assert.equal(parseAuditExport(fixture('event-list.json'), 'prod').claims.length, 4);
  let body: unknown = JSON.parse(fixture('eks-subscription.json').toString());
  for (let i = 0; i < 5; i++) body = { awslogs: { data: gzipSync(JSON.stringify(body)).toString('base64') } };
  const parsed = parseAuditExport(body, 'prod');
  assert.equal(parsed.claims.length, 0);
  assert.equal(parsed.rejects.length, 1);
});
