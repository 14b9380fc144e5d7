import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAdmissionReview } from '../../src/collector/who/admission-review.ts';
import { contentHash } from '../../src/domain/content-hash.ts';
import type { JsonObject } from '../../src/domain/json.ts';

const WIDGET = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: {
    name: 'front',
    namespace: 'shop',
    uid: 'u-1',
    generation: 3,
    resourceVersion: '10',
    managedFields: [] as JsonObject[],
  },
  spec: { replicas: 3 },
};

function review(request: JsonObject): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'r-1',
      kind: { group: 'example.com', version: 'v1', kind: 'Widget' },
      resource: { group: 'example.com', version: 'v1', resource: 'widgets' },
      name: 'front',
      namespace: 'shop',
      operation: 'UPDATE',
      userInfo: { username: 'alice', groups: ['shop-admins'] },
      object: WIDGET,
      oldObject: { ...WIDGET, spec: { replicas: 2 } },
      options: { kind: 'PatchOptions', fieldManager: 'kubectl-edit' },
      dryRun: false,
      ...request,
    },
  };
}

test('an update becomes a claim with the hash of what it would lead to', () => {
  const reading = readAdmissionReview(review({}), 'prod', 1_000);
  assert.deepEqual(reading, {
    type: 'claim',
    uid: 'r-1',
    claim: {
      cluster: 'prod',
      source: 'admission',
      id: 'r-1',
      target: { group: 'example.com', resource: 'widgets', kind: 'Widget', namespace: 'shop', name: 'front', uid: 'u-1' },
      verb: 'update',
      atMs: 1_000,
      user: { name: 'alice', groups: ['shop-admins'], fieldManager: 'kubectl-edit' },
      contentHash: contentHash(WIDGET),
    },
  });
});

test('the hash is that of the object a watch will tell of: bookkeeping that the API server still moves does not count', () => {
  const watched = {
    kind: 'Widget',
    spec: { replicas: 3 },
    apiVersion: 'example.com/v1',
    metadata: {
      uid: 'u-1',
      namespace: 'shop',
      name: 'front',
      resourceVersion: '11',
      generation: 4,
      managedFields: [{ manager: 'x' }],
    },
  };
  assert.equal(contentHash(watched), contentHash(WIDGET));
  assert.notEqual(contentHash({ ...watched, spec: { replicas: 4 } }), contentHash(WIDGET));
});

test('a deletion names the object that goes, a creation the one that comes', () => {
  const deleted = readAdmissionReview(review({ operation: 'DELETE', object: null }), 'prod', 1);
  assert.ok(deleted.type === 'claim');
  assert.equal(deleted.claim.target.uid, 'u-1');
  assert.equal(deleted.claim.contentHash, undefined);
  const created = readAdmissionReview(review({ operation: 'CREATE', name: '', oldObject: null }), 'prod', 1);
  assert.ok(created.type === 'claim');
  assert.equal(created.claim.target.name, 'front');
});

test('dry runs and connections are no writes', () => {
  for (const request of [{ dryRun: true }, { operation: 'CONNECT' }] as JsonObject[])
    assert.equal(readAdmissionReview(review(request), 'prod', 1).type, 'skipped');
});

test('what is malformed is said and never thrown', () => {
  const cases: unknown[] = [
    null,
    7,
    'x',
    [],
    {},
    { kind: 'AdmissionReview' },
    { ...review({}), apiVersion: 'admission.k8s.io/v1beta1' },
  ];
  for (const request of [
    { uid: '' },
    { operation: 'EAT' },
    { userInfo: null },
    { kind: null },
    { name: '', object: null },
  ] as JsonObject[])
    cases.push(review(request));
  for (const body of cases) assert.equal(readAdmissionReview(body, 'prod', 1).type, 'invalid', JSON.stringify(body));
});
