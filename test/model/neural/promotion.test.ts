import assert from 'node:assert/strict';
import { test } from 'node:test';
import { averagePrecision, CONFIRMED_MIN, standingOf } from '../../../src/model/neural/promotion.ts';
import { isDue, NIGHTLY } from '../../../src/model/neural/schedule.ts';
import { newShadow, weigh, withNetwork } from '../../../src/model/neural/shadow.ts';

const better = { toldByNetwork: 0.5, toldByPairs: 0.3 };
const worse = { toldByNetwork: 0.32, toldByPairs: 0.3 };

/** Confirmed changes that the network ranks above the rest, or below. */
function notable(bitsOfConfirmed: number) {
  return Array.from({ length: 200 }, (_, seq) => ({ seq, score: 3, bits: seq < CONFIRMED_MIN ? bitsOfConfirmed : 2 }));
}
const confirmed = new Set(Array.from({ length: CONFIRMED_MIN }, (_, i) => i));

test('a network earns its say by both yardsticks, and every refusal says which one it missed', () => {
  const cases = [
    { why: /2 of 3 trainings/, versions: [better, better], bits: 5, confirmed },
    { why: /made-up combinations/, versions: [better, worse, better], bits: 5, confirmed },
    { why: /19 of 20 confirmed/, versions: [better, better, better], bits: 5, confirmed: new Set([...confirmed].slice(1)) },
    { why: /does not rank higher/, versions: [better, better, better], bits: 0, confirmed },
    { why: /ranks higher with it/, versions: [worse, better, better, better], bits: 5, confirmed, earned: true },
  ];
  for (const { why, earned = false, bits, ...grounds } of cases) {
    const standing = standingOf({ ...grounds, notable: notable(bits) });
    assert.match(standing.why, why);
    assert.equal(standing.earned, earned, String(why));
  }
});

test('average precision is 1 for good ones first, and ties count against', () => {
  const one = (score: number, good: boolean) => ({ score, good });
  assert.equal(averagePrecision([one(3, true), one(2, true), one(1, false)]), 1);
  assert.equal(averagePrecision([one(1, true), one(1, false)]), 0.5);
  assert.equal(averagePrecision([one(1, false)]), 0);
});

test('a surprise is weighed against the past of its sort, an object’s own not twice, and stood beside the score it had', () => {
  const shadow = newShadow();
  const seen = { machine: true, born: false, score: 0 };
  for (let i = 0; i < 500; i++)
    assert.ok(weigh(shadow, { ...seen, seq: i, atMs: i * 7_200_000, object: `o${i}`, surprise: 1 + (i % 7) / 7 }) < 3);
  const odd = { ...seen, seq: 500, atMs: 500 * 7_200_000, object: 'x', surprise: 30 };
  assert.ok(weigh(shadow, { ...odd, score: 4 }) >= 3);
  assert.ok(weigh(shadow, { ...odd, seq: 501, object: 'y' }) > 2.5, 'another object, as odd');
  assert.equal(weigh(shadow, { ...odd, seq: 502, surprise: 0 }), 0);
  assert.equal(shadow.comparison.judged, 503);
  assert.equal(shadow.comparison.both, 1);
  assert.ok(shadow.notable.some(({ seq, score }) => seq === 500 && score === 4));
});

test('what was notable is kept up to a bound', () => {
  const shadow = newShadow();
  for (let seq = 0; seq < 2_500; seq++)
    weigh(shadow, { seq, atMs: seq, object: 'o', machine: false, born: true, surprise: 1, score: 5 });
  assert.equal(shadow.notable.length, 2_000);
  assert.equal(shadow.notable.at(-1)?.seq, 2_499);
});

test('the say of a network adds to a score and never takes from it', () => {
  assert.equal(withNetwork(0, 0), 0);
  assert.ok(withNetwork(5, 0) >= 5);
  assert.ok(withNetwork(5, 7) > 6);
});

test('a network is due by the changes alone, also where a clock was ahead for a while', () => {
  const day = 86_400_000;
  const last = { seq: 1_000, atMs: 10 * day, trainedOn: 20_000 };
  assert.equal(isDue({ seq: 2_500, atMs: 12 * day }, last, NIGHTLY), false, 'a fifth of news is asked for');
  assert.equal(isDue({ seq: 5_000, atMs: 10.5 * day }, last, NIGHTLY), false, 'and a day');
  assert.equal(isDue({ seq: 5_000, atMs: 11 * day }, last, NIGHTLY), true);
  assert.equal(isDue({ seq: 90_000, atMs: 3 * day }, last, NIGHTLY), false, 'set back a week');
  assert.equal(isDue({ seq: 101_000, atMs: 3 * day }, last, NIGHTLY), true, 'but not for ever');
});
