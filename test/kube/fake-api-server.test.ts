import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createHttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { type KubeClient, KubeStatusError } from '../../src/kube/kube-client.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';

const WIDGET = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets' };
const PATH = '/apis/test.dev/v1/namespaces/a/widgets/w';

/** The stand-in that many tests lean on: where it differs from a real server, they prove nothing. */
describe('fake API server', () => {
  let server: FakeApiServer;
  let client: KubeClient;

  beforeEach(async () => {
    server = await startFakeApiServer({ kinds: [WIDGET] });
    client = createHttpKubeClient({ cluster: 'fake', server: new URL(server.url), apply: async () => ({}) });
    server.apply({
      apiVersion: 'test.dev/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'a' },
      spec: { size: 1, list: [1] },
    });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const refused = (status: number) => (error: unknown) => error instanceof KubeStatusError && error.status === status;

  it('annotates by server-side apply and by merge patch, under the writer named, and records the writes', async () => {
    for (const [i, contentType] of ['application/apply-patch+yaml', 'application/merge-patch+json'].entries()) {
      const body = {
        apiVersion: 'test.dev/v1',
        kind: 'Widget',
        metadata: { name: 'w', annotations: { [`crowsnest.dev/n${i}`]: 'x' } },
      };
      await client.request('PATCH', PATH, { query: { fieldManager: 'crowsnest', force: 'true' }, contentType, body });
    }
    const { metadata, spec } = server.objects.get(server.objects.kindNamed('Widget'), 'a', 'w');
    assert.deepEqual(metadata.annotations, { 'crowsnest.dev/n0': 'x', 'crowsnest.dev/n1': 'x' });
    assert.deepEqual(spec, { size: 1, list: [1] });
    assert.equal(metadata.generation, 1, 'annotations do not move the generation');
    const entry = metadata.managedFields.find((known: { manager: string }) => known.manager === 'crowsnest');
    assert.deepEqual(entry.fieldsV1, {
      'f:metadata': { 'f:annotations': { 'f:crowsnest.dev/n0': {}, 'f:crowsnest.dev/n1': {} } },
    });
    assert.deepEqual(
      server.writes.map((write) => [write.method, write.path, write.contentType]),
      [
        ['PATCH', PATH, 'application/apply-patch+yaml'],
        ['PATCH', PATH, 'application/merge-patch+json'],
      ],
    );
  });

  it('refuses a patch for another life or another revision', async () => {
    for (const [field, value] of Object.entries({ uid: 'another', resourceVersion: '1' })) {
      const metadata = { [field]: value };
      const request = client.request('PATCH', PATH, { contentType: 'application/merge-patch+json', body: { metadata } });
      await assert.rejects(request, refused(409));
    }
    assert.deepEqual(server.writes, []);
  });

  it('makes no revision of a write that changes nothing', async () => {
    const before = server.objects.resourceVersion;
    await client.request('PATCH', PATH, { contentType: 'application/merge-patch+json', body: { spec: { size: 1 } } });
    assert.equal(server.objects.resourceVersion, before);
  });

  it('moves the generation with the spec and not with the status', async () => {
    server.apply({
      apiVersion: 'test.dev/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'a' },
      spec: { size: 1, list: [1] },
      status: { ready: true },
    });
    const patched = await client.request('PATCH', PATH, {
      contentType: 'application/merge-patch+json',
      body: { spec: { size: 2 } },
    });
    assert.deepEqual([(patched.metadata as { generation: number }).generation, patched.status], [2, { ready: true }]);
  });

  const event = {
    metadata: { name: 'w.1', namespace: 'a' },
    eventTime: '2026-01-05T08:00:00.000000Z',
    reportingController: 'crowsnest.dev/detector',
    reportingInstance: 'crowsnest-0',
    action: 'Observed',
    reason: 'UnusualChange',
    type: 'Warning',
    note: 'why',
    regarding: { apiVersion: 'test.dev/v1', kind: 'Widget', namespace: 'a', name: 'w' },
  };

  it('takes an Event as a server does, and its series by patch', async () => {
    const path = '/apis/events.k8s.io/v1/namespaces/a/events';
    await client.request('POST', path, { body: event });
    const series = { count: 2, lastObservedTime: '2026-01-05T08:01:00.000000Z' };
    await client.request('PATCH', `${path}/w.1`, { contentType: 'application/merge-patch+json', body: { series } });
    const [stored] = server.objects.all(server.objects.kindNamed('Event'));
    assert.deepEqual([stored?.reason, stored?.series], ['UnusualChange', series]);
  });

  const wrong: [string, object][] = [
    ['without eventTime', { eventTime: undefined }],
    ['with a short eventTime', { eventTime: '2026-01-05T08:00:00Z' }],
    ['without an action', { action: undefined }],
    ['with a long reason', { reason: 'x'.repeat(129) }],
    ['of another type', { type: 'Info' }],
    ['with a long note', { note: 'x'.repeat(1025) }],
    ['with a deprecated count', { deprecatedCount: 1 }],
    ['in a namespace other than its object', { regarding: { namespace: 'b' } }],
  ];
  for (const [what, change] of wrong) {
    it(`refuses an Event ${what}`, async () => {
      const body = JSON.parse(JSON.stringify({ ...event, ...change }));
      await assert.rejects(client.request('POST', '/apis/events.k8s.io/v1/namespaces/a/events', { body }), refused(422));
    });
  }
});
