import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffValues } from '../../../src/domain/diff/field-diff.ts';
import type { Json } from '../../../src/domain/json.ts';
import { readKindSchema } from '../../../src/domain/kind-schema.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { attribute, attributeFirst } from '../../../src/domain/who/attribution.ts';

function kafka(managedFields: Json[], spec: Json = { replicas: 3 }): KubeObject {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    metadata: { name: 'orders', uid: 'u1', resourceVersion: '7', managedFields },
    spec,
  };
}
const entry = (manager: string, time: string, fieldsV1: Json, subresource?: string): Json => ({
  manager,
  operation: 'Update',
  time,
  fieldsV1,
  ...(subresource === undefined ? {} : { subresource }),
});
const diff = diffValues({ spec: { replicas: 3 } }, { spec: { replicas: 4 } });

test('a stated actor of a recorded stream is taken as it is', () => {
  const { actor } = attribute(kafka([]), diff, 'user:alice', false);
  assert.deepEqual(actor, { name: 'user:alice', source: 'stream', confidence: 1 });
});

test('the newest manager that owns the changed path is the likeliest, with less than certainty', () => {
  const object = kafka([
    entry('kubectl-edit', '2026-01-02T10:00:00Z', { 'f:spec': { 'f:replicas': {} } }),
    entry('flux', '2026-01-01T10:00:00Z', { 'f:spec': { 'f:version': {} } }),
  ]);
  const { actor } = attribute(object, diff, undefined, false);
  assert.equal(actor.name, 'kubectl-edit');
  assert.equal(actor.source, 'managedFields');
  assert.equal(actor.confidence, 0.7);
});

test('of two managers in the same second the one that owns the path comes first, both are kept', () => {
  const time = '2026-01-02T10:00:00Z';
  const object = kafka([
    entry('operator', time, { 'f:status': { 'f:ready': {} } }, 'status'),
    entry('alice', time, { 'f:spec': { 'f:replicas': {} } }),
  ]);
  const { actor, candidates } = attribute(object, diff, undefined, false);
  assert.equal(actor.name, 'alice');
  assert.deepEqual(candidates.map((candidate) => candidate.name).sort(), ['alice', 'operator']);
  assert.ok(candidates[0]!.confidence > candidates[1]!.confidence);
});

test('list items by merge key and atomic lists are looked through', () => {
  const keyed = entry('a', '2026-01-02T10:00:00Z', { 'f:spec': { 'f:listeners': { 'k:{"name":"tls"}': { 'f:port': {} } } } });
  const before = { spec: { listeners: [{ name: 'tls', port: 1 }] } };
  const after = { spec: { listeners: [{ name: 'tls', port: 2 }] } };
  assert.equal(attribute(kafka([keyed]), diffValues(before, after), undefined, false).actor.confidence, 0.7);
  const atomic = entry('a', '2026-01-02T10:00:00Z', { 'f:spec': { 'f:listeners': {} } });
  assert.equal(attribute(kafka([atomic]), diffValues(before, after), undefined, false).actor.confidence, 0.7);
  const foreign = entry('a', '2026-01-02T10:00:00Z', { 'f:spec': { 'f:other': {} } });
  assert.equal(attribute(kafka([foreign]), diffValues(before, after), undefined, false).actor.confidence, 0.5);
});

test('a deletion and an object without managedFields name nobody', () => {
  const object = kafka([entry('alice', '2026-01-02T10:00:00Z', { 'f:spec': {} })]);
  assert.equal(attribute(object, [], undefined, true).actor.name, 'unknown');
  assert.equal(attribute(kafka([]), diff, undefined, false).actor.confidence, 0);
  assert.equal(
    attribute(kafka([{ manager: 'x', time: 'yesterday' }, 'junk', null]), diff, undefined, false).actor.name,
    'unknown',
  );
});

test('a write through the scale subresource, whose entry has no time, is found where it owns what changed', () => {
  const scaled: Json = {
    manager: 'autoscaler',
    operation: 'Update',
    subresource: 'scale',
    fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  };
  const status = entry('operator', '2026-01-02T10:00:00Z', { 'f:status': { 'f:ready': {} } }, 'status');
  const { actor, candidates } = attribute(kafka([scaled, status]), diff, undefined, false);
  assert.equal(actor.name, 'autoscaler');
  assert.deepEqual(
    candidates.map(({ name, confidence }) => [name, confidence]),
    [
      ['autoscaler', 0.5],
      ['operator', 0.2],
    ],
  );
  const edit = entry('alice', '2026-01-02T10:00:05Z', { 'f:spec': { 'f:replicas': {} } });
  assert.equal(attribute(kafka([scaled, status, edit]), diff, undefined, false).actor.name, 'alice');
  assert.equal(attribute(kafka([scaled]), diff, undefined, false).actor.name, 'unknown', 'of when it is nobody can say');
});

test('an item by several keys, or by a number, is the one that managedFields name, in whatever order', () => {
  const ports = { 'x-kubernetes-list-map-keys': ['protocol', 'containerPort'], items: {} };
  const numbers = { 'x-kubernetes-list-map-keys': ['id'], items: {} };
  const { mergeKeys: lists } = readKindSchema({ properties: { spec: { properties: { ports, numbers } } } });
  const state = (hostPort: number): KubeObject =>
    kafka([], {
      ports: [
        { name: 'dns', containerPort: 53, protocol: 'TCP', hostPort },
        { name: 'dns-udp', containerPort: 53, protocol: 'UDP', hostPort: 1 },
      ],
      numbers: [{ id: 7, x: hostPort }],
    });
  const owner = (protocol: string) =>
    entry('a', '2026-01-02T10:00:00Z', {
      'f:spec': {
        'f:ports': { [`k:{"containerPort":53,"protocol":"${protocol}"}`]: { '.': {}, 'f:hostPort': {} } },
        'f:numbers': { 'k:{"id":7}': { 'f:x': {} } },
      },
    });
  const diff = diffValues(state(1), state(2), '', lists);
  assert.deepEqual(
    diff.map(({ path }) => path),
    ['/spec/ports/[protocol=TCP,containerPort=53]/hostPort', '/spec/numbers/[id=7]/x'],
  );
  assert.equal(attribute(kafka([owner('TCP')]), diff, undefined, false).actor.confidence, 0.7);
  assert.equal(
    attribute(kafka([owner('UDP')]), diff, undefined, false).actor.confidence,
    0.6,
    'one of the two is of another item',
  );
  const first = (protocol: string) => attributeFirst(kafka([owner(protocol)]), state(1), undefined, lists).actor.confidence;
  assert.equal(first('TCP'), first('UDP'), 'either owns one field of the ports');
  assert.ok(first('TCP') > attributeFirst(kafka([owner('TCP')]), state(1), undefined).actor.confidence, 'by name none is found');
});

test('a key of an item that is no JSON is passed over', () => {
  const odd = entry('a', '2026-01-02T10:00:00Z', {
    'f:spec': { 'f:l': { 'k:{"name"': { 'f:x': {} }, 'k:{"name":"b","id":1}': { 'f:x': {} } } },
  });
  const diff = diffValues({ spec: { l: [{ name: 'b', x: 1 }] } }, { spec: { l: [{ name: 'b', x: 2 }] } });
  assert.equal(attribute(kafka([odd]), diff, undefined, false).actor.confidence, 0.7);
});
