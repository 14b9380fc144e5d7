import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCKS, gapsOn, makeGapLog, pushGap } from '../../src/model/gap-log.ts';

test('keeps the last gaps of each clock in order, and no more than it may', () => {
  const log = makeGapLog();
  assert.deepEqual([...gapsOn(log, CLOCKS.time)], []);
  for (let i = 1; i <= 37; i++) pushGap(log, [i * 1_000, i, 2 * i], 30);
  const last = Array.from({ length: 30 }, (_, i) => i + 8);
  assert.deepEqual(
    [...gapsOn(log, CLOCKS.time)],
    last.map((i) => i * 1_000),
  );
  assert.deepEqual([...gapsOn(log, CLOCKS.visits)], last);
  assert.deepEqual(
    [...gapsOn(log, CLOCKS.kind)],
    last.map((i) => 2 * i),
  );
});
