import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { createPolicy, type PolicyOptions } from '../../src/respond/policy.ts';
import { DAY_MS, HOUR_MS, type JudgementFields, judgement, MINUTE_MS, refFor } from './judgements.ts';

interface Case {
  name: string;
  options?: PolicyOptions;
  /** Judgements with the verdict and the reason each must get. */
  steps: [JudgementFields, 'page' | 'record', RegExp][];
}

const RULE = { detector: 'user-rule', deterministic: true };

const CASES: Case[] = [
  {
    name: 'pages at the first event that is strong enough',
    steps: [[{ score: 5 }, 'page', /^over the alert level$/]],
  },
  {
    name: 'records what is below the floor level',
    steps: [[{ score: 2.4 }, 'record', /^below the alert level of 2\.5$/]],
  },
  {
    name: 'never pages on immature habits',
    steps: [
      [{ score: 12, mature: false }, 'record', /^still learning$/],
      [{ score: 1, mature: false, name: 'b' }, 'record', /^still learning$/],
    ],
  },
  {
    name: 'pages a deterministic fact from the first minute, whatever its score',
    steps: [[{ score: 0.5, mature: false, deterministic: true }, 'page', /^deterministic fact or rule$/]],
  },
  {
    name: 'a burst of one object is one episode, however long it lasts',
    steps: [
      [{ atMs: 0 }, 'page', /level/],
      [{ atMs: 30 * MINUTE_MS }, 'record', /^joined to an open episode$/],
      [{ atMs: 85 * MINUTE_MS }, 'record', /joined/],
      [{ atMs: 140 * MINUTE_MS }, 'record', /joined/],
    ],
  },
  {
    name: 'the same object after an hour of quiet is a new episode',
    steps: [
      [{ atMs: 0 }, 'page', /level/],
      [{ atMs: 61 * MINUTE_MS }, 'page', /level/],
    ],
  },
  {
    name: 'a number that drifts is one episode for as long as three days pass between two steps',
    steps: [
      [{ atMs: 0, detector: 'drift', score: 3 }, 'page', /level/],
      [{ atMs: 26 * HOUR_MS, detector: 'drift', score: 4 }, 'record', /joined/],
      [{ atMs: 4 * DAY_MS, detector: 'drift', score: 5 }, 'record', /joined/],
      [{ atMs: 6 * DAY_MS, detector: 'drift', score: 7 }, 'page', /escalation/],
      [{ atMs: 10 * DAY_MS, detector: 'drift', score: 5 }, 'page', /level/],
    ],
  },
  {
    name: 'an episode of drift does not hold what else happens to the object, nor another that drifts',
    options: { pagesPerWeek: 30 },
    steps: [
      [{ atMs: 0, detector: 'drift' }, 'page', /level/],
      [{ atMs: 20 * MINUTE_MS }, 'page', /level/],
      [{ atMs: 2 * HOUR_MS }, 'page', /level/],
      [{ atMs: 3 * HOUR_MS, detector: 'drift', name: 'payments' }, 'page', /level/],
      [{ atMs: 9 * HOUR_MS }, 'page', /level/],
    ],
  },
  {
    name: 'what else its actor does joins no drift, and a drift nothing else',
    options: { pagesPerWeek: 30 },
    steps: [
      [{ atMs: 0, detector: 'drift', actor: 'bot:a' }, 'page', /level/],
      [{ atMs: 5 * MINUTE_MS, name: 'payments', actor: 'bot:a' }, 'page', /level/],
      [{ atMs: 26 * HOUR_MS, name: 'payments', actor: 'user:eve' }, 'page', /level/],
      [{ atMs: 26 * HOUR_MS + 1, detector: 'drift', name: 'cache', actor: 'user:eve' }, 'page', /level/],
      [{ atMs: 26 * HOUR_MS + 2, detector: 'drift', name: 'other', actor: 'user:eve' }, 'record', /joined/],
      [{ atMs: 50 * HOUR_MS, detector: 'drift', name: 'cache', actor: 'user:eve' }, 'record', /joined/],
    ],
  },
  {
    name: 'one actor within ten minutes is one episode over many objects',
    steps: [
      [{ atMs: 0, name: 'a', actor: 'user:ann' }, 'page', /level/],
      [{ atMs: 9 * MINUTE_MS, name: 'b', actor: 'user:ann' }, 'record', /joined/],
      [{ atMs: 18 * MINUTE_MS, name: 'c', actor: 'user:ann' }, 'record', /joined/],
      [{ atMs: 29 * MINUTE_MS, name: 'd', actor: 'user:ann' }, 'page', /level/],
    ],
  },
  {
    name: 'an actor who never rests does not chain beyond an hour',
    steps: [
      ...[0, 9, 18, 27, 36, 45, 54].map((minute): Case['steps'][number] => [
        { atMs: minute * MINUTE_MS, name: `o${minute}`, actor: 'user:ann' },
        minute === 0 ? 'page' : 'record',
        /level|joined/,
      ]),
      [{ atMs: 63 * MINUTE_MS, name: 'o63', actor: 'user:ann' }, 'page', /level/],
    ],
  },
  {
    name: 'unknown is nobody: two objects by unknown are two episodes',
    steps: [
      [{ atMs: 0, name: 'a' }, 'page', /level/],
      [{ atMs: MINUTE_MS, name: 'b' }, 'page', /level/],
    ],
  },
  {
    name: 'a bot that puts the object back joins the episode, its other doings do not',
    steps: [
      [{ atMs: 0, name: 'a', actor: 'user:ann' }, 'page', /level/],
      [{ atMs: MINUTE_MS, name: 'a', actor: 'bot:flux' }, 'record', /joined/],
      [{ atMs: 2 * MINUTE_MS, name: 'b', actor: 'bot:flux' }, 'page', /level/],
    ],
  },
  {
    name: 'pages again only on escalation: three more in score, or severity rising to critical',
    options: { pagesPerWeek: 50 },
    steps: [
      [{ atMs: 0, score: 4 }, 'page', /level/],
      [{ atMs: 1, score: 6.9 }, 'record', /joined/],
      [{ atMs: 2, score: 7 }, 'page', /^escalation: over the alert level$/],
      [{ atMs: 3, score: 9.5 }, 'record', /joined/],
      [{ atMs: 4, score: 5, severity: 'critical' }, 'page', /^escalation/],
      [{ atMs: 5, score: 5, severity: 'critical' }, 'record', /joined/],
    ],
  },
  {
    name: "a user's rule pages whatever else goes on at the object, and once for what its actor does",
    options: { pagesPerWeek: 50 },
    steps: [
      [{ atMs: 0, name: 'a', actor: 'user:ann', score: 6 }, 'page', /level/],
      [{ atMs: 1, name: 'a', actor: 'user:ann', score: 3, ...RULE }, 'page', /^deterministic fact or rule$/],
      [{ atMs: 2, name: 'b', actor: 'user:ann', score: 3, ...RULE }, 'record', /joined/],
      [{ atMs: 3, name: 'a', actor: 'user:bob', score: 5 }, 'record', /joined/],
      [{ atMs: 4, name: 'b', actor: 'user:bob', score: 3, ...RULE }, 'record', /joined/],
      [{ atMs: 5, name: 'c', actor: 'user:ann', score: 5 }, 'record', /joined/],
      [{ atMs: 6, name: 'c', actor: 'user:bob', score: 3, ...RULE }, 'page', /^deterministic fact or rule$/],
    ],
  },
  {
    name: 'pages when a later member of an unpaged episode is strong enough',
    steps: [
      [{ atMs: 0, score: 2.4 }, 'record', /below/],
      [{ atMs: MINUTE_MS, score: 5 }, 'page', /level/],
    ],
  },
  {
    name: 'ordinary changes neither join nor prolong an episode',
    steps: [
      [{ atMs: 0 }, 'page', /level/],
      [{ atMs: 50 * MINUTE_MS, score: 1 }, 'record', /^not surprising$/],
      [{ atMs: 70 * MINUTE_MS }, 'page', /level/],
    ],
  },
  {
    name: 'holds when the weekly budget is spent, and pages again when its week is over',
    options: { pagesPerWeek: 2, stormPerHour: 99 },
    steps: [
      [{ atMs: 0, name: 'a', kind: 'A' }, 'page', /level/],
      [{ atMs: DAY_MS, name: 'b', kind: 'B' }, 'page', /level/],
      [{ atMs: 2 * DAY_MS, name: 'c', kind: 'C', score: 9 }, 'record', /^held: weekly budget of 2 pages spent$/],
      [{ atMs: 7 * DAY_MS, name: 'd', kind: 'D', score: 9 }, 'page', /level/],
    ],
  },
  {
    name: 'a budget below one page a week is one page in more than a week',
    options: { pagesPerWeek: 0.5 },
    steps: [
      [{ atMs: 0, name: 'a' }, 'page', /level/],
      [{ atMs: 13 * DAY_MS, name: 'b', score: 9 }, 'record', /weekly budget of 0\.5/],
      [{ atMs: 14 * DAY_MS, name: 'c', score: 9 }, 'page', /level/],
    ],
  },
  {
    name: 'one kind has at most a third of the budget',
    options: { pagesPerWeek: 6 },
    steps: [
      [{ atMs: 0, name: 'a' }, 'page', /level/],
      [{ atMs: 2 * HOUR_MS, name: 'b' }, 'page', /level/],
      [{ atMs: 4 * HOUR_MS, name: 'c', score: 9 }, 'record', /^held: kind Kafka\.kafka\.strimzi\.io has had its third/],
      [{ atMs: 6 * HOUR_MS, name: 'd', kind: 'Certificate' }, 'page', /level/],
    ],
  },
  {
    name: 'one actor has at most a third of the budget',
    options: { pagesPerWeek: 6 },
    steps: [
      [{ atMs: 0, kind: 'A', actor: 'user:ann' }, 'page', /level/],
      [{ atMs: 2 * HOUR_MS, kind: 'B', actor: 'user:ann' }, 'page', /level/],
      [{ atMs: 4 * HOUR_MS, kind: 'C', actor: 'user:ann', score: 9 }, 'record', /^held: actor user:ann has had its third/],
      [{ atMs: 6 * HOUR_MS, kind: 'D', actor: 'user:bob' }, 'page', /level/],
    ],
  },
  {
    name: 'a spent budget cannot hide critical facts',
    options: { pagesPerWeek: 1 },
    steps: [
      [{ atMs: 0, name: 'a' }, 'page', /level/],
      [{ atMs: 1, name: 'b', score: 9 }, 'record', /weekly budget/],
      [{ atMs: 2, name: 'c', deterministic: true, severity: 'critical' }, 'page', /^critical fact, paged from the reserve$/],
      [{ atMs: 3, name: 'd', deterministic: true }, 'record', /weekly budget/],
    ],
  },
  {
    name: 'more would-be pages than an hour should hold become one storm',
    options: { pagesPerWeek: 9, stormPerHour: 2 },
    steps: [
      [{ atMs: 0, name: 'a', kind: 'A' }, 'page', /level/],
      [{ atMs: 1, name: 'b', kind: 'B' }, 'page', /level/],
      [{ atMs: 2, name: 'c', kind: 'C' }, 'page', /^storm: more than 2 findings/],
      [{ atMs: 3, name: 'd', kind: 'D' }, 'record', /^folded into the storm alert, 2 findings so far$/],
      [{ atMs: 4, name: 'd', kind: 'D' }, 'record', /^joined/],
      [{ atMs: 5, name: 'e', kind: 'E', deterministic: true, severity: 'critical' }, 'page', /reserve/],
      [{ atMs: 2 * HOUR_MS, name: 'f', kind: 'F' }, 'page', /^over the alert level$/],
    ],
  },
  {
    name: 'a storm turns critical once when critical facts overflow their reserve into it',
    options: { pagesPerWeek: 9, stormPerHour: 1, criticalPerDay: 1 },
    steps: [
      [{ atMs: 0, name: 'a', kind: 'A' }, 'page', /level/],
      [{ atMs: 1, name: 'b', kind: 'B' }, 'page', /^storm/],
      [{ atMs: 2, name: 'c', kind: 'C', deterministic: true, severity: 'critical' }, 'page', /reserve/],
      [
        { atMs: 3, name: 'd', kind: 'D', deterministic: true, severity: 'critical' },
        'page',
        /now holds critical facts, 2 findings/,
      ],
      [{ atMs: 4, name: 'e', kind: 'E', deterministic: true, severity: 'critical' }, 'record', /folded .* 3 findings/],
    ],
  },
  {
    name: 'a held hot loop asks once: it neither raises the level nor makes a storm',
    options: { pagesPerWeek: 1 },
    steps: [
      [{ atMs: 0, name: 'a', kind: 'A' }, 'page', /level/],
      ...Array.from({ length: 20 }, (_, i): Case['steps'][number] => [
        { atMs: 1 + i, name: 'loop', score: 3.6 },
        'record',
        /weekly budget/,
      ]),
      [{ atMs: 30, name: 'c', kind: 'C', score: 3.6 }, 'record', /weekly budget/],
    ],
  },
  {
    name: 'clusters have a budget each',
    options: { pagesPerWeek: 1 },
    steps: [
      [{ cluster: 'east' }, 'page', /level/],
      [{ cluster: 'west' }, 'page', /level/],
      [{ cluster: 'west', name: 'b' }, 'record', /budget/],
    ],
  },
  {
    name: 'silences and series have episodes of their own kind',
    options: { pagesPerWeek: 30 },
    steps: [
      [
        { detector: 'silence', subject: { type: 'silence', ref: { cluster: 'prod', kind: 'Backup' }, actor: 'velero' } },
        'page',
        /level/,
      ],
      [
        { atMs: 5, detector: 'silence', subject: { type: 'silence', ref: { cluster: 'prod', kind: 'Backup' }, actor: 'velero' } },
        'record',
        /joined/,
      ],
      [{ atMs: 6, subject: { type: 'series', ref: refFor(), controller: 'kafka', metric: 'errors' } }, 'page', /level/],
      [{ atMs: 7, subject: { type: 'series', ref: refFor(), controller: 'kafka', metric: 'duration' } }, 'record', /joined/],
      [{ atMs: 8, subject: { type: 'series', ref: refFor(), controller: 'topic', metric: 'errors' } }, 'page', /level/],
    ],
  },
  {
    name: 'a clock set back neither frees nor freezes the budget',
    options: { pagesPerWeek: 1 },
    steps: [
      [{ atMs: 400 * DAY_MS, name: 'a' }, 'page', /level/],
      [{ atMs: 0, name: 'b' }, 'record', /budget/],
      [{ atMs: 7 * DAY_MS + 1, name: 'c' }, 'page', /level/],
    ],
  },
];

for (const { name, options = {}, steps } of CASES) {
  test(name, () => {
    const policy = createPolicy(options);
    steps.forEach(([fields, verdict, why], i) => {
      const { decision } = policy.decide(judgement(fields));
      assert.equal(decision.verdict, verdict, `step ${i}: ${decision.why}`);
      assert.match(decision.why, why, `step ${i}`);
    });
  });
}

test('findings of one episode share it, and a storm has its own', () => {
  const policy = createPolicy({ pagesPerWeek: 9, stormPerHour: 1 });
  const decide = (fields: JudgementFields): Finding => policy.decide(judgement(fields));
  const [a, again, b, c] = [
    decide({ name: 'a', kind: 'A' }),
    decide({ name: 'a', kind: 'A', atMs: 1 }),
    decide({ name: 'b', kind: 'B' }),
    decide({ name: 'c', kind: 'C' }),
  ];
  assert.equal(a.episode, again.episode);
  assert.notEqual(a.id, again.id);
  assert.match(b.episode, /^storm-/);
  assert.equal(c.episode, b.episode);
});

test('an id depends on the judgement alone: not on the run, nor on the position in the log', () => {
  const first = createPolicy({}).decide(judgement({}));
  const other = createPolicy({ pagesPerWeek: 1 });
  other.decide(judgement({ name: 'x' }));
  const again = judgement({});
  assert(again.subject.type === 'change');
  again.subject.seq = 77;
  assert.equal(other.decide(again).id, first.id);
  assert.match(first.id, /^[0-9a-f]{20}$/);
});

const SUMMARIES: [string, JudgementFields, RegExp][] = [
  ['an edit by someone', { actor: 'user:ann' }, /^user:ann changed Kafka streaming\/orders: spec\.replicas had never changed/],
  ['an edit by nobody known', {}, /^Kafka streaming\/orders was changed: /],
  [
    'a silence of a kind',
    { subject: { type: 'silence', ref: { cluster: 'prod', kind: 'Backup' }, actor: 'velero' } },
    /^No sign of a change of any Backup by velero: /,
  ],
  [
    'a silence of an object',
    { subject: { type: 'silence', ref: { cluster: 'prod', kind: 'Backup', namespace: 'ops', name: 'nightly' } } },
    /^The usual change of Backup ops\/nightly did not come: /,
  ],
  [
    'a series',
    { subject: { type: 'series', ref: refFor(), controller: 'kafka', metric: 'errors' } },
    /^The controller kafka behaves unlike/,
  ],
];

for (const [name, fields, pattern] of SUMMARIES) {
  test(`one sentence says what happened and why it is odd: ${name}`, () => {
    assert.match(createPolicy({}).decide(judgement(fields)).summary, pattern);
  });
}

test('a weak attribution is called probable', () => {
  const weak = { ...judgement({}), actor: { name: 'kubectl-edit', source: 'managedFields' as const, confidence: 0.4 } };
  assert.match(createPolicy({}).decide(weak).summary, /was changed, probably by kubectl-edit/);
});

test('saved state of a newer version and broken state are refused by name', () => {
  assert.throws(
    () => createPolicy({}, '{"version":9,"clusters":{}}'),
    (error) => isCrowsnestError(error, 'STORE_TOO_NEW'),
  );
  assert.throws(
    () => createPolicy({}, '{"version":1,'),
    (error) => isCrowsnestError(error, 'STORE_CORRUPT'),
  );
});
