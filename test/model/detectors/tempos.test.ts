import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS } from '../../../src/model/detector.ts';
import { Pace, Tempos, tempoOf } from '../../../src/model/detectors/burst.ts';
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

/** An object that changes when told to, and the paces that are told of it. */
function paceOfOne() {
  const tempos = new Tempos();
  const pace = new Pace(tempos);
  const told: number[] = [];
  const change = (atMs: number) => {
    const event = { type: 'MODIFIED', timed: true, row: 3, atMs, ref: { kind: 'Kafka', name: 'orders' } } as ChangeEvent;
    const evidence = pace.score(event);
    if (evidence !== undefined) told.push(evidence.explain().observed as number);
    tempos.track(event);
  };
  return { change, told };
}

test('a pace that goes on is told when it sets in and when it has doubled, not with each change', () => {
  const { change, told } = paceOfOne();
  for (let month = 0; month < 12; month++) change(month * 30 * DAY_MS);
  for (let i = 0; i < 40; i++) change(360 * DAY_MS + i * 6 * HOUR_MS);
  assert.deepEqual(told, [4, 8, 16, 32]);
});

test('a pace that has lasted and goes up and down through a level is not told at it again', () => {
  const { change, told } = paceOfOne();
  for (let month = 0; month < 60; month++) change(month * 30 * DAY_MS);
  // A little over and a little under 32 a fortnight, by turns, as it rests for a day now and then.
  let atMs = 1_800 * DAY_MS;
  for (let i = 0; i < 140; i++) {
    atMs += (i % 11 === 4 ? 38 : 8) * HOUR_MS;
    change(atMs);
  }
  assert.deepEqual(told, [4, 8, 16]);
});
