import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import { Leap } from '../../src/model/detectors/leap.ts';
import { compileRules } from '../../src/model/detectors/user-rules.ts';
import { type ChangeEvent, eventOf } from '../../src/model/features.ts';
import { numberOf, tokensOf } from '../../src/model/value-types.ts';
import { MONDAY_MS, ONLY, Stream } from './stream.ts';

const DIGEST = `@sha256:${'4f'.repeat(32)}`;
const OTHER = `@sha256:${'9b'.repeat(32)}`;

/** What is seen of a change from one spec to another. */
function changed(before: JsonObject, after: JsonObject): ChangeEvent {
  const stream = new Stream();
  stream.change({ atMs: MONDAY_MS, actor: 'user:ann', spec: before });
  return eventOf(stream.change({ atMs: MONDAY_MS + 1, actor: 'user:ann', spec: after }), { ...ONLY, known: true });
}

test('what says the same in other words is no field that changed', () => {
  const same: [Json, Json][] = [
    ['true', true],
    [3, '3'],
    ['60s', '1m'],
    ['120m0s', '2h'],
    ['1Gi', '1024Mi'],
  ];
  for (const [old, next] of same) {
    const label = `${JSON.stringify(old)} → ${JSON.stringify(next)}`;
    assert.deepEqual(changed({ field: old }, { field: next }).fields, [], label);
    assert.deepEqual(changed({ list: [{ field: old }] }, { list: [{ field: next }] }).fields, [], `in a list, ${label}`);
  }
});

test('what says something else is a field that changed', () => {
  const other: [Json, Json][] = [
    ['true', false],
    ['60s', '61s'],
    ['1h30m', '1h31m'],
    [null, false],
    ['', 0],
    ['', null],
    [null, {}],
    ['1.1', '1.10'],
    [1.1, '1.10'],
    // To a template these texts are true.
    [false, 'false'],
    ['false', false],
    [0, '0'],
    ['1m', '60'],
    [1024, '1Ki'],
    ['2', '2.0'],
    ['1.10', '1.1.0'],
    [`17${DIGEST}`, `17${OTHER}`],
    [`17${DIGEST}`, 17],
  ];
  for (const [old, next] of other) {
    assert.notEqual(
      changed({ field: old }, { field: next }).fields.length,
      0,
      `${JSON.stringify(old)} → ${JSON.stringify(next)}`,
    );
  }
});

test('a duration in several parts is a number of seconds, and a pinned number the number', () => {
  assert.equal(numberOf('007', '/spec/tag'), 7);
  assert.equal(numberOf('999999999999999', '/spec/tag'), 999_999_999_999_999);
  assert.equal(numberOf('9999999999999999', '/spec/tag'), undefined);
  assert.equal(numberOf('1h30m', '/spec/interval'), 5_400);
  assert.equal(numberOf('120m0s', '/spec/interval'), 7_200);
  assert.equal(numberOf(`17${DIGEST}`, '/spec/tag'), 17);
  assert.equal(numberOf(`v17${DIGEST}`, '/spec/tag'), undefined);
  assert.equal(numberOf(`1${'0'.repeat(40)}${DIGEST}`, '/spec/tag'), undefined);
});

test('the next number is a step, pinned or not, and of the type that a first number has', () => {
  const [pinned, plain] = [tokensOf(`17${DIGEST}`, `18${OTHER}`, '/spec/tag'), tokensOf('17', '18', '/spec/tag')];
  assert.deepEqual(pinned, plain);
  assert.equal(plain.at(-1), tokensOf(undefined, '17', '/spec/tag').at(-1));
});

/** How far the version of `after` is said to have leapt. */
function leapTo(before: JsonObject, after: JsonObject): number {
  const event = changed(before, after);
  return new Leap().score(event)?.surprise ?? 0;
}

test('an older version is a leap, the version of another thing is none', () => {
  const chart = (name: string, version: string, from = 'stable') => ({ chart: { name, version, source: { repo: from } } });
  assert.ok(leapTo(chart('redis', '13.4.2'), chart('redis', '1.2.1')) > 1);
  assert.equal(leapTo(chart('redis', '13.4.2'), chart('valkey', '1.2.1')), 0);
  assert.equal(leapTo(chart('redis', '13.4.2'), chart('redis', '1.2.1', 'mirror')), 0);
  const image = (repository: string, tag: string) => ({ image: `${repository}:${tag}` });
  assert.ok(leapTo(image('acme/web', '3.3.0'), image('acme/web', '0.1.0')) > 1);
  assert.equal(leapTo(image('acme/web', '3.3.0'), image('acme/next', '0.1.0')), 0);
});

test('what moved elsewhere in the object makes an older version no smaller leap', () => {
  const spec = (name: string, version: string) => ({ owner: name, chart: { name: 'redis', version } });
  assert.ok(leapTo(spec('ann', '13.4.2'), spec('bob', '1.2.1')) > 1);
});

test('what moved beside a version hides no step back unless it says of what it is the version', () => {
  const spec = (slot: string, version: string) => ({ version, slot, log: { level: slot } });
  assert.ok(leapTo(spec('blue', '8.9.5'), spec('green', '5.7.1')) > 1);
});

test("a user's rule hears of what was written otherwise too", () => {
  const [rule] = compileRules([{ name: 'auth', path: '/spec/enabled', op: 'set', severity: 'critical' }]);
  assert.notEqual(rule?.matches(changed({ enabled: 'true' }, { enabled: true })), undefined);
  assert.equal(rule?.matches(changed({ other: 1 }, { other: 2 })), undefined);
});
