import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffValues } from '../../../src/domain/diff/field-diff.ts';
import type { Json, JsonObject } from '../../../src/domain/json.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { isOwnWrite, OWN_ANNOTATION } from '../../../src/domain/who/own-writes.ts';

type Annotations = Record<string, string> | undefined;

function object(annotations: Annotations, replicas: number, managedFields?: Json[]): KubeObject {
  const metadata: JsonObject & KubeObject['metadata'] = { name: 'a', uid: 'u', resourceVersion: '1' };
  if (annotations !== undefined) metadata.annotations = annotations;
  if (managedFields !== undefined) metadata.managedFields = managedFields;
  return { apiVersion: 'example.org/v1', kind: 'Engine', metadata, spec: { replicas } };
}

function manager(name: string, ...keys: string[]): JsonObject {
  const annotations = Object.fromEntries(keys.map((key) => [`f:${key}`, {}]));
  return {
    manager: name,
    operation: 'Apply',
    time: '2026-01-05T00:00:00Z',
    fieldsV1: { 'f:metadata': { 'f:annotations': annotations } },
  };
}

const OURS = manager('crowsnest', OWN_ANNOTATION);
const OTHER = manager('kubectl-edit', 'team');

interface Case {
  name: string;
  before: [Annotations, number];
  after: [Annotations, number];
  managers: Json[] | undefined;
  own: boolean;
}

const CASES: Case[] = [
  { name: 'our first mark', before: [undefined, 3], after: [{ [OWN_ANNOTATION]: 'f1' }, 3], managers: [OURS], own: true },
  {
    name: 'our first mark where an empty map was',
    before: [{}, 3],
    after: [{ [OWN_ANNOTATION]: 'f1' }, 3],
    managers: [OURS],
    own: true,
  },
  {
    name: 'our next mark',
    before: [{ [OWN_ANNOTATION]: 'f1', team: 'x' }, 3],
    after: [{ [OWN_ANNOTATION]: 'f2', team: 'x' }, 3],
    managers: [OTHER, OURS],
    own: true,
  },
  {
    name: 'our mark together with an edit, as a relist shows it',
    before: [undefined, 3],
    after: [{ [OWN_ANNOTATION]: 'f1' }, 0],
    managers: [OURS],
    own: false,
  },
  {
    name: 'our mark together with another annotation',
    before: [undefined, 3],
    after: [{ [OWN_ANNOTATION]: 'f1', team: 'x' }, 3],
    managers: [OURS, OTHER],
    own: false,
  },
  {
    name: 'an edit in the second of our mark',
    before: [{ [OWN_ANNOTATION]: 'f1' }, 3],
    after: [{ [OWN_ANNOTATION]: 'f1' }, 0],
    managers: [OURS],
    own: false,
  },
  {
    name: 'our annotation written by someone else',
    before: [{ [OWN_ANNOTATION]: 'f1' }, 3],
    after: [{ [OWN_ANNOTATION]: 'lie' }, 3],
    managers: [manager('kubectl-annotate', OWN_ANNOTATION)],
    own: false,
  },
  {
    name: 'our annotation written by someone else while we own another',
    before: [undefined, 3],
    after: [{ [OWN_ANNOTATION]: 'lie' }, 3],
    managers: [manager('crowsnest', 'crowsnest.dev/other')],
    own: false,
  },
  { name: 'our annotation taken away', before: [{ [OWN_ANNOTATION]: 'f1' }, 3], after: [{}, 3], managers: [OTHER], own: false },
  {
    name: 'a change without managedFields',
    before: [undefined, 3],
    after: [{ [OWN_ANNOTATION]: 'f1' }, 3],
    managers: undefined,
    own: false,
  },
  { name: 'nothing at all', before: [undefined, 3], after: [undefined, 3], managers: [OURS], own: false },
];

for (const { name, before, after, managers, own } of CASES) {
  test(`${name} is ${own ? 'an own write' : 'not an own write'}`, () => {
    const diff = diffValues(object(...before), object(...after));
    assert.equal(isOwnWrite(object(...after, managers), diff), own);
  });
}

test('an annotation key that only begins like ours is not ours', () => {
  const after = object({ 'crowsnest.developer/x': '1' }, 3, [manager('crowsnest', 'crowsnest.developer/x')]);
  assert.equal(isOwnWrite(after, diffValues(object(undefined, 3), object({ 'crowsnest.developer/x': '1' }, 3))), false);
});

test('all of our canary is ours while nobody else has had a hand in it', () => {
  const lease = (managers: string[], name = 'crowsnest-canary'): KubeObject => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      uid: 'u',
      resourceVersion: '1',
      managedFields: managers.map((manager) => ({ manager, operation: 'Apply' })),
    },
    spec: { holderIdentity: 'crowsnest' },
  });
  const owns = (object: KubeObject) => isOwnWrite(object, diffValues({}, object));
  assert.equal(owns(lease(['crowsnest'])), true);
  assert.equal(owns(lease(['crowsnest', 'kubectl-edit'])), false);
  assert.equal(owns(lease([])), false);
  assert.equal(owns(lease(['crowsnest'], 'another-lease')), false);
});
