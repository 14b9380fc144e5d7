import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '../../../src/model/detector.ts';
import { Tempos, tempoOf } from '../../../src/model/detectors/burst.ts';
import type { ChangeEvent } from '../../../src/model/features.ts';

test('of the times of changes the newest are kept, at most 239 and of a fortnight, as each change comes', () => {
  const tempos = new Tempos();
  const seen: number[] = [];
  // Close together, and far apart now and then, so that one at a time and many at once become too many or too old.
  for (let i = 0, atMs = 1_000_000; i < 900; i++, atMs += i % 300 === 0 ? 15 * DAY_MS : i % 70 === 0 ? 5 * DAY_MS : 60_000) {
    tempos.track({ type: 'MODIFIED', timed: true, row: 3, atMs } as ChangeEvent);
    const earlier = seen.filter((pastMs) => atMs - pastMs <= 14 * DAY_MS).slice(-238);
    seen.push(atMs);
    assert.deepEqual(tempoOf(tempos.save(), 3)?.recent, [...earlier, atMs]);
  }
});
