import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CrowsnestError } from '../../src/domain/errors.ts';
import { type Housekeeping, keepHouse, pauseAfter } from '../../src/pipeline/housekeeping.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { until } from '../support/until.ts';

it('keeps what was learnt while a stretch of the log is damaged', async () => {
  const clock = new ManualClock();
  const ended = new AbortController();
  const [done, warnings]: [string[], string[]] = [[], []];
  const parts = {
    clock,
    signal: ended.signal,
    live: true,
    react: () => {},
    store: {
      maintain: () => {
        throw new CrowsnestError({ code: 'STORE_CORRUPT', what: 'a record is damaged', where: 'changes 1 to 20' });
      },
    },
    analysis: { advance: () => [], store: () => [], saveSnapshot: () => void done.push('model') },
    controllers: { save: () => void done.push('controllers') },
    masking: { save: () => void done.push('masking') },
    logger: { warn: (_fields: object, text: string) => void warnings.push(text) },
  } as unknown as Housekeeping;
  const house = keepHouse(parts);
  await until('housekeeping rests', () => clock.sleeping === 1);
  clock.advance(400_000);
  await until('housekeeping rests', () => clock.sleeping === 1);
  ended.abort();
  await house;
  assert.deepEqual(new Set(done), new Set(['masking', 'model', 'controllers']));
  assert.match(warnings[0] ?? '', /housekeeping put off: a record is damaged/);
});

it('gives way for ten times as long as upkeep took, but neither for long nor for nothing', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 50].map((tookMs) => pauseAfter(tookMs, false)),
    [10, 10, 20, 30, 30],
  );
  assert.deepEqual(
    [0, 1, 2, 3, 50].map((tookMs) => pauseAfter(tookMs, true)),
    [1, 1, 2, 3, 30],
  );
});
