import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CallRecord,
  heldTo,
  keepCall,
  liveRatios,
  makeCallRecord,
  observedOverNominal,
} from '../../../src/model/tails/call-record.ts';
import { makeRandom } from '../stream.ts';

/** Visits whose rank is wrong in a known way: a uniform one to the power `power`. */
function recordOf(visits: number, power: number): CallRecord {
  const random = makeRandom(3);
  const record = makeCallRecord(0);
  for (let visit = 1; visit <= visits; visit++) {
    const ranked = random() ** power;
    keepCall(record, { visits: visit, ranked, said: heldTo(record, ranked), isNew: () => true });
  }
  return record;
}

for (const [manner, power] of [
  ['too loud', 1.3],
  ['too shy', 0.7],
  ['as promised', 1],
] as const) {
  test(`a detector that is ${manner} is held to what it turned out to be`, () => {
    const record = recordOf(20_000, power);
    for (const truth of [0.03, 0.01, 0.003]) {
      const held = heldTo(record, truth ** power);
      assert.ok(held > truth / 2 && held < truth * 2, `${held} for ${truth}`);
    }
    for (const { level, ratio } of liveRatios([['leap:m', record]])) {
      assert.ok(ratio < 2, `${ratio} at ${level}`);
      // What would wake somebody is made no louder because nothing like it was heard.
      if (level > 0.001) assert.ok(ratio > 0.5, `${ratio} at ${level}`);
    }
  });
}

test('what is said rises with the rank, and a young record changes little', () => {
  for (const visits of [0, 20, 5_000]) {
    const record = recordOf(visits, 1.5);
    const said = Array.from({ length: 60 }, (_, i) => heldTo(record, 10 ** (-i / 10)));
    for (let i = 1; i < said.length; i++) assert.ok((said[i] as number) <= (said[i - 1] as number) + 1e-12);
  }
  assert.equal(heldTo(undefined, 0.02), 0.02);
  assert.ok(Math.abs(Math.log10(heldTo(recordOf(20, 1.5), 1e-3) / 1e-3)) < 0.7);
});

test('silences of a detector that seldom speaks count for the levels it cannot reach', () => {
  const seldom = { visits: 10_000, spoke: 10 };
  assert.ok(Math.abs(observedOverNominal(0.01, [{ ...seldom, told: 10 }]) - 1) < 0.01);
  assert.equal(observedOverNominal(0.01, [{ visits: 10_000, spoke: 5_000, told: 30 }]), 0.3);
  // Machines of whom it never speaks: what it says of people is not too seldom for that.
  const people = { visits: 10_000, spoke: 800, told: 100 };
  assert.equal(observedOverNominal(0.01, [people, { visits: 30_000, spoke: 0, told: 0 }]), 1);
});

test('a ratio is told only when calls were due', () => {
  assert.deepEqual(liveRatios([['leap:h', recordOf(200, 1)]]), []);
  assert.deepEqual(
    liveRatios([['leap:h', recordOf(400, 1)]]).map(({ detector, level }) => [detector, level]),
    [['leap', 0.01]],
  );
});
