import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import { toldAt } from '../../src/domain/schema-tree.ts';

const text = { type: 'string' };
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });
const reference = object({ name: text, key: text });

const schema = object({
  spec: object({
    opaque: { type: 'string', format: 'password' },
    once: { type: 'string', writeOnly: true },
    hinted: { type: 'string', 'x-kubernetes-sensitive': true },
    described: { type: 'string', 'x-descriptors': ['urn:alm:descriptor:com.tectonic.ui:password'] },
    plain: text,
    users: { type: 'array', items: object({ name: text, word: { type: 'string', format: 'password' } }) },
    byName: { type: 'object', additionalProperties: { type: 'string', format: 'password' } },
    bearer: text,
    bearerSecretRef: reference,
    username: text,
    usernameSecretRef: reference,
    header: object({ value: text, secretKeyRef: reference }),
    setting: object({ value: text, valueFrom: object({ secretKeyRef: reference, configMapKeyRef: reference }) }),
    env: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: object({ name: text, value: text, valueFrom: object({ secretKeyRef: reference }) }),
    },
    ports: { type: 'array', 'x-kubernetes-list-map-keys': ['containerPort', 'protocol'], items: object({ containerPort: text }) },
  }),
});
const { secrets, mergeKeys } = readKindSchema(schema);

for (const path of [
  ...['opaque', 'once', 'hinted', 'described', 'users/[name=a]/word', 'byName/anything', 'bearer', 'header/value'],
])
  test(`takes ${path} for a secret`, () => assert.equal(toldAt(secrets, ['spec', ...path.split('/')]), true));

for (const path of [
  'plain',
  'users/[0]/name',
  'username',
  'bearerSecretRef/name',
  'setting/value',
  'env/[name=A]/value',
  'nowhere',
])
  test(`takes ${path} for none`, () => assert.equal(toldAt(secrets, ['spec', ...path.split('/')]), undefined));

test('tells the merge keys of lists', () => {
  assert.deepEqual(toldAt(mergeKeys, ['spec', 'env']), ['name']);
  assert.deepEqual(toldAt(mergeKeys, ['spec', 'ports']), ['containerPort', 'protocol']);
  assert.equal(toldAt(mergeKeys, ['spec', 'users']), undefined);
});

test('keeps nothing of a schema that says nothing', () => {
  assert.deepEqual(readKindSchema(object({ spec: object({ plain: text }) })), { secrets: undefined, mergeKeys: undefined });
});

test('follows references, also those beside a default, and ends where a schema contains itself', () => {
  const components: JsonObject = {
    Auth: object({ word: { type: 'string', format: 'password' }, next: { $ref: '#/components/schemas/Auth' } }),
  };
  const found = readKindSchema(
    object({
      a: { $ref: '#/components/schemas/Auth' },
      b: { allOf: [{ $ref: '#/components/schemas/Auth' }], default: {} },
      c: { $ref: '#/components/schemas/Nowhere' },
    }),
    components,
  );
  assert.equal(toldAt(found.secrets, ['a', 'word']), true);
  assert.equal(toldAt(found.secrets, ['b', 'word']), true);
  assert.equal(toldAt(found.secrets, ['a', 'next', 'word']), undefined);
});
