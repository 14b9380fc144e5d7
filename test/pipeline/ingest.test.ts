import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedHash } from '../../src/domain/masking-key.ts';
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
