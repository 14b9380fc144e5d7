import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KnownHead, ListComparison } from '../../src/collector/watch/list-comparison.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';

function head(name: string, uid: string, resourceVersion: string): KnownHead {
  return { ref: { cluster: 'c', group: 'test.dev', version: 'v1', kind: 'Widget', namespace: 'n', name }, uid, resourceVersion };
}

function object(name: string, uid: string, resourceVersion: string): KubeObject {
  return { apiVersion: 'test.dev/v1', kind: 'Widget', metadata: { name, namespace: 'n', uid, resourceVersion }, spec: {} };
}

describe('list comparison', () => {
  const meet = (comparison: ListComparison, type: 'ADDED' | 'MODIFIED' | 'DELETED', met: KubeObject) =>
    comparison
      .meet(type, met)
      .map((found) => `${found.type} ${found.object.metadata.uid}@${found.object.metadata.resourceVersion} ${found.origin}`);

  it('tells same, changed, new, re-created and missing apart', () => {
    const comparison = new ListComparison(
      [head('same', 'a', '1'), head('changed', 'b', '1'), head('again', 'c', '1'), head('missing', 'd', '1')],
      'relist',
    );
    assert.deepEqual(meet(comparison, 'ADDED', object('same', 'a', '1')), []);
    assert.deepEqual(meet(comparison, 'ADDED', object('changed', 'b', '2')), ['MODIFIED b@2 relist']);
    assert.deepEqual(meet(comparison, 'ADDED', object('again', 'c2', '3')), ['DELETED c@1 relist', 'ADDED c2@3 relist']);
    assert.deepEqual(meet(comparison, 'ADDED', object('new', 'e', '4')), ['ADDED e@4 relist']);
    assert.deepEqual(
      comparison.missing().map((missing) => missing.uid),
      ['d'],
    );
    assert.equal(comparison.objects, 4);
  });

  it('follows changes that a streaming list tells of while it runs', () => {
    const comparison = new ListComparison([head('a', 'a', '1'), head('b', 'b', '1')], 'list');
    assert.deepEqual(meet(comparison, 'ADDED', object('a', 'a', '1')), []);
    assert.deepEqual(meet(comparison, 'MODIFIED', object('a', 'a', '5')), ['MODIFIED a@5 list']);
    assert.deepEqual(meet(comparison, 'DELETED', object('a', 'a', '6')), ['DELETED a@6 watch']);
    assert.deepEqual(meet(comparison, 'ADDED', object('a', 'a2', '7')), ['ADDED a2@7 list']);
    assert.deepEqual(meet(comparison, 'DELETED', object('b', 'b', '8')), ['DELETED b@8 watch']);
    assert.deepEqual(comparison.missing(), []);
    assert.equal(comparison.objects, 1);
  });

  it('keeps what is in the list but cannot be read', () => {
    const comparison = new ListComparison([head('big', 'a', '1')], 'relist');
    comparison.keep('n', 'big');
    assert.deepEqual(comparison.missing(), []);
  });
});
