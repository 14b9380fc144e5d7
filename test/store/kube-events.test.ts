import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeEvent } from '../../src/domain/kube-event.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { refTo } from './new-changes.ts';

const DAY_MS = 86_400_000;
const event = (object: string, uid: string, lastMs: number): KubeEvent => ({
  ...{ uid, ref: refTo(object), objectUid: 'u', type: 'Normal', reason: 'R', action: '', note: '', reportedBy: 'op' },
  ...{ firstMs: lastMs, lastMs, count: 1 },
});
const open = () => openSqliteStore({ file: ':memory:', eventsPerObject: 3, eventsMax: 40, eventsAgeMs: 30 * DAY_MS });
const kept = (store: ReturnType<typeof open>, object: string) =>
  store.kubeEvents({ ref: refTo(object), limit: 100 }).map(({ uid }) => uid);

test('of each object the newest Events are kept, whatever order they come in', () => {
  using store = open();
  store.append({ changes: [], kubeEvents: [5, 1, 4, 2, 3].map((i) => event('orders', `e${i}`, i)) });
  assert.deepEqual(kept(store, 'orders'), ['e5', 'e4', 'e3']);
  store.append({ changes: [], kubeEvents: [event('orders', 'e6', 6), event('orders', 'e0', 0)] });
  assert.deepEqual(kept(store, 'orders'), ['e6', 'e5', 'e4']);
  assert.equal(store.counts().kubeEvents, 3);
});

test('a flood over many objects makes the oldest Events go, a share at a time', () => {
  using store = open();
  for (let i = 0; i < 100; i++) store.append({ changes: [], kubeEvents: [event(`o${i}`, `e${i}`, i)] });
  const { kubeEvents } = store.counts();
  assert.ok(kubeEvents > 36 && kubeEvents <= 40, String(kubeEvents));
  assert.deepEqual([kept(store, 'o0'), kept(store, 'o99')], [[], ['e99']]);
});

test('Events older than their age by the newest one are forgotten', () => {
  using store = open();
  store.append({ changes: [], kubeEvents: [event('a', 'old', 1), event('b', 'new', 31 * DAY_MS)] });
  store.maintain();
  assert.deepEqual([kept(store, 'a'), kept(store, 'b')], [[], ['new']]);
  assert.equal(store.counts().kubeEvents, 1);
});

test('the count stands a batch that failed as a whole', () => {
  using store = open();
  store.append({ changes: [], kubeEvents: [event('a', 'e1', 1)] });
  const broken = { ...event('a', 'e3', 3), note: undefined as unknown as string };
  assert.throws(() => store.append({ changes: [], kubeEvents: [event('a', 'e2', 2), broken] }));
  assert.deepEqual(kept(store, 'a'), ['e1']);
  store.append({ changes: [], kubeEvents: [event('a', 'e2', 2)] });
  assert.equal(store.counts().kubeEvents, 2);
});
