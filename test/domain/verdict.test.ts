import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, Reason } from '../../src/domain/finding.ts';
import { opinionOn, scopesOf, type Verdict, type VerdictScope } from '../../src/domain/verdict.ts';

const ATMS = Date.parse('2026-03-02T10:00:00Z');
const reason = (detector: string, bits: number, path?: string): Reason => ({
  ...{ detector, bits, sentence: '' },
  ...(path === undefined ? {} : { path }),
});

function finding(more: Partial<Finding> = {}): Finding {
  return {
    ...{ id: 'f', cluster: 'prod', tsMs: ATMS, score: 3.5, onceIn: 3162, detector: 'new-value', summary: '', episode: 'e' },
    subject: {
      ...{ type: 'change', seq: 7, resourceVersion: '7', changeType: 'MODIFIED', uid: 'u' },
      ref: { cluster: 'prod', group: 'g', version: 'v1', kind: 'Kafka', namespace: 'streaming', name: 'orders' },
    },
    actor: { name: 'user:ann', source: 'managedFields', confidence: 0.9 },
    reasons: [reason('new-value', 4, '/spec/users/[name=app]/quota')],
    ...{ mature: true, deterministic: false, severity: 'warning', decision: { verdict: 'page', why: '' } },
    ...more,
  };
}

function verdict(scope: Partial<VerdictScope>, more: Partial<Verdict> = {}): Verdict {
  return {
    ...{ id: 'v', findingId: 'f', verdict: 'expected', by: 'ann', givenMs: ATMS, expiresMs: ATMS + 1 },
    ...{ scope: { cluster: 'prod', ...scope }, place: { seq: 0, position: 0 } },
    ...more,
  };
}

const shiftOf = (of: Finding, ...verdicts: Verdict[]) => {
  const opinion = opinionOn(of, verdicts);
  return opinion === undefined ? undefined : Number(opinion.shift.toFixed(3));
};

test('what is expected weighs a hundredth, in its scope alone', () => {
  const cases: [Partial<VerdictScope>, number | undefined][] = [
    [{}, -2],
    [{ detector: 'new-value', group: 'g', kind: 'Kafka', namespace: 'streaming', name: 'orders' }, -2],
    [{ actor: 'user:ann' }, -2],
    [{ path: '/spec/users/[*]/quota' }, -2],
    [{ cluster: 'other' }, undefined],
    [{ detector: 'burst' }, undefined],
    [{ kind: 'KafkaTopic' }, undefined],
    [{ namespace: 'elsewhere' }, undefined],
    [{ name: 'billing' }, undefined],
    [{ actor: 'user:bob' }, undefined],
    [{ path: '/spec/users/[*]/name' }, undefined],
  ];
  for (const [scope, expected] of cases) assert.equal(shiftOf(finding(), verdict(scope)), expected, JSON.stringify(scope));
});

test('a second reason that nobody spoke of keeps its weight', () => {
  const two = finding({ reasons: [reason('new-value', 4, '/spec/a'), reason('hour-of-week', 3.5)] });
  assert.equal(shiftOf(two, verdict({ detector: 'new-value' })), -0.606);
  assert.equal(shiftOf(two, verdict({ detector: 'hour-of-week' })), -0.118);
  assert.equal(shiftOf(two, verdict({ detector: 'new-value' }), verdict({ detector: 'hour-of-week' })), -2);
});

test('many verdicts on one reason are one, and wrong outweighs expected in either order', () => {
  const expected = verdict({});
  const wrong = verdict({}, { verdict: 'wrong', id: 'w' });
  assert.equal(shiftOf(finding(), expected, verdict({ kind: 'Kafka' }, { id: 'second' })), -2);
  assert.equal(shiftOf(finding(), expected, wrong), 1);
  assert.equal(shiftOf(finding(), wrong, expected), 1);
});

test('it expires in event time', () => {
  assert.equal(shiftOf(finding({ tsMs: ATMS + 1 }), verdict({})), undefined);
});

test('critical facts, rules of the user and what comes once in a million are never muted; lesser facts are', () => {
  const fact = { deterministic: true, detector: 'fact', reasons: [reason('fact', 0)] };
  assert.equal(opinionOn(finding({ ...fact, severity: 'critical' }), [verdict({})]), undefined);
  assert.equal(opinionOn(finding({ ...fact, severity: 'warning' }), [verdict({})])?.liftsFact, true);
  assert.equal(opinionOn(finding({ deterministic: true, reasons: [reason('user-rule', 3)] }), [verdict({})]), undefined);
  assert.equal(opinionOn(finding({ score: 6 }), [verdict({})]), undefined);
  // A fact beside what was called expected stays one.
  const beside = finding({ deterministic: true, reasons: [reason('new-value', 4), reason('fact', 0)] });
  assert.equal(opinionOn(beside, [verdict({ detector: 'new-value' })])?.liftsFact, false);
});

test('scopes follow from the finding: none is offered that it has nothing for', () => {
  assert.deepEqual(scopesOf(finding()).object, {
    ...{ cluster: 'prod', detector: 'new-value', kind: 'Kafka', group: 'g', namespace: 'streaming', name: 'orders' },
  });
  assert.deepEqual(scopesOf(finding()).path, {
    ...{ cluster: 'prod', detector: 'new-value', kind: 'Kafka', group: 'g', path: '/spec/users/[*]/quota' },
  });
  const nobody = finding({ actor: { name: 'unknown', source: 'none', confidence: 0 }, reasons: [reason('silence', 3)] });
  assert.deepEqual(Object.keys(scopesOf(nobody)), ['object', 'namespace', 'kind']);
});
