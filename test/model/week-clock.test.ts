import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWeekClock } from '../../src/model/week-clock.ts';

const QUARTER_MS = 900_000;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

for (const timeZone of ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/St_Johns']) {
  test(`tells the hour of the week as a calendar does, also where and when clocks are set: ${timeZone}`, () => {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: 'numeric', hourCycle: 'h23' });
    const clock = makeWeekClock(timeZone);
    for (const month of [2, 3, 9, 10]) {
      for (let atMs = Date.UTC(2026, month, 1); atMs < Date.UTC(2026, month + 1, 1); atMs += QUARTER_MS) {
        const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
        const expected = DAYS.indexOf(parts.weekday ?? '') * 24 + Number(parts.hour);
        assert.equal(clock(atMs), expected, new Date(atMs).toISOString());
      }
    }
  });
}
