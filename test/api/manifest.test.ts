/** What the page and the API hand out for `kubectl apply`; the same under a real kubectl in test/e2e/manifest.real.ts. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parse } from 'yaml';
import { manifestOf } from '../../src/api/manifest.ts';
import { canonicalJson, type JsonObject, parseJson } from '../../src/domain/json.ts';
import { type KubeObject, refOf } from '../../src/domain/object-ref.ts';
import { TRAPS } from '../support/yaml-traps.ts';

const MASK = 'masked:0123456789abcdef';

function manifest(members: JsonObject, { metadataOnly = false, mayBeRounded = false } = {}) {
  const metadata = { name: 'orders', namespace: 'streaming', uid: 'u1', ...(members.metadata as JsonObject) };
  const state = { ...members, kind: 'Kafka', apiVersion: 'kafka.strimzi.io/v1', metadata } as unknown as KubeObject;
  return manifestOf(state, { ref: refOf('prod', state), seq: 812, metadataOnly, mayBeRounded });
}

it('keeps every value what it was, whichever YAML is read', () => {
  const { yaml, masked } = manifest({ spec: TRAPS });
  assert.deepEqual(masked, []);
  for (const version of ['1.1', '1.2'] as const)
    assert.deepEqual(parse(yaml, { version, logLevel: 'silent' }), {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'Kafka',
      metadata: { name: 'orders', namespace: 'streaming' },
      spec: TRAPS,
    });
  assert.match(yaml, /^(# .*\n)+apiVersion: .*\nkind: Kafka\nmetadata:/);
});

it('leaves out what the API server and controllers keep, and says so', () => {
  const lastApplied = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', team: 'a' };
  const metadata = { resourceVersion: '7', generation: 2, ownerReferences: [{ uid: 'gone' }], annotations: lastApplied };
  const { yaml, leftOut } = manifest({ metadata, status: { ready: true }, spec: { status: 'kept', uid: 'kept' } });
  assert.deepEqual(parse(yaml), {
    apiVersion: 'kafka.strimzi.io/v1',
    kind: 'Kafka',
    metadata: { name: 'orders', namespace: 'streaming', annotations: { team: 'a' } },
    spec: { status: 'kept', uid: 'kept' },
  });
  assert.deepEqual(leftOut, [
    '/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration',
    ...['generation', 'ownerReferences', 'resourceVersion', 'uid'].map((key) => `/metadata/${key}`),
    '/status',
  ]);
  assert.match(yaml, /# Left out: .*\/metadata\/ownerReferences.* \/status\n/);
});

it('holds no mask, and cannot be read before each secret is put in', () => {
  const spec = { password: MASK, url: `postgres://app:${MASK}@db`, keys: ['a', MASK], text: `two\nlines ${MASK}\n`, plain: 'x' };
  const { yaml, masked } = manifest({ spec });
  assert.deepEqual(masked, ['/spec/keys/1', '/spec/password', '/spec/text', '/spec/url']);
  assert.doesNotMatch(yaml, /masked:/);
  assert.match(yaml, /^# 4 masked/m);
  for (let left = masked.length, text = yaml; left >= 0; left--, text = text.replace(/ @MASKED$/m, ' secret'))
    if (left > 0) assert.throws(() => parse(text), /@/, `${left} left`);
    else assert.deepEqual((parse(text) as { spec: JsonObject }).spec.keys, ['a', 'secret']);
});

it('has whole numbers digit by digit', () => {
  const text =
    '{"retention":9223372036854775807,"least":-9223372036854775808,"list":[18446744073709551615],"round":1000000000000000000}';
  const spec = parseJson(text) as JsonObject;
  const { yaml, rounded } = manifest({ spec });
  assert.deepEqual(rounded, []);
  for (const version of ['1.1', '1.2'] as const) {
    const read = parse(yaml, { version, intAsBigInt: true }) as { spec: JsonObject };
    assert.equal(canonicalJson(read.spec), canonicalJson(spec));
  }
});

it('cannot be read while a whole number may not be what it was', () => {
  const spec = {
    retention: JSON.parse('9223372036854775807') as number,
    least: -(2 ** 53),
    most: 2 ** 53 - 1,
    share: 1.5,
    far: 1e300,
  };
  const { yaml, rounded } = manifest({ spec: { ...spec, list: [2 ** 60] } }, { mayBeRounded: true });
  assert.deepEqual(rounded, ['/spec/least', '/spec/list/0', '/spec/retention']);
  assert.match(yaml, /^# 3 beyond 2\^53/m);
  for (const version of ['1.1', '1.2'] as const) assert.throws(() => parse(yaml, { version }), /@/);
  const put = yaml.replace('@ROUNDED 9223372036854776000', '9223372036854775807').replaceAll('@ROUNDED ', '');
  assert.match(put, /retention: 9223372036854775807\n/);
  assert.deepEqual((parse(put) as { spec: JsonObject }).spec, { ...spec, list: [2 ** 60] });
});

it('cannot be read where only the metadata was recorded', () => {
  const { yaml } = manifest({ metadata: { labels: { a: 'b' } } }, { metadataOnly: true });
  assert.throws(() => parse(yaml), /@/);
  assert.match(yaml, /# Only the metadata of this kind is recorded/);
});

it('lets no name end the comment it stands in', () => {
  const { yaml } = manifest({ metadata: { name: 'x\u2028spec:\u0085evil: true\nspec: 1' } });
  assert.deepEqual(Object.keys(parse(yaml) as object), ['apiVersion', 'kind', 'metadata']);
  assert.ok(yaml.split('\n')[0]?.startsWith('# Kafka streaming/x?spec:?evil: true'));
  assert.doesNotMatch(yaml, /[\u2028\u0085]/);
});

it('puts in no mask for the name of a member either, and keeps two of them apart', () => {
  const { yaml, masked } = manifest({
    spec: { tokens: { [MASK]: { user: 'ann' }, 'masked:fedcba9876543210': { user: 'ben' } } },
  });
  assert.deepEqual(masked, [`/spec/tokens/${MASK}`, '/spec/tokens/masked:fedcba9876543210']);
  assert.ok(!yaml.includes('masked:'), yaml);
  assert.equal(yaml.match(/^ +@MASKED:/gm)?.length, 2, yaml);
  for (const version of ['1.1', '1.2'] as const) assert.throws(() => parse(yaml, { version }), /reserved character @/);
});
