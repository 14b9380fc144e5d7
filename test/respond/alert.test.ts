import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import { diffValues, leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { alertId, alertOf, alertsFor } from '../../src/respond/alert.ts';
import { cutText } from '../../src/respond/cut-text.ts';
import { familyOf } from '../../src/respond/finding-family.ts';
import { createPolicy } from '../../src/respond/policy.ts';
import { shortDiff } from '../../src/respond/short-diff.ts';
import { finding, judgement, refFor } from './judgements.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const HOLD_MS = 1_800_000;
const context = (atMs = 0) => ({ externalUrl: 'https://nest.test/', wallNowMs: NOW_MS + atMs, holdMs: HOLD_MS });

test('labels are the identity of the incident and nothing that moves', () => {
  const alert = alertOf(finding(), context());
  assert.deepEqual(alert.labels, {
    alertname: 'CrowsnestUnusualChange',
    severity: 'warning',
    detector: 'stable-field',
    cluster: 'prod',
    namespace: 'streaming',
    group: 'kafka.strimzi.io',
    kind: 'Kafka',
    name: 'orders',
    generator: 'crowsnest',
  });
  const moved = finding({ score: 9, actor: 'user:bob', atMs: 500, id: 'f2', uid: 'other', episode: 'e2' });
  assert.equal(alertOf(moved, context(99)).id, alert.id);
  assert.equal(alert.generatorURL, 'https://nest.test/#/findings/f1');
  assert(URL.canParse(alert.generatorURL));
  assert.deepEqual([alert.startsMs, alert.endsMs], [NOW_MS, NOW_MS + HOLD_MS]);
});

test('annotations carry what moves, and never more than a pager can take', () => {
  const { annotations } = alertOf(finding({ actor: 'user:ann' }), context());
  assert.equal(annotations.score, '5.0');
  assert.equal(annotations.actor, 'user:ann');
  assert.equal(annotations.actor_confidence, '1.00 (stream)');
  assert.equal(annotations.finding_id, 'f1');
  assert.equal(annotations.revision, '1000');
  assert.match(annotations.reasons!, /^stable-field \(5\.0\): spec\.replicas had never changed/);
  assert.match(annotations.description!, /Expected once in 100,000 changes\./);
  const long = finding({ summary: 'ü'.repeat(5_000), actor: 'x'.repeat(5_000) });
  long.reasons = Array.from({ length: 40 }, () => ({ detector: 'd', sentence: '语'.repeat(2_000), bits: 3 }));
  const bytes = Object.values(alertOf(long, context()).annotations).map((text) => Buffer.byteLength(text));
  assert(Math.max(...bytes) <= 2_000 && bytes.reduce((sum, size) => sum + size) < 6_000, String(bytes));
});

test('empty labels are dropped: a cluster-scoped object of the core group, a silence without a name', () => {
  const node = finding();
  assert(node.subject.type === 'change');
  node.subject.ref = { ...node.subject.ref, group: '', namespace: '' };
  assert.deepEqual(
    ['namespace', 'group'].filter((label) => label in alertOf(node, context()).labels),
    [],
  );
  const silence = finding({ detector: 'silence', subject: { type: 'silence', ref: { cluster: 'prod', kind: 'Backup' } } });
  const alert = alertOf(silence, context());
  assert.equal(alert.labels.alertname, 'CrowsnestMissingChange');
  assert(!('name' in alert.labels) && !('revision' in alert.annotations) && !('diff' in alert.annotations));
});

test('the id does not depend on the order of labels', () => {
  assert.equal(alertId({ a: '1', b: '2' }), alertId({ b: '2', a: '1' }));
  assert.notEqual(alertId({ a: '1', b: '2' }), alertId({ a: '12', b: '' }));
});

const FAMILIES: [Pick<Finding, 'subject' | 'detector'>, string][] = [
  [finding({ detector: 'actor-affinity' }), 'UnusualActor'],
  [finding({ detector: 'hour-of-week' }), 'UnusualTime'],
  [finding({ detector: 'mass-delete' }), 'ChangeBurst'],
  [finding({ detector: 'fact' }), 'RiskyChange'],
  [finding({ detector: 'rule' }), 'RuleMatch'],
  [finding({ detector: 'never-heard-of' }), 'UnusualChange'],
  [finding({ subject: { type: 'series', ref: refFor(), controller: 'kafka', metric: 'errors' } }), 'ReconcileTrouble'],
];

for (const [of, family] of FAMILIES) {
  test(`a finding by ${of.detector} about a ${of.subject.type} is called ${family}`, () => assert.equal(familyOf(of), family));
}

test('escalation resolves the old alert and opens the new one together', () => {
  const first = alertOf(finding(), context());
  const worse = finding({ severity: 'critical', score: 9, id: 'f2' });
  const [old, opened, ...rest] = alertsFor(worse, [first], context(5_000));
  assert.deepEqual(rest, []);
  assert.deepEqual([old!.id, old!.endsMs], [first.id, NOW_MS + 5_000]);
  assert.deepEqual([opened!.labels.severity, opened!.startsMs, opened!.findingId], ['critical', NOW_MS + 5_000, 'f2']);
});

test('escalation under the same labels is the same alert, with its first start', () => {
  const first = alertOf(finding({ score: 4 }), context());
  const alerts = alertsFor(finding({ score: 8, id: 'f2' }), [first], context(5_000));
  assert.equal(alerts.length, 1);
  assert.deepEqual([alerts[0]!.id, alerts[0]!.startsMs, alerts[0]!.endsMs], [first.id, NOW_MS, NOW_MS + 5_000 + HOLD_MS]);
});

test('a later member keeps the alert firing; a stronger one also speaks for it', () => {
  const record = { verdict: 'record' as const, why: 'joined to an open episode' };
  const first = alertOf(finding({ score: 5 }), context());
  const [weaker] = alertsFor(finding({ score: 4, id: 'f2', decision: record, summary: 'weaker' }), [first], context(60_000));
  assert.deepEqual([weaker!.id, weaker!.endsMs, weaker!.annotations.events], [first.id, NOW_MS + 60_000 + HOLD_MS, '2']);
  assert.equal(weaker!.annotations.summary, first.annotations.summary);
  const [stronger] = alertsFor(
    finding({ score: 7, id: 'f3', decision: record, detector: 'burst', summary: 'stronger' }),
    [weaker!],
    context(90_000),
  );
  assert.deepEqual(stronger!.labels, first.labels);
  assert.equal(stronger!.annotations.summary, 'stronger');
  assert.match(stronger!.annotations.reasons!, /^burst/);
  assert.equal(stronger!.annotations.finding_id, 'f1');
});

test('a record of another episode, or after the alert has resolved, changes no alert', () => {
  const record = { verdict: 'record' as const, why: '' };
  const first = alertOf(finding(), context());
  assert.deepEqual(alertsFor(finding({ episode: 'e2', decision: record }), [first], context()), []);
  assert.deepEqual(alertsFor(finding({ decision: record }), [first], context(HOLD_MS)), []);
});

test('a storm is one alert with a count and without an object', () => {
  const policy = createPolicy({ pagesPerWeek: 9, stormPerHour: 1 });
  let firing: ReturnType<typeof alertOf>[] = [];
  for (let i = 0; i < 12; i++) {
    const decided = policy.decide(judgement({ atMs: i, name: `o${i}`, kind: `K${i}` }));
    const changed = alertsFor(decided, firing, context(i));
    firing = [...firing.filter((alert) => !changed.some((other) => other.id === alert.id)), ...changed];
  }
  assert.deepEqual(firing.map((alert) => alert.labels.alertname).sort(), ['CrowsnestStorm', 'CrowsnestUnusualChange']);
  const storm = firing.find((alert) => alert.labels.alertname === 'CrowsnestStorm')!;
  assert.deepEqual(Object.keys(storm.labels).sort(), ['alertname', 'cluster', 'detector', 'generator', 'severity']);
  assert.equal(storm.annotations.events, '11');
  assert.match(storm.annotations.summary!, /11 further findings/);
});

test('the short diff puts flagged fields first, cuts values and says how many more there are', () => {
  const before = { spec: { replicas: 3, note: 'x', image: 'a', gone: true } };
  const after = { spec: { replicas: 30, note: 'y'.repeat(500), image: 'b', fresh: [1, 2] } };
  const text = shortDiff(diffValues(before, after), new Set(['/spec/image']));
  const lines = text.split('\n');
  assert.equal(lines[0], '~ /spec/image: a → b');
  assert(
    lines.includes('~ /spec/replicas: 3 → 30') && lines.includes('- /spec/gone: true') && lines.includes('+ /spec/fresh/[0]: 1'),
  );
  assert(lines.every((line) => line.length < 300));
  const many = shortDiff(
    leavesOf({ spec: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`field${i}`, i])) }),
    new Set(),
    500,
  );
  assert(Buffer.byteLength(many) <= 500);
  assert.match(many, /… and 1\d\d more$/);
});

test('the diff of a new object names only the odd fields', () => {
  const state = {
    apiVersion: 'v1',
    kind: 'Kafka',
    metadata: { name: 'a', uid: 'u', resourceVersion: '1' },
    spec: { replicas: 3, other: 1 },
  };
  const born = finding();
  assert(born.subject.type === 'change');
  born.subject.changeType = 'ADDED';
  const change = { diff: leavesOf(state) } as unknown as Change;
  assert.equal(alertOf(born, { ...context(), change }).annotations.diff, '+ /spec/replicas: 3');
});

for (const [text, bytesMax, expected] of [
  ['short', 10, 'short'],
  ['exactly ten', 11, 'exactly ten'],
  ['ääääää', 8, 'ää…'],
  ['a😀b', 5, 'a…'],
  ['lone \ud800 half', 40, 'lone \ufffd half'],
] as const) {
  test(`cuts ${JSON.stringify(text)} to ${bytesMax} bytes`, () => {
    assert.equal(cutText(text, bytesMax), expected);
    assert(Buffer.byteLength(cutText(text, bytesMax)) <= bytesMax);
  });
}
