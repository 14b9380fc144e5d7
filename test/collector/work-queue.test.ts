import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue, type WorkQueueOptions } from '../../src/collector/watch/work-queue.ts';
import type { Clock } from '../../src/domain/clock.ts';

/** Time passes only while somebody sleeps, and then at once. */
class DreamClock implements Clock {
  ms = 0;
  nowMs(): number {
    return this.ms;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.ms += ms;
  }
}

const signal = new AbortController().signal;
const queueOf = (more: Partial<WorkQueueOptions> = {}) => {
  const clock = new DreamClock();
  const backOff = { baseMs: 100, msMax: 1_000, random: () => 0.999_999 };
  return { clock, queue: new WorkQueue<string>({ clock, backOff, tasksMax: 3, perSecond: 10, attemptsMax: 3, ...more }) };
};

test('does tasks in the order they came, each key once, no faster than the rate', async () => {
  const { clock, queue } = queueOf();
  const done: [string, number][] = [];
  for (const key of ['a', 'b', 'a', 'c']) assert.ok(queue.add(key, key));
  await queue.drain(async (item) => void done.push([item, clock.ms]), signal);
  assert.deepEqual(done, [
    ['a', 0],
    ['b', 100],
    ['c', 200],
  ]);
});

test('refuses what does not fit and tells how many wait', () => {
  let depth = 0;
  const { queue } = queueOf({ onDepth: (more) => (depth += more) });
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'a'].map((key) => queue.add(key, key)),
    [true, true, true, false, true],
  );
  assert.equal(depth, 3);
});

test('lets a failing task wait longer each time without holding up the others, and gives it up in the end', async () => {
  let retries = 0;
  let depth = 0;
  const { clock, queue } = queueOf({ onRetry: () => (retries += 1), onDepth: (more) => (depth += more) });
  const tried: [string, number][] = [];
  for (const key of ['bad', 'good', 'shaky']) queue.add(key, key);
  const givenUp = await queue.drain(async (item) => {
    tried.push([item, clock.ms]);
    if (item === 'bad' || (item === 'shaky' && tried.length < 5)) throw new Error(item);
  }, signal);
  assert.deepEqual(
    givenUp.map(({ item, error }) => [item, (error as Error).message]),
    [['bad', 'bad']],
  );
  assert.deepEqual(
    tried.map(([item]) => item),
    ['bad', 'good', 'shaky', 'bad', 'shaky', 'bad'],
  );
  const waits = tried.filter(([item]) => item === 'bad').map(([, atMs]) => atMs);
  assert.ok(waits[1]! - waits[0]! >= 100 && waits[2]! - waits[1]! >= 200, String(waits));
  assert.deepEqual([retries, depth], [3, 0]);
});

test('ends at once when it is told to, and forgets what waits', async () => {
  const stop = new AbortController();
  const { queue } = queueOf();
  for (const key of ['a', 'b']) queue.add(key, key);
  const draining = queue.drain(async () => stop.abort(new Error('stopped')), stop.signal);
  await assert.rejects(draining, /stopped/);
  assert.equal(queue.depth, 0);
});
