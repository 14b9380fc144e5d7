import assert from 'node:assert/strict';
import { test } from 'node:test';
import { combineRow, isAlarm, makeAlarm, makeMemory } from '../../../src/model/series/combine-channels.ts';
import { SERIES } from '../../../src/model/series/constants.ts';
import { makeEvidence, weigh } from '../../../src/model/series/evidence.ts';
import { made, ROW_MS, START_MS } from './synthetic.ts';

/** Rows at which an alarm is told. */
function alarms(values: readonly number[], rowMs = ROW_MS): number[] {
  const [state, memory, alarm] = [makeEvidence(SERIES.evidence), makeMemory(), makeAlarm()];
  return values.flatMap((value, row) => {
    const atMs = START_MS + row * rowMs;
    const { bits } = weigh(state, atMs, value, SERIES.evidence);
    return isAlarm(alarm, { score: combineRow(memory, bits, row, SERIES.combine), atMs }, SERIES.alarm) ? [row] : [];
  });
}

const SETTLED = 500;
const AT = 1500;
const HAPPENS: Record<string, (row: number, noise: number) => number> = {
  'a level that moves': (row, noise) => 10 + noise + (row >= AT ? 3 : 0),
  'a spike': (row, noise) => 10 + noise + (row === AT ? 8 : 0),
  'a noisy signal gone flat': (row, noise) => (row < AT ? 10 + 4 * noise : 10),
  'a steady drift': (row, noise) => 10 + noise + Math.max(0, row - AT) / 20,
};

for (const [name, value] of Object.entries(HAPPENS)) {
  test(`${name} is told within an hour and the settled course before it is not`, () => {
    const found = alarms(made(AT + 60, value));
    assert.deepEqual(
      found.filter((row) => row >= SETTLED && row < AT),
      [],
    );
    assert.ok(
      found.some((row) => row >= AT),
      'nothing told',
    );
  });
}

test('a constant series is never told, whatever its value', () => {
  for (const value of [0, 20, 0.1, -1e9, 1e-12]) assert.deepEqual(alarms(made(2000, () => value)), []);
});

test('what comes every day at the same time is usual; the same at another time is not', () => {
  const quarterMs = 900_000;
  const days = 20;
  const busy = (row: number) => (row % 96 >= 36 && row % 96 < 40 ? 50 : 5);
  const usual = made(96 * days, (row, noise) => busy(row) + noise);
  const late = alarms(usual, quarterMs).filter((row) => row > 96 * 10);
  assert.deepEqual(late, []);
  const odd = made(96 * days, (row, noise) => busy(row) + noise + (row >= 96 * 19 + 60 && row < 96 * 19 + 64 ? 45 : 0));
  assert.ok(alarms(odd, quarterMs).some((row) => row >= 96 * 19 + 60));
});

test('a score depends on this row and earlier ones only', () => {
  const values = made(800, (row, noise) => Math.sin(row / 20) + noise + (row > 700 ? 4 : 0));
  const bitsOf = (rows: readonly number[]) => {
    const state = makeEvidence(SERIES.evidence);
    return rows.map((value, row) => weigh(state, START_MS + row * ROW_MS, value, SERIES.evidence).bits);
  };
  assert.deepEqual(bitsOf(values.slice(0, 500)), bitsOf(values).slice(0, 500));
});
