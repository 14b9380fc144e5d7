/** The manifests of deploy/ that do not depend on a cluster's kinds are held against the table that `crowsnest rbac` prints from. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { kindMatcher } from '../../src/collector/watch/kind-selector.ts';
import { LOW_VALUE_KINDS } from '../../src/collector/watch/low-value-kinds.ts';
import { leastRoles, type RbacSettings } from '../../src/kube/rbac-rules.ts';

const NOTHING: RbacSettings = { kinds: [], kubeEvents: false, metricsPages: false, writeEvents: false, annotate: [] };

interface RoleManifest {
  rules?: { apiGroups: string[]; resources: string[] }[];
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  rules?: object[];
}

/** Every rule in a manifest, as text, sorted. */
function rulesIn(file: string): string[] {
  const text = readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  return textOf(manifests.flatMap(({ rules = [] }) => rules));
}

/** What the table says beyond what it says whatever the settings. */
function rulesFor(settings: Partial<RbacSettings>): string[] {
  const of = (more: Partial<RbacSettings>) =>
    textOf(leastRoles({ ...NOTHING, ...more }).roles.flatMap(({ rules }) => rules.map(({ why, ...rule }) => rule)));
  const always = of({});
  return of(settings).filter((rule) => !always.includes(rule));
}

function textOf(rules: object[]): string[] {
  return rules.map((rule) => JSON.stringify(Object.entries(rule).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
}

describe('deploy/', () => {
  it('gives the reader what reading takes beside the kinds', () => {
    const all = leastRoles({ ...NOTHING, kubeEvents: true, metricsPages: true }).roles.flatMap(({ rules }) => rules);
    assert.deepEqual(rulesIn('reader.yaml'), textOf(all.map(({ why, ...rule }) => rule)));
  });

  it('gives what --allow event takes, and no more', () => {
    assert.deepEqual(rulesIn('allow-events/writer-events.yaml'), rulesFor({ writeEvents: true }));
  });

  it('gives what --allow canary takes, and no more', () => {
    assert.deepEqual(rulesIn('allow-canary/canary.yaml'), rulesFor({ canary: 'crowsnest' }));
  });

  it('gives what --allow admission-webhook takes, and no more', () => {
    assert.deepEqual(rulesIn('allow-admission/admission.yaml'), rulesFor({ admission: true }));
  });

  it('gives no right on kinds of low value', () => {
    const lowValue = LOW_VALUE_KINDS.map(({ pattern }) => kindMatcher(pattern));
    const text = readFileSync(new URL('../../deploy/reader-operators.yaml', import.meta.url), 'utf8');
    const rules = parseAllDocuments(text).flatMap((document) => (document.toJS() as RoleManifest | null)?.rules ?? []);
    const kinds = rules.flatMap(({ apiGroups, resources }) =>
      apiGroups.flatMap((group) => resources.map((plural) => ({ group, plural, kind: '' }))),
    );
    assert.ok(kinds.length > 200);
    assert.deepEqual(
      kinds.filter((kind) => lowValue.some((matches) => matches(kind))),
      [],
    );
  });
});
