import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Wakeup } from '../../src/respond/wakeup.ts';
import { ManualClock } from './manual-clock.ts';

test('waits its time, is cut short by a wake, and keeps a wake that came early', async () => {
  const clock = new ManualClock();
  const wakeup = new Wakeup();
  const { signal } = new AbortController();
  const slept = wakeup.wait(1_000, clock, signal);
  assert.equal(clock.sleeping, 1);
  clock.advance(1_000);
  await slept;
  const cut = wakeup.wait(1_000, clock, signal);
  wakeup.wake();
  await cut;
  wakeup.wake();
  wakeup.wake();
  await wakeup.wait(1_000, clock, signal);
  const next = wakeup.wait(1_000, clock, signal);
  assert.equal(clock.sleeping, 1, 'two wakes cut one sleep');
  clock.advance(1_000);
  await next;
});

test('ends when aborted, leaves no sleeper behind, and passes on what the clock throws', async () => {
  const clock = new ManualClock();
  const stopping = new AbortController();
  const waiting = new Wakeup().wait(1_000, clock, stopping.signal);
  stopping.abort();
  await waiting;
  assert.equal(clock.sleeping, 0);
  await new Wakeup().wait(1_000, clock, stopping.signal);
  const broken = { nowMs: () => 0, sleep: () => Promise.reject(new Error('no clock')) };
  await assert.rejects(new Wakeup().wait(1, broken, new AbortController().signal), /no clock/);
});
