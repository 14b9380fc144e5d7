import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answersOf, estimateReview, type NearMiss } from '../../src/domain/review.ts';
import type { Verdict } from '../../src/domain/verdict.ts';

function sample(day: string, slot: NearMiss['slot'], weight: number, population: number): NearMiss {
  return {
    cluster: 'c',
    day,
    slot,
    findingId: `${day}-${slot}`,
    tsMs: 0,
    score: 3,
    level: 3.5,
    detector: 'd',
    population,
    weight,
  };
}

const DAY = [
  sample('2026-01-01', 'highest', 1, 10),
  sample('2026-01-01', 'random-1', 8, 10),
  sample('2026-01-01', 'random-2', 2, 10),
];

describe('estimates from answers', () => {
  it('are absent until what they rest on is answered', () => {
    const none = estimateReview(
      ['wrong', undefined],
      DAY.map((one) => ({ sample: one, answer: undefined })),
    );
    assert.equal(none.precision?.value, 1);
    assert.deepEqual(none.pages, { all: 2, answered: 1, wrong: 1 });
    assert.deepEqual(none.notPaged, { all: 11, sampled: 3, answered: 0 });
    assert.equal(none.recall, undefined);
    assert.equal(estimateReview([undefined], []).precision, undefined);
  });

  it('count each draw with what it stands for', () => {
    const answers = ['expected', 'expected', 'wrong'] as const;
    const estimate = estimateReview(
      ['wrong', 'wrong', 'expected', 'expected'],
      DAY.map((one, i) => ({ sample: one, answer: answers[i] })),
    );
    assert.equal(estimate.precision?.value, 0.5);
    // Two tenths of ten under the level, none of the highest.
    assert.equal(estimate.notPaged.wrong, 2);
    assert.equal(estimate.recall?.value, 0.5);
    assert.ok((estimate.recall?.low ?? 1) < 0.2 && (estimate.recall?.high ?? 0) > 0.8);
  });

  it('narrow with the number of answers', () => {
    const width = (n: number) => {
      const precision = estimateReview(
        Array.from({ length: n }, (_, i) => (i % 4 === 0 ? 'wrong' : 'expected')),
        [],
      ).precision;
      assert.equal(precision?.value, 0.25);
      return precision.high - precision.low;
    };
    // Wilson's interval of 1 in 4 and of 100 in 400.
    assert.ok(Math.abs(width(4) - 0.6534) < 0.001, String(width(4)));
    assert.ok(Math.abs(width(400) - 0.0845) < 0.001, String(width(400)));
  });

  it('hold the last word that stands', () => {
    const said = (id: string, verdict: Verdict['verdict'], withdrawn = false): Verdict => ({
      ...{ id, findingId: 'f', verdict, scope: { cluster: 'c' }, by: 'ann', givenMs: 1, expiresMs: 2 },
      place: { seq: 1, position: 0 },
      ...(withdrawn ? { withdrawn: { by: 'bob', ms: 2, place: { seq: 2, position: 0 } } } : {}),
    });
    assert.equal(answersOf([said('a', 'wrong'), said('b', 'expected')]).get('f')?.id, 'b');
    assert.equal(answersOf([said('a', 'wrong'), said('b', 'expected', true)]).get('f')?.id, 'a');
    assert.equal(answersOf([said('a', 'wrong', true)]).size, 0);
  });
});
