import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { appliedRevision, gitopsOrigin, isWrittenBy } from '../../../src/domain/who/gitops-origin.ts';

function widget(metadata: JsonObject): KubeObject {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'front', namespace: 'shop', uid: 'u', resourceVersion: '1', ...metadata },
  } as KubeObject;
}
const applier = (apiVersion: string, status: JsonObject): KubeObject =>
  ({ apiVersion, kind: 'X', metadata: { name: 'x', uid: 'u', resourceVersion: '1' }, status }) as KubeObject;

test('the marks of Flux, Argo CD and Helm', () => {
  const flux = (prefix: string) => ({
    labels: { [`${prefix}.toolkit.fluxcd.io/name`]: 'apps', [`${prefix}.toolkit.fluxcd.io/namespace`]: 'flux-system' },
  });
  const cases: [JsonObject, [string, string, string | undefined, string] | undefined][] = [
    [flux('kustomize'), ['flux', 'Kustomization', 'flux-system', 'apps']],
    [flux('helm'), ['flux', 'HelmRelease', 'flux-system', 'apps']],
    [
      { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:example.com/Widget:shop/front' } },
      ['argocd', 'Application', undefined, 'shop'],
    ],
    [
      { annotations: { 'argocd.argoproj.io/tracking-id': 'team_shop:example.com/Widget:shop/front' } },
      ['argocd', 'Application', 'team', 'shop'],
    ],
    [{ labels: { 'argocd.argoproj.io/instance': 'shop' } }, ['argocd', 'Application', undefined, 'shop']],
    [
      { annotations: { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'web' } },
      ['helm', 'Release', 'web', 'shop'],
    ],
    [{ labels: { 'app.kubernetes.io/instance': 'shop' } }, undefined],
    [{}, undefined],
  ];
  for (const [metadata, expected] of cases) {
    const origin = gitopsOrigin(widget(metadata));
    const found = origin && [origin.tool, origin.applier.kind, origin.applier.namespace, origin.applier.name];
    assert.deepEqual(found, expected, JSON.stringify(metadata));
  }
});

test('a tracking id that was copied along from another object says nothing', () => {
  const annotations = { 'argocd.argoproj.io/tracking-id': 'shop:example.com/Widget:shop/back' };
  assert.equal(gitopsOrigin(widget({ annotations })), undefined);
});

test("Flux's mark comes before the one Helm leaves, and malformed marks are none", () => {
  const annotations = { 'meta.helm.sh/release-name': 'shop' };
  const labels = {
    'helm.toolkit.fluxcd.io/name': 'shop',
    'helm.toolkit.fluxcd.io/namespace': 'web',
    'helm.sh/chart': 'shop-1.2.3',
  };
  const origin = gitopsOrigin(widget({ annotations, labels }));
  assert.equal(origin?.tool, 'flux');
  assert.equal(origin?.revision, 'shop-1.2.3');
  for (const metadata of [{ labels: [] }, { labels: { 'argocd.argoproj.io/instance': 7 } }, { annotations: 'x' }] as JsonObject[])
    assert.equal(gitopsOrigin(widget(metadata)), undefined);
});

test('the revision an applier was at', () => {
  const flux = 'kustomize.toolkit.fluxcd.io/v1';
  assert.equal(
    appliedRevision(applier(flux, { lastAppliedRevision: 'main@sha1:a', lastAttemptedRevision: 'main@sha1:b' })),
    'main@sha1:b',
  );
  assert.equal(appliedRevision(applier(flux, { lastAppliedRevision: 'main@sha1:a' })), 'main@sha1:a');
  const argo = 'argoproj.io/v1alpha1';
  assert.equal(appliedRevision(applier(argo, { sync: { revision: 'abc' } })), 'abc');
  assert.equal(
    appliedRevision(applier(argo, { sync: { revision: 'abc' }, operationState: { syncResult: { revision: 'def' } } })),
    'def',
  );
  assert.equal(appliedRevision(applier(argo, {})), undefined);
});

test('whether the tool itself wrote', () => {
  const by = (name: string, fieldManager?: string) => ({
    name,
    source: 'audit' as const,
    confidence: 1,
    ...(fieldManager === undefined ? {} : { fieldManager }),
  });
  assert.ok(isWrittenBy('flux', by('system:serviceaccount:flux-system:kustomize-controller')));
  assert.ok(isWrittenBy('argocd', by('argocd-controller')));
  assert.ok(isWrittenBy('helm', by('jo@example.com', 'helm')));
  assert.ok(!isWrittenBy('flux', by('jo@example.com', 'kubectl-edit')));
});
