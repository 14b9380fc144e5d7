import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeExtras } from '../../src/api/who.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, state } from '../store/new-changes.ts';

function kustomization(resourceVersion: string, lastAttemptedRevision: string): KubeObject {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'apps', namespace: 'flux-system', uid: 'uid-apps', resourceVersion },
    status: { lastAttemptedRevision },
  } as KubeObject;
}
const LABELS = { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' };

test('the revision is the one that the applier was at when the change was made', async () => {
  const store = openSqliteStore({ file: ':memory:' });
  const first = kustomization('10', 'main@sha1:aaa');
  store.append({
    changes: [
      newChange('ADDED', first),
      newChange('ADDED', state('orders', '20', { replicas: 1 }, { labels: LABELS })),
      newChange('MODIFIED', kustomization('30', 'main@sha1:bbb'), { before: first }),
      newChange('ADDED', state('carts', '40', { replicas: 1 }, { labels: LABELS })),
      newChange('ADDED', state('stock', '50', { replicas: 1 })),
    ],
  });
  const gitops = async (seq: number) => {
    const change = store.change(seq);
    assert.ok(change !== undefined);
    return (await changeExtras(asAsync(store), change)).gitops;
  };
  assert.deepEqual(await gitops(2), {
    tool: 'flux',
    source: 'Kustomization flux-system/apps',
    revision: 'main@sha1:aaa',
    byTool: false,
  });
  assert.equal((await gitops(4))?.revision, 'main@sha1:bbb');
  assert.equal(await gitops(5), undefined);
  store.close();
});
