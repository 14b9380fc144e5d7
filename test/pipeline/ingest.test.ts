import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { type KubeObject, refOf } from '../../src/domain/object-ref.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { kafka, observed } from '../support/objects.ts';

function setUp() {
  const store = openSqliteStore({ file: ':memory:' });
  return { store, ingest: createIngest({ store, hash: keyedHash(Buffer.from('k')) }) };
}
const ref = refOf('test', kafka('orders', '1', {}));

test('an addition, an edit and a deletion become three changes with what moved', () => {
  const { store, ingest } = setUp();
  const { changes } = ingest.record({
    observations: [
      observed('ADDED', kafka('orders', '1', { replicas: 3 }), 1000),
      observed('MODIFIED', kafka('orders', '2', { replicas: 4 }, { generation: 2 }), 2000),
      observed('DELETED', kafka('orders', '3', { replicas: 4 }), 3000),
    ],
    cursors: { 'watch:test': '3' },
  });
  assert.deepEqual(
    changes.map((change) => [change.seq, change.type]),
    [
      [1, 'ADDED'],
      [2, 'MODIFIED'],
      [3, 'DELETED'],
    ],
  );
  assert.deepEqual(changes[1]!.diff, [{ op: 'set', path: '/spec/replicas', generic: '/spec/replicas', old: 3, new: 4 }]);
  assert.deepEqual(
    changes[0]!.diff.map((field) => field.path),
    ['/apiVersion', '/spec/replicas'],
    'identity and bookkeeping are not changes',
  );
  assert.equal(store.cursor('watch:test'), '3');
  assert.equal(store.head(ref)?.deleted, true);
});

test('the same version again is a repeat, in the same batch, later, and after a deletion', () => {
  const { store, ingest } = setUp();
  const one = observed('ADDED', kafka('orders', '1', { replicas: 3 }), 1000);
  assert.equal(ingest.record({ observations: [one, one] }).repeats, 1);
  assert.equal(ingest.record({ observations: [one] }).repeats, 1);
  ingest.record({ observations: [observed('DELETED', kafka('orders', '2', { replicas: 3 }), 2000)] });
  assert.equal(
    ingest.record({ observations: [one, observed('DELETED', kafka('orders', '2', { replicas: 3 }), 2000)] }).repeats,
    2,
  );
  assert.equal(store.counts().changes, 2);
});

test('an update that moves only bookkeeping is a heartbeat, and the next edit is compared with the real state', () => {
  const { store, ingest } = setUp();
  const managed = (time: string) => ({ managedFields: [{ manager: 'operator', operation: 'Update', time, fieldsV1: {} }] });
  ingest.record({
    observations: [observed('ADDED', kafka('orders', '1', { replicas: 3 }, managed('2026-01-01T00:00:00Z')), 1000)],
  });
  const result = ingest.record({
    observations: [observed('MODIFIED', kafka('orders', '2', { replicas: 3 }, managed('2026-01-01T00:01:00Z')), 2000)],
  });
  assert.deepEqual({ heartbeats: result.heartbeats, changes: result.changes.length }, { heartbeats: 1, changes: 0 });
  assert.equal(store.head(ref)?.resourceVersion, '2');
  const edit = ingest.record({ observations: [observed('MODIFIED', kafka('orders', '3', { replicas: 5 }), 3000)] });
  assert.equal(edit.changes[0]!.diff.length, 1);
  assert.equal(store.counts().heartbeats, 1);
});

test('a new uid under an old name is a new life, with the deletion between recorded as found', () => {
  const { ingest } = setUp();
  ingest.record({ observations: [observed('ADDED', kafka('orders', '1', { replicas: 3 }), 1000)] });
  const { changes } = ingest.record({
    observations: [observed('ADDED', kafka('orders', '9', { replicas: 3 }, { uid: 'uid-second' }), 9000)],
  });
  assert.deepEqual(
    changes.map((change) => [change.type, change.uid, change.origin]),
    [
      ['DELETED', 'uid-orders', 'relist'],
      ['ADDED', 'uid-second', 'watch'],
    ],
  );
});

test('a deletion that was found rather than seen keeps the last state', () => {
  const { ingest } = setUp();
  ingest.record({ observations: [observed('ADDED', kafka('orders', '1', { replicas: 3 }), 1000)] });
  const { spec: _, ...bare } = kafka('orders', '1', {});
  const { changes } = ingest.record({ observations: [observed('DELETED', bare as KubeObject, 2000, { origin: 'relist' })] });
  assert.equal(changes[0]!.type, 'DELETED');
  assert.deepEqual(changes[0]!.state.spec, { replicas: 3 });
});

test('secrets are masked before the store sees them, and a changed secret still shows as a change', () => {
  const { store, ingest } = setUp();
  ingest.record({ observations: [observed('ADDED', kafka('orders', '1', { auth: { password: 'first-password' } }), 1000)] });
  const { changes } = ingest.record({
    observations: [observed('MODIFIED', kafka('orders', '2', { auth: { password: 'second-password' } }), 2000)],
  });
  assert.equal(changes[0]!.diff.length, 1);
  assert.match(String(changes[0]!.diff[0]!.new), /^masked:/);
  assert.ok(!JSON.stringify(store.changesAfter(0, 10)).includes('-password'));
});

test('nothing of a batch is recorded when the store refuses it', () => {
  const { store, ingest } = setUp();
  const failing = createIngest({
    store: { head: (name) => store.head(name), append: () => assert.fail('disk full') },
    hash: keyedHash(Buffer.from('k')),
  });
  const batch = { observations: [observed('ADDED', kafka('orders', '1', { replicas: 3 }), 1000)], cursors: { c: '1' } };
  assert.throws(() => failing.record(batch));
  assert.equal(store.counts().changes, 0);
  assert.equal(ingest.record(batch).changes.length, 1, 'the same batch works later');
});

test('a moved time of a last look is a heartbeat; together with a turned condition it is part of a change', () => {
  const { store, ingest } = setUp();
  const seen = (version: string, seconds: string, ready: string) => ({
    ...kafka('orders', version, { replicas: 3 }),
    status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: `2026-03-01T10:00:${seconds}Z` }] },
  });
  ingest.record({ observations: [observed('ADDED', seen('1', '00', 'True'), 1000)] });
  assert.equal(ingest.record({ observations: [observed('MODIFIED', seen('2', '30', 'True'), 2000)] }).heartbeats, 1);
  assert.equal(store.head(ref)?.resourceVersion, '2');
  const { changes } = ingest.record({ observations: [observed('MODIFIED', seen('3', '59', 'False'), 3000)] });
  assert.deepEqual(
    changes[0]!.diff.map(({ path }) => path),
    ['/status/conditions/[type=Ready]/lastHeartbeatTime', '/status/conditions/[type=Ready]/status'],
  );
});

test('what a watch tells after something newer changes nothing and is counted with a reason', () => {
  const { store, ingest } = setUp();
  const late = (type: 'ADDED' | 'MODIFIED', version: string, uid = 'uid-orders') =>
    observed(type, kafka('orders', version, { replicas: 9 }, { uid }), 4000);
  ingest.record({ observations: [observed('ADDED', kafka('orders', '90', { replicas: 3 }), 1000)] });
  const result = ingest.record({
    observations: [observed('MODIFIED', kafka('orders', '100', { replicas: 4 }), 2000), late('MODIFIED', '99')],
  });
  assert.deepEqual({ changes: result.changes.length, late: result.late }, { changes: 1, late: 1 });
  assert.equal(ingest.record({ observations: [late('ADDED', '80', 'uid-of-a-former-life')] }).late, 1);
  const ofFormerLife = observed('DELETED', kafka('orders', '85', {}, { uid: 'uid-of-a-former-life' }), 5000);
  assert.equal(ingest.record({ observations: [ofFormerLife] }).late, 1, 'its end is no end of the life that came after');
  assert.deepEqual(store.head(ref)?.state.spec, { replicas: 4 });
  assert.equal(store.head(ref)?.deleted, false);
  const [reject] = store.rejects(1);
  assert.deepEqual([reject?.code, reject?.where], ['EVENT_OUT_OF_ORDER', 'Kafka streaming/orders']);
  assert.equal(store.counts().rejects, 3);
});

test('versions that cannot be ordered are taken in the order they come', () => {
  const { ingest } = setUp();
  ingest.record({ observations: [observed('ADDED', kafka('orders', 'b', { replicas: 3 }), 1000)] });
  const { changes, late } = ingest.record({ observations: [observed('MODIFIED', kafka('orders', 'a', { replicas: 4 }), 2000)] });
  assert.deepEqual([changes.length, late], [1, 0]);
});

test('what a list shows after a restore is recorded: older versions, other content under the same version, the deleted alive', () => {
  const { store, ingest } = setUp();
  const listed = (name: string, version: string, spec: { replicas: number }) =>
    observed('MODIFIED', kafka(name, version, spec), 9000, { origin: 'relist' });
  ingest.record({
    observations: [
      ...['back', 'same', 'other', 'alive'].map((name) => observed('ADDED', kafka(name, '10', { replicas: 1 }), 1000)),
      observed('MODIFIED', kafka('back', '20', { replicas: 2 }), 2000),
      observed('DELETED', kafka('alive', '30', { replicas: 1 }), 3000),
    ],
  });
  const result = ingest.record({
    observations: [
      listed('back', '10', { replicas: 1 }),
      listed('same', '10', { replicas: 1 }),
      listed('other', '10', { replicas: 7 }),
      { ...listed('alive', '10', { replicas: 1 }), type: 'ADDED' },
    ],
  });
  assert.deepEqual(
    result.changes.map(({ type, ref: { name }, state }) => [type, name, (state.spec as { replicas: number }).replicas]),
    [
      ['MODIFIED', 'back', 1],
      ['MODIFIED', 'other', 7],
      ['ADDED', 'alive', 1],
    ],
  );
  assert.deepEqual({ repeats: result.repeats, late: result.late }, { repeats: 1, late: 0 });
  const alive = result.changes[2]!;
  assert.deepEqual(store.stateAt(alive.ref, { seq: alive.seq })?.spec, { replicas: 1 });
  const next = ingest.record({ observations: [observed('MODIFIED', kafka('back', '12', { replicas: 5 }), 9500)] });
  assert.equal(next.changes.length, 1, 'the watch goes on in the new epoch below the old versions');
});

test('a kind that is asked for as metadata only from now on has not lost its content, nor found it when that is over', () => {
  const { store, ingest } = setUp();
  const bare = (version: string, team: string) => {
    const { spec: _, ...object } = kafka('orders', version, {}, { labels: { team } });
    return { ...observed('MODIFIED', object as KubeObject, Number(version) * 1000), partial: true };
  };
  ingest.record({ observations: [observed('ADDED', kafka('orders', '1', { replicas: 3 }, { labels: { team: 'a' } }), 1000)] });
  const [partial] = ingest.record({ observations: [bare('2', 'b')] }).changes;
  assert.deepEqual(
    partial?.diff.map(({ op, path }) => `${op} ${path}`),
    ['set /metadata/labels/team'],
  );
  assert.deepEqual(store.head(ref)?.state.spec, { replicas: 3 });
  const whole = observed('MODIFIED', kafka('orders', '3', { replicas: 4 }, { labels: { team: 'b' } }), 3000);
  assert.deepEqual(
    ingest.record({ observations: [whole] }).changes[0]?.diff.map(({ op, path }) => `${op} ${path}`),
    ['set /spec/replicas'],
  );
});

test('a heartbeat before an edit in one batch does not set the version back', () => {
  const { store, ingest } = setUp();
  const beat = kafka('orders', '2', { replicas: 3 });
  ingest.record({ observations: [observed('ADDED', kafka('orders', '1', { replicas: 3 }), 1000)] });
  ingest.record({
    observations: [observed('MODIFIED', beat, 2000), observed('MODIFIED', kafka('orders', '3', { replicas: 4 }), 3000)],
  });
  assert.equal(store.head(ref)?.resourceVersion, '3');
});
