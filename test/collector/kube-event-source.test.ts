import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { SourceBatch } from '../../src/collector/source.ts';
import { createKubeEventSource, type KubeEventSource } from '../../src/collector/watch/kube-event-source.ts';
import { readKubeEvent } from '../../src/collector/watch/read-kube-event.ts';
import type { KubeEvent } from '../../src/domain/kube-event.ts';
import { maskKubeEvent } from '../../src/domain/kube-event.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { clientOf, QUICK, SILENT_LOGGER } from './memory-record.ts';

const EVENT = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
const about = (name: string, kind = 'Widget', apiVersion = 'test.dev/v1') => ({
  apiVersion,
  kind,
  namespace: 'a',
  name,
  uid: `u-${name}`,
});
const event = (name: string, more: Record<string, unknown> = {}) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { namespace: 'a', name },
  eventTime: '2026-08-21T14:00:00.000000Z',
  reportingController: 'test.dev/widget-controller',
  reportingInstance: 'pod-1',
  action: 'Reconcile',
  reason: 'Failed',
  type: 'Warning',
  note: 'the widget does not fit',
  regarding: about('w'),
  ...more,
});
const read = (more: Record<string, unknown> = {}) => {
  const object = {
    ...event('e', more),
    metadata: { name: 'e', uid: 'event-uid', resourceVersion: '1' },
  } as unknown as KubeObject;
  return readKubeEvent(object, 'test', 99);
};

describe('reading a Kubernetes Event', () => {
  it('takes what it says, of which object', () => {
    const ms = Date.parse('2026-08-21T14:00:00Z');
    assert.deepEqual(read(), {
      uid: 'event-uid',
      ref: { cluster: 'test', group: 'test.dev', version: 'v1', kind: 'Widget', namespace: 'a', name: 'w' },
      ...{ objectUid: 'u-w', type: 'Warning', reason: 'Failed', action: 'Reconcile', note: 'the widget does not fit' },
      ...{ reportedBy: 'test.dev/widget-controller', firstMs: ms, lastMs: ms, count: 1 },
    });
  });

  it('takes times and counts of a series', () => {
    const series = { count: 5, lastObservedTime: '2026-08-21T15:00:00.000000Z' };
    const { firstMs, lastMs, count } = read({ series }) as KubeEvent;
    assert.deepEqual([lastMs - firstMs, count], [3_600_000, 5]);
  });

  it('reads what was written through the core API', () => {
    const { reportedBy, firstMs, lastMs, count } = read({
      ...{ eventTime: null, reportingController: '', deprecatedSource: { component: 'helm-controller' }, deprecatedCount: 3 },
      ...{ deprecatedFirstTimestamp: '2026-08-21T10:00:00Z', deprecatedLastTimestamp: '2026-08-21T11:00:00Z' },
    }) as KubeEvent;
    assert.deepEqual([reportedBy, lastMs - firstMs, count], ['helm-controller', 3_600_000, 3]);
  });

  it('stands on when it came where it says no time at all, and bears nonsense', () => {
    assert.equal(read({ eventTime: null })?.firstMs, 99);
    const odd = read({ eventTime: 'soon', series: { count: 'many' }, note: 7, type: null });
    assert.deepEqual([odd?.firstMs, odd?.count, odd?.note, odd?.type], [99, 1, '', '']);
  });

  it('leaves out our own, and what names no object', () => {
    assert.equal(read({ reportingController: 'crowsnest.dev/detector' }), undefined);
    assert.equal(read({ regarding: undefined }), undefined);
    assert.equal(read({ regarding: { kind: 'Widget' } }), undefined);
  });

  it('is masked before it is cut, so that no half of a secret is left', () => {
    const note = `${'x'.repeat(1_010)} token: s3cr3t-s3cr3t-s3cr3t`;
    const masked = maskKubeEvent(read({ note }) as KubeEvent, () => '0123456789abcdef');
    assert.equal(masked.note.length, 1_024);
    assert.doesNotMatch(masked.note, /s3cr/);
    assert.equal(maskKubeEvent(read({ note: 'short' }) as KubeEvent, () => '').note, 'short');
  });
});

describe('source of Kubernetes Events', () => {
  let api: FakeApiServer;
  const stop = { now: async () => {} };
  afterEach(async () => {
    await stop.now();
    await api.close();
  });

  async function watch(
    isReady?: () => boolean,
  ): Promise<{ source: KubeEventSource; batches: SourceBatch[]; said: () => string[] }> {
    const client = clientOf(api);
    const batches: SourceBatch[] = [];
    const aborter = new AbortController();
    const source = createKubeEventSource({
      ...{ client, clock: systemClock, logger: SILENT_LOGGER, cursors: { cursor: () => undefined }, timing: QUICK, isReady },
      isWanted: ({ group, kind }) => group === 'test.dev' && kind === 'Widget',
    });
    const running = source.run(async (batch) => void batches.push(batch), aborter.signal);
    stop.now = async () => {
      aborter.abort();
      await running;
      await client.close();
    };
    return {
      source,
      batches,
      said: () => batches.flatMap(({ kubeEvents = [] }) => kubeEvents.map(({ ref, reason }) => `${ref.name} ${reason}`)),
    };
  }

  it('delivers those about wanted kinds, listed and as they come, with the position', async () => {
    api = await startFakeApiServer({ kinds: [EVENT] });
    api.apply(event('listed'));
    const { source, batches, said } = await watch();
    await until('the list', () => said().length === 1);
    api.apply(event('pod', { regarding: about('p', 'Pod', 'v1') }));
    api.apply(event('later', { reason: 'Ready', regarding: about('w2') }));
    await until('the one after it', () => said().length === 2);
    assert.deepEqual(said(), ['w Failed', 'w2 Ready']);
    assert.ok(batches.every(({ observations }) => observations.length === 0));
    assert.ok(batches.at(-1)?.cursors?.['watch:fake/events.k8s.io/events']);
    assert.equal(source.coverage().state, 'watched');
    const selectors = api.requests.map(({ query }) => query.fieldSelector);
    assert.ok(
      selectors.length > 0 && selectors.every((selector) => selector?.includes('regarding.apiVersion!=v1,')),
      String(selectors),
    );
  });

  it('says what is forbidden with the rule to add, and watches once it is granted', async () => {
    api = await startFakeApiServer({ kinds: [EVENT] });
    api.faults.forbid('events');
    api.apply(event('e'));
    const { source, said } = await watch();
    await until('it is refused', () => source.coverage().state === 'forbidden');
    assert.match(source.coverage().reason ?? '', /apiGroups: \["events.k8s.io"\], resources: \["events"\]/);
    api.faults.allow('events');
    await until('it is watched', () => said().length === 1);
  });

  it('asks for nothing before it is ready', async () => {
    api = await startFakeApiServer({ kinds: [EVENT] });
    api.apply(event('e'));
    let ready = false;
    const { said } = await watch(() => ready);
    assert.equal(api.requests.length, 0);
    ready = true;
    await until('the list', () => said().length === 1);
  });
});
