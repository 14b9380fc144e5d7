/** What comes at the same hour of another day has to be louder to be told again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAlarm, makeAlarm } from '../../../src/model/series/combine-channels.ts';
import { SERIES } from '../../../src/model/series/constants.ts';
import { DAY_MS, HOUR_MS, MONDAY_MS } from '../stream.ts';

/** Without the habit that any alarm makes. */
const CONSTANTS = { ...SERIES.alarm, habit: 0, restRows: 0 };
const { level, daily } = CONSTANTS;
const NIGHT_MS = MONDAY_MS + 2 * HOUR_MS;

/** Which of the given are told. */
function told(rows: readonly (readonly [atMs: number, score: number])[]): boolean[] {
  const alarm = makeAlarm();
  return rows.map(([atMs, score]) => isAlarm(alarm, { score, atMs }, CONSTANTS));
}

test('the same night after night is told once, and louder again', () => {
  const nightly = Array.from({ length: 5 }, (_, day) => [NIGHT_MS + day * DAY_MS, level + 0.1] as const);
  assert.deepEqual(told([...nightly, [NIGHT_MS + 5 * DAY_MS, level + daily.points]]), [true, false, false, false, false, true]);
});

test('at another hour, or later in the same night, it is nothing usual', () => {
  const score = level + 0.1;
  const off = daily.withinMs + HOUR_MS;
  assert.deepEqual(
    told([
      [NIGHT_MS, score],
      [NIGHT_MS + HOUR_MS, score],
      [NIGHT_MS + DAY_MS + HOUR_MS + off, score],
    ]),
    [true, true, true],
  );
  assert.deepEqual(
    told([
      [NIGHT_MS, score],
      [NIGHT_MS + DAY_MS - off, score],
    ]),
    [true, true],
  );
  assert.deepEqual(
    told([
      [NIGHT_MS, score],
      [NIGHT_MS + DAY_MS - daily.withinMs, score],
    ]),
    [true, false],
    'across midnight too',
  );
});

test('however often it came, a little louder is heard, and what is remembered is bounded', () => {
  const alarm = makeAlarm();
  for (let day = 0; day < 400; day++) isAlarm(alarm, { score: 100, atMs: NIGHT_MS + day * DAY_MS }, CONSTANTS);
  assert.ok(alarm.toldMs.length < 50);
  const atMs = NIGHT_MS + 400 * DAY_MS;
  assert.equal(isAlarm(alarm, { score: level + 1, atMs }, { ...CONSTANTS, escalation: 0 }), true);
});

test('a clock that was set back compares with nothing ahead of it', () => {
  assert.deepEqual(
    told([
      [NIGHT_MS + 7 * DAY_MS, level],
      [NIGHT_MS, level],
    ]),
    [true, true],
  );
});
