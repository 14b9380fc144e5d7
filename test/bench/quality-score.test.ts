import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelledEvent, LabelledStream } from '../../bench/quality/labelled-stream.ts';
import {
  averagePrecision,
  costsAtOneThreshold,
  costsOf,
  type Found,
  pricesOf,
  recallAt,
  standingOf,
} from '../../bench/quality/score.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5);

/** A thousand changes two hours apart, each of its own object by one of seven people; the last two fifths are judged. */
function stream(labels: Record<number, { incident?: string; aftermath?: true }>): LabelledStream {
  const events = new Map<string, LabelledEvent>();
  for (let n = 0; n < 1_000; n++) {
    const { incident, aftermath = false } = labels[n] ?? {};
    events.set(`${n}`, { atMs: at(n), object: `o${n}`, actor: `user:${n % 7}`, incident, aftermath });
  }
  const cutMs = START_MS + 0.6 * (at(999) - START_MS);
  const ids = [...new Set(Object.values(labels).flatMap(({ incident }) => incident ?? []))];
  const silence = { id: 'silent', startMs: at(610), endMs: at(660), group: 'x.io', kind: 'X', actor: undefined };
  return {
    name: 'made',
    events,
    incidents: [...ids, 'silent'].map((id) => ({ id, class: id === 'silent' ? 'silence' : 'odd', startMs: 0 })),
    silences: [{ ...silence, objects: [{ namespace: 'a', name: 'o5' }] }],
    cutMs,
    endMs: at(999),
    ordinary: 396,
  };
}

function at(n: number): number {
  return START_MS + n * 2 * HOUR_MS;
}

const say = (n: number, score: number, more: Partial<Found> = {}): Found => ({
  resourceVersion: `${n}`,
  atMs: at(n),
  score,
  ...more,
});
const hush = (n: number, name: string): Found => ({
  atMs: at(n),
  score: 9,
  silence: { group: 'x.io', kind: 'X', namespace: 'a', name },
});

const LABELS = { 700: { incident: 'i1' }, 701: { incident: 'i1' }, 702: { aftermath: true as const }, 800: { incident: 'i2' } };
const shareFound = (found: Found[], budget = 2) => {
  const made = stream(LABELS);
  const costs = costsOf([{ stream: made, standing: standingOf(made, found) }]);
  return costs.filter((cost) => cost.per1000 <= budget).length / costs.length;
};

const cases: { name: string; found: Found[]; budget?: number; share: number }[] = [
  { name: 'all found, nothing else said', found: [say(700, 9), say(800, 9), hush(640, 'o5')], share: 1 },
  { name: 'nothing said', found: [], share: 0 },
  { name: 'aftermath is no false alarm', found: [say(702, 99), say(700, 9)], share: 1 / 3 },
  { name: 'aftermath is no hit', found: [say(702, 9)], share: 0 },
  { name: 'before the judged part nothing counts', found: [say(100, 99), say(700, 9)], share: 1 / 3 },
  { name: 'one false alarm in 396 is more than 2 in 1,000', found: [say(650, 9), say(700, 8)], share: 0 },
  { name: 'and less than 5', found: [say(650, 9), say(700, 8)], budget: 5, share: 1 / 3 },
  { name: 'of equal scores the false alarms come first', found: [say(650, 9), say(700, 9)], share: 0 },
  { name: 'two hours later is no detection', found: [say(700, 9, { atMs: at(701) })], share: 0 },
  { name: 'a silence outside its time is not found', found: [hush(661, 'o5')], share: 0 },
  { name: 'nor one of another object', found: [hush(640, 'o6')], share: 0 },
  {
    name: 'a false alarm by the same actor a minute off is the same alarm',
    found: [say(700, 9), say(693, 8, { atMs: at(700) + 60_000 }), say(800, 7)],
    share: 2 / 3,
  },
];
for (const { name, found, budget, share } of cases) {
  test(`scoring findings: ${name}`, () => assert.equal(shareFound(found, budget), share));
}

test('findings near a stronger one join its alarm, and only leaders are near', () => {
  const made = stream({});
  const near = (n: number, minutes: number) => say(n, 10 - minutes / 60, { atMs: at(n) + minutes * 60_000 });
  const standing = standingOf(made, [near(700, 0), near(700, 50), near(700, 100)]);
  assert.deepEqual(
    standing.map(({ alarm }) => alarm),
    [0, 0, 1],
  );
});

test('a finding on a change that is not in the stream is an error', () => {
  assert.throws(() => standingOf(stream({}), [say(5_000, 1)]), /5000, which is not in the stream/);
});

test('one threshold for two streams pools their false alarms', () => {
  const judged = [stream(LABELS), stream({})].map((made, i) => ({
    stream: made,
    standing: standingOf(made, i === 0 ? [say(700, 5)] : [say(650, 9), say(670, 8)]),
  }));
  const first = costsAtOneThreshold(judged).find(({ id }) => id === 'i1');
  assert.equal(first?.per1000, (2 * 1000) / (2 * 396));
  assert.equal(pricesOf(judged[0]?.standing ?? []).get('i1'), 0);
});

test('recall is taken by class, precision over all incidents', () => {
  const costs = [
    { id: 'a', class: 'x', stream: 's', per1000: 0 },
    { id: 'b', class: 'x', stream: 's', per1000: 20 },
    { id: 'c', class: 'y', stream: 's', per1000: Number.POSITIVE_INFINITY },
  ];
  assert.equal(recallAt(costs, 10).macro, 0.25);
  assert.equal(averagePrecision(costs, 100), (1 + 2 / 4) / 3);
});
