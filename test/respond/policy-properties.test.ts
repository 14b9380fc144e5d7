/** What must hold for any input: the budget, the level's convergence, and that a restart changes nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPolicy } from '../../src/respond/policy.ts';
import { DAY_MS, HOUR_MS, type JudgementFields, judgement, MINUTE_MS } from './judgements.ts';

const WEEK_MS = 7 * DAY_MS;
const CRITICAL_PER_DAY = 3;
const STORM_PER_DAY = 1;
const RESERVE_PER_WEEK = 7 * (CRITICAL_PER_DAY + STORM_PER_DAY);

/** The most pages in any seven days. */
function mostPerWeek(pagesMs: readonly number[]): number {
  return Math.max(0, ...pagesMs.map((start) => pagesMs.filter((ms) => ms >= start && ms < start + WEEK_MS).length));
}

const step = fc.record({
  gapMs: fc.oneof(fc.integer({ min: 0, max: MINUTE_MS }), fc.integer({ min: 0, max: 2 * DAY_MS })),
  score: fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constant(300)),
  name: fc.integer({ min: 0, max: 50 }).map(String),
  kind: fc.constantFrom('A', 'B', 'C', 'D'),
  actor: fc.constantFrom('unknown', 'user:ann', 'user:bob', 'bot:flux'),
  mature: fc.boolean(),
  deterministic: fc.boolean(),
  severity: fc.constantFrom('info' as const, 'warning' as const, 'critical' as const),
});

test('pages in any seven days stay within the budget plus the stated reserve, whatever comes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 400 }), (pagesPerWeek, steps) => {
      const policy = createPolicy({ pagesPerWeek });
      const all: number[] = [];
      const learnt: number[] = [];
      let atMs = 0;
      for (const { gapMs, ...fields } of steps) {
        atMs += gapMs;
        const { decision, deterministic, severity, mature } = policy.decide(judgement({ ...fields, atMs }));
        if (decision.verdict !== 'page') continue;
        assert(mature || deterministic, 'an immature finding paged');
        all.push(atMs);
        if (!(deterministic && severity === 'critical')) learnt.push(atMs);
      }
      assert(mostPerWeek(all) <= pagesPerWeek + RESERVE_PER_WEEK, `${mostPerWeek(all)} pages in a week`);
      assert(mostPerWeek(learnt) <= pagesPerWeek, `${mostPerWeek(learnt)} pages in a week that are no critical facts`);
    }),
    { seed: 3, numRuns: 150 },
  );
});

const FLOODS: [string, (i: number) => JudgementFields][] = [
  ['learnt findings of constant extreme score', () => ({ score: 50 })],
  ['ever rising scores', (i) => ({ score: 4 + i })],
  ['critical facts', () => ({ score: 50, deterministic: true, severity: 'critical' })],
  [
    'facts and learnt findings of any kind in turn',
    (i) => ({ deterministic: i % 2 === 0, severity: i % 3 === 0 ? 'critical' : 'warning' }),
  ],
];

for (const [name, fieldsOf] of FLOODS) {
  test(`a flood every five minutes for three weeks stays within the budget: ${name}`, () => {
    const policy = createPolicy({ pagesPerWeek: 5 });
    const pages: number[] = [];
    for (let i = 0; i * 5 * MINUTE_MS < 3 * WEEK_MS; i++) {
      const atMs = i * 5 * MINUTE_MS;
      const decided = policy.decide(judgement({ atMs, name: `o${i}`, kind: `K${i % 40}`, ...fieldsOf(i) }));
      if (decided.decision.verdict === 'page') pages.push(atMs);
    }
    const critical = name.includes('facts');
    assert(pages.length > 0);
    assert(mostPerWeek(pages) <= 5 + (critical ? RESERVE_PER_WEEK : 0), `${mostPerWeek(pages)}`);
  });
}

for (const [name, fieldsOf] of FLOODS) {
  test(`what comes late in between frees nothing: ${name}`, () => {
    const policy = createPolicy({ pagesPerWeek: 5 });
    const pages: number[] = [];
    for (let i = 0; i * 5 * MINUTE_MS < 4 * DAY_MS; i++) {
      const atMs = 3 * WEEK_MS + i * 5 * MINUTE_MS;
      const decided = policy.decide(judgement({ atMs, name: `o${i}`, kind: `K${i % 40}`, actor: `a${i}`, ...fieldsOf(i) }));
      if (decided.decision.verdict === 'page') pages.push(atMs);
      policy.decide(judgement({ atMs: atMs - (1 + (i % 23)) * HOUR_MS, name: 'late', actor: 'late', score: 1 }));
    }
    const critical = name.includes('facts');
    assert(pages.length > 0);
    assert(pages.length <= 5 + (critical ? RESERVE_PER_WEEK : 0), `${pages.length}`);
  });
}

test('an episode that goes on is told once, whatever comes late in between', () => {
  const policy = createPolicy({ pagesPerWeek: 20 });
  let pages = 0;
  for (let i = 0; i < 200; i++) {
    const atMs = WEEK_MS + i * 5 * MINUTE_MS;
    if (policy.decide(judgement({ atMs, name: 'flapping', score: 6 })).decision.verdict === 'page') pages++;
    policy.decide(judgement({ atMs: atMs - 3 * HOUR_MS, name: 'late', actor: 'late', score: 1 }));
  }
  assert.equal(pages, 1);
});

/** A small linear congruential generator; the seed is the test's. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** A stationary stream: `perWeek` episodes a week with calibrated scores, P(score > s) = 10^-s, over `weeks`. */
function stationary(perWeek: number, weeks: number, seed: number): { pages: number[]; scores: number[]; level: number } {
  const policy = createPolicy({ pagesPerWeek: 5 });
  const draw = random(seed);
  const pages: number[] = [];
  const scores: number[] = [];
  for (let i = 0; i < perWeek * weeks; i++) {
    // Everything below 2 is ordinary, so only the tail beyond it is drawn.
    const score = 2 - Math.log10(draw());
    const atMs = Math.floor(((i + draw()) * WEEK_MS) / perWeek);
    const decided = policy.decide(judgement({ atMs, name: `o${i}`, kind: `K${i % 30}`, score }));
    if (decided.decision.verdict !== 'page') continue;
    pages.push(atMs);
    scores.push(score);
  }
  return { pages, scores, level: policy.status().prod?.level ?? 0 };
}

test('ten times too much noise: the level rises until the page rate is that of the budget, and the pages are the stronger ones', () => {
  const weeks = 30;
  // 500 episodes a week over score 2: 158 a week over the floor of 2.5.
  const { pages, scores, level } = stationary(500, weeks, 11);
  const rate = pages.length / weeks;
  assert(rate > 3 && rate <= 5, `${rate} pages a week`);
  assert(level > 3.5 && level < 4.5, `level ${level}`);
  const late = scores.slice(scores.length / 2);
  assert(Math.min(...late) > 3.3, `a page at ${Math.min(...late)}`);
  assert(mostPerWeek(pages) <= 5);
});

test('in a quiet cluster the floor binds and there are simply fewer pages', () => {
  // Three episodes a week over score 2: about one a week over the floor of 2.5.
  const { pages, level } = stationary(3, 30, 12);
  assert(pages.length / 30 < 2, `${pages.length / 30} pages a week`);
  assert.equal(level < 2.8, true, `level ${level}`);
});

test('after a flood the level sinks back, so that a true finding weeks later pages', () => {
  const policy = createPolicy({ pagesPerWeek: 5 });
  for (let i = 0; i < 2_000; i++)
    policy.decide(judgement({ atMs: i * 20 * MINUTE_MS, name: `o${i}`, kind: `K${i % 40}`, score: 6 }));
  const atMs = 2_000 * 20 * MINUTE_MS + 4 * WEEK_MS;
  assert.equal(policy.decide(judgement({ atMs, name: 'true-one', score: 5 })).decision.verdict, 'page');
});

test('saving and restoring at any point gives the decisions of an undisturbed run', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 30 }), (steps, every) => {
      const options = { pagesPerWeek: 4 };
      const steady = createPolicy(options);
      let restarted = createPolicy(options);
      let atMs = 0;
      steps.forEach(({ gapMs, ...fields }, i) => {
        atMs += gapMs;
        const given = judgement({ ...fields, atMs });
        assert.deepEqual(restarted.decide(given), steady.decide(given));
        if (i % every === 0) restarted = createPolicy(options, restarted.save());
      });
      assert.equal(restarted.save(), steady.save());
    }),
    { seed: 4, numRuns: 200 },
  );
});

test('the saved state stays small under a flood of objects', () => {
  const policy = createPolicy({});
  for (let i = 0; i < 20_000; i++)
    policy.decide(judgement({ atMs: i * 10, name: `o${i}`, score: 3, actor: i % 2 === 0 ? 'user:ann' : 'unknown' }));
  assert(policy.save().length < 1_000_000, `${policy.save().length} characters`);
  policy.decide(judgement({ atMs: 3 * HOUR_MS, name: 'later', score: 3 }));
  assert(policy.save().length < 2_000, 'closed episodes are forgotten');
});
