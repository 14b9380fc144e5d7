import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { DAY_MS, HOUR_MS, habit, MONDAY_MS, makeRandom, Stream } from './stream.ts';

/** Habit with disorder: strangers, odd hours, deletions, bursts, silences of a beat, time that steps back. */
function unruly(seed: number): Change[] {
  const random = makeRandom(seed);
  const stream = new Stream();
  const changes = habit(stream, { seed, days: 21, objects: 4 });
  for (let i = 0; i < 120; i++) {
    const atMs = MONDAY_MS + 21 * DAY_MS + i * HOUR_MS * (random() < 0.1 ? -1 : 1);
    const name = `kafka-${Math.floor(random() * 4)}`;
    const actor = ['alice', 'mallory', 'flux', 'kafka-operator'][Math.floor(random() * 4)] as string;
    const dice = random();
    if (dice < 0.1) changes.push(stream.change({ atMs, actor, name, type: 'DELETED' }));
    else if (dice < 0.3) changes.push(stream.change({ atMs, actor, name, status: { n: i } }));
    else
      changes.push(
        stream.change({
          atMs,
          actor,
          name,
          spec: { replicas: Math.floor(random() * 9), [`f${i % 7}`]: { privileged: i % 3 === 0 } },
        }),
      );
  }
  return changes;
}

test('restored from a snapshot taken anywhere, the model goes on exactly as if undisturbed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
      (seed, cuts) => {
        const changes = unruly(seed);
        const expected = run(changes, []);
        const restarts = cuts.map((cut) => Math.floor(cut * changes.length));
        assert.deepEqual(run(changes, restarts), expected);
      },
    ),
    { numRuns: 15 },
  );
});

function run(changes: readonly Change[], restarts: readonly number[]) {
  let model = createModel();
  const out = [];
  for (const [i, change] of changes.entries()) {
    if (restarts.includes(i)) model = createModel({}, model.snapshot());
    out.push(...model.observe(change));
  }
  out.push(...model.advance(MONDAY_MS + 60 * DAY_MS));
  return out;
}

test('how often time is told makes no difference', () => {
  const changes = unruly(3).sort((a, b) => a.observedMs - b.observedMs);
  const once = run(changes, []);
  const model = createModel();
  const often = [];
  let nowMs = changes[0]!.observedMs;
  for (const change of changes) {
    for (; nowMs < change.observedMs; nowMs += 7 * HOUR_MS) often.push(...model.advance(nowMs));
    often.push(...model.observe(change));
  }
  often.push(...model.advance(MONDAY_MS + 60 * DAY_MS));
  assert.deepEqual(often, once);
});

test('a damaged snapshot is refused with a code', () => {
  assert.throws(
    () => createModel({}, new Uint8Array([1, 2, 3])),
    (error) => isCrowsnestError(error, 'STORE_CORRUPT'),
  );
});

test('an unknown time zone is refused with a code', () => {
  assert.throws(
    () => createModel({ timeZone: 'Mars/Olympus' }),
    (error) => isCrowsnestError(error, 'CONFIG_BAD_VALUE'),
  );
});
