import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import type { UserRule } from '../../../src/model/detectors/user-rules.ts';
import { createModel } from '../../../src/model/ensemble.ts';
import { MONDAY_MS, Stream } from '../stream.ts';

function firedBy(rule: UserRule): boolean {
  const model = createModel({ rules: [rule] });
  const stream = new Stream();
  model.observe(
    stream.change({ atMs: MONDAY_MS, actor: 'flux', spec: { replicas: 3, listeners: [{ name: 'plain', port: 9092 }] } }),
  );
  const change = stream.change({
    atMs: MONDAY_MS + 60_000,
    actor: 'alice',
    spec: { replicas: 0, listeners: [{ name: 'plain', port: 9094 }] },
  });
  return model.observe(change).some((judgement) => judgement.deterministic && judgement.detector === 'user-rule');
}

const CASES: [string, UserRule, boolean][] = [
  ['kind alone', { name: 'r', kind: 'Kafka' }, true],
  ['another kind', { name: 'r', kind: 'Route' }, false],
  ['another namespace', { name: 'r', kind: 'Kafka', namespace: 'prod' }, false],
  ['group', { name: 'r', group: 'kafka.example', kind: 'Kafka' }, true],
  ['exact path', { name: 'r', path: '/spec/replicas' }, true],
  ['path with value', { name: 'r', path: '/spec/replicas', value: '^0$' }, true],
  ['path with another value', { name: 'r', path: '/spec/replicas', value: '^5$' }, false],
  ['generic path of a list item', { name: 'r', path: '/spec/listeners/[*]/port' }, true],
  ['everything below', { name: 'r', path: '/spec/*' }, true],
  ['a prefix is no match without the star', { name: 'r', path: '/spec' }, false],
  ['operation on a field', { name: 'r', path: '/spec/replicas', op: 'set' }, true],
  ['another operation on a field', { name: 'r', path: '/spec/replicas', op: 'remove' }, false],
  ['operation on the object', { name: 'r', kind: 'Kafka', op: 'deleted' }, false],
];

for (const [what, rule, expected] of CASES) {
  test(`a rule by ${what} ${expected ? 'fires' : 'stays silent'}`, () => assert.equal(firedBy(rule), expected));
}

const BAD: [string, unknown, RegExp][] = [
  ['an unknown key', { name: 'r', kinds: 'Kafka' }, /unknown key "kinds"/],
  ['no name', { kind: 'Kafka' }, /no name/],
  ['a bad expression', { name: 'r', value: '(' }, /not a regular expression/],
  ['a bad severity', { name: 'r', kind: 'Kafka', severity: 'dire' }, /unknown severity/],
  ['a bad op', { name: 'r', kind: 'Kafka', op: 'touched' }, /unknown op/],
  ['a relative path', { name: 'r', path: 'spec/replicas' }, /does not start with/],
  ['nothing to match', { name: 'r' }, /matches every change/],
  ['something else', 'rule', /not an object/],
];

for (const [what, rule, message] of BAD) {
  test(`a rule with ${what} is refused`, () => {
    assert.throws(
      () => createModel({ rules: [rule as UserRule] }),
      (error) => isCrowsnestError(error, 'RULE_INVALID') && message.test(error.message),
    );
  });
}
