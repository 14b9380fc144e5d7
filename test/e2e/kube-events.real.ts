/** Kubernetes Events, written by kubectl through both APIs, stand beside the changes of their object. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FirstLight, GROUP, startFirstLight } from '../support/first-light.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

interface EventView {
  type: string;
  reason: string;
  note: string;
  reportedBy: string;
  count: number;
  objectUid: string;
}

const READ_EVENTS = [
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'crowsnest-events' } },
    rules: [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'crowsnest-events' } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'crowsnest-events' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:serviceaccount:crowsnest:crowsnest' }],
  },
];

describe('Kubernetes Events', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let light: FirstLight;
  before(async () => {
    light = await startFirstLight();
  });
  after(() => light.stop());
  const apply = (...items: object[]) =>
    light.server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

  test('are kept beside changes, whichever API they were written through; forbidden is said and no more', async () => {
    await light.create('main', { replicas: 3 });
    const { uid } = (await light.get('main')).metadata;
    const object = { apiVersion: `${GROUP}/v1`, kind: 'Engine', namespace: 'default', name: 'main', uid };
    const modern = {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'main.1', namespace: 'default' } },
      ...{ eventTime: '2026-08-21T14:00:00.000000Z', action: 'Reconcile', reason: 'Stalled', type: 'Warning', regarding: object },
      ...{ reportingController: 'fleet.example.test/engine-controller', reportingInstance: 'pod-0' },
      note: 'the engine does not start: password=hunter2-hunter2 was refused',
    };
    const classic = {
      ...{ apiVersion: 'v1', kind: 'Event', metadata: { name: 'main.2', namespace: 'default' } },
      ...{ involvedObject: object, reason: 'Scaled', type: 'Normal', message: 'scaled to 3', count: 4 },
      ...{ source: { component: 'autoscaler' }, firstTimestamp: '2026-08-21T13:00:00Z', lastTimestamp: '2026-08-21T15:00:00Z' },
    };
    const ofPod = {
      ...classic,
      metadata: { name: 'pod.1', namespace: 'default' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'main' },
    };
    await apply(modern, classic, ofPod);

    const forbidden = await light.serve([]);
    await light.watched(forbidden);
    const row = await until('Events are refused', async () => {
      const { items } = await forbidden.get<{ items: { kind: string; state: string; reason?: string }[] }>('/v1/coverage');
      return items.find(({ kind, state }) => kind === 'Event' && state === 'forbidden');
    });
    assert.match(row.reason ?? '', /apiGroups: \["events.k8s.io"\], resources: \["events"\]/);
    assert.equal(await forbidden.stop(), 0);

    await apply(...READ_EVENTS);
    const crowsnest = await light.serve(['--allow', 'event']);
    const events = async () =>
      (await crowsnest.get<{ items: EventView[] }>(`/v1/objects/real/${GROUP}/Engine/default/main/events`)).items;
    await light.watched(crowsnest);
    const told = await until('both are there', async () => {
      const items = await events().catch(() => []);
      return items.length >= 2 && items;
    });
    assert.deepEqual(
      told.map(({ reason, type, reportedBy, count, objectUid }) => [reason, type, reportedBy, count, objectUid]),
      [
        ['Scaled', 'Normal', 'autoscaler', 4, uid],
        ['Stalled', 'Warning', 'fleet.example.test/engine-controller', 1, uid],
      ],
    );
    assert.match(told[1]?.note ?? '', /does not start: password=masked:[0-9a-f]{16} was refused/);

    // A change that is flagged leaves an Event of our own, which is not told back to us; a burst that comes after it is.
    await light.patch('main', { replicas: 0 }, 'kubectl-edit');
    await until('our own Event is there', async () => {
      const own = await light.server.kubectl(['get', 'events', '-o', 'jsonpath={.items[*].reportingComponent}']);
      return own.includes('crowsnest.dev/detector');
    });
    const burst = Array.from({ length: 250 }, (_, i) => ({
      ...modern,
      metadata: { name: `burst.${i}`, namespace: 'default' },
      eventTime: new Date(Date.parse('2026-08-22T00:00:00Z') + i * 1000).toISOString().replace('Z', '000Z'),
    }));
    await apply(...burst);
    const newest = await until('the last of the burst', async () => {
      const items = await events();
      return items.length === 100 && items;
    });
    assert.ok(
      newest.every(({ reason }) => reason === 'Stalled'),
      'the newest hundred are kept, and none of our own',
    );
  });
});
