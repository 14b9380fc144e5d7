import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextStep, type Outcome, outcomeOfStatus, type Step } from '../../src/collector/watch/reflector-step.ts';
import { readStatus } from '../../src/kube/kube-status.ts';
import { WIDGET } from './memory-record.ts';

const context = (failures: number, synced = true) => ({
  failures,
  synced,
  forbiddenMs: 8_000,
  backOff: { baseMs: 200, msMax: 15_000, random: () => 0.5 },
});
const reason = 'why';

describe('next step of a reflector', () => {
  const table: [string, Outcome, number, Partial<Step>][] = [
    ['a finished list is followed by the watch at once', { type: 'listed' }, 3, { delayMs: 0, failures: 0, forget: false }],
    [
      'a watch that did its work is taken up at once',
      { type: 'ended', progressed: true, inTime: true },
      3,
      { delayMs: 0, failures: 0, forget: false },
    ],
    [
      'a watch that ends at once is taken up more and more slowly',
      { type: 'ended', progressed: false, inTime: true },
      3,
      { delayMs: 1_200, failures: 4 },
    ],
    [
      'an expired position is followed by a list at once',
      { type: 'expired', reason },
      0,
      { delayMs: 0, forget: true, coverage: 'listing' },
    ],
    ['a restored storage is listed at once', { type: 'restored', reason }, 0, { delayMs: 0, forget: true, coverage: 'listing' }],
    [
      'a server that lags behind is given the time it asks for',
      { type: 'ahead', reason, afterMs: 1_000 },
      0,
      { delayMs: 1_050, failures: 1, forget: false, coverage: 'stale' },
    ],
    ['a list that expires again and again waits', { type: 'expired', reason }, 2, { delayMs: 600, forget: true }],
    [
      'an unsupported streaming list makes way at once',
      { type: 'unsupported', reason },
      0,
      { delayMs: 0, forget: true, failures: 0 },
    ],
    [
      'a forbidden kind is tried in time to notice within 10 s',
      { type: 'forbidden', reason },
      9,
      { delayMs: 8_000, failures: 10, coverage: 'forbidden' },
    ],
    [
      'a kind that was seen is asked for again before it is called forbidden',
      { type: 'forbidden', reason },
      0,
      { delayMs: 150, failures: 1, coverage: 'stale' },
    ],
    ['a kind that is gone is tried now and then', { type: 'gone', reason }, 9, { delayMs: 8_000, coverage: 'gone' }],
    [
      'throttling is obeyed',
      { type: 'throttled', reason, afterMs: 5_000 },
      0,
      { delayMs: 5_250, failures: 1, coverage: 'stale' },
    ],
    [
      'a silent peer is replaced at once',
      { type: 'silent', reason },
      0,
      { delayMs: 0, failures: 1, coverage: 'stale', forget: false },
    ],
    [
      'a failure after progress counts as the first',
      { type: 'failed', reason, progressed: true },
      5,
      { delayMs: 150, failures: 1 },
    ],
    ['failures back off', { type: 'failed', reason, progressed: false }, 4, { delayMs: 2_400, failures: 5 }],
    ['and no further than the maximum', { type: 'failed', reason, progressed: false }, 4_000, { delayMs: 11_250 }],
  ];
  for (const [what, outcome, failures, expected] of table) {
    it(what, () => {
      const step = nextStep(outcome, context(failures));
      assert.deepEqual({ ...step, ...expected }, step);
    });
  }

  it('calls a kind broken that was never seen whole, and stale one that was', () => {
    const failed: Outcome = { type: 'failed', reason, progressed: false };
    assert.equal(nextStep(failed, context(0, false)).coverage, 'broken');
    assert.equal(nextStep(failed, context(0, true)).coverage, 'stale');
  });
});

describe('outcome of a status', () => {
  const watch = { kind: WIDGET, streamingList: false, hasPosition: true, inStream: false };
  const streaming = { kind: WIDGET, streamingList: true, hasPosition: false, inStream: false };
  const table: [string, unknown, typeof watch, Outcome['type']][] = [
    ['401', { code: 401 }, watch, 'failed'],
    ['403', { code: 403 }, watch, 'forbidden'],
    ['404', { code: 404 }, watch, 'gone'],
    ['410', { code: 410 }, watch, 'expired'],
    ['410 in the stream', { code: 410 }, { ...watch, inStream: true }, 'expired'],
    ['429', { code: 429 }, watch, 'throttled'],
    ['503 with a time', { code: 503, details: { retryAfterSeconds: 2 } }, watch, 'throttled'],
    ['500', { code: 500 }, watch, 'failed'],
    ['400 for a position', { code: 400 }, watch, 'expired'],
    ['a position from the future', { code: 504, details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }, watch, 'ahead'],
    ['400 for a streaming list', { code: 400 }, streaming, 'unsupported'],
    ['422 for a streaming list', { code: 422 }, streaming, 'unsupported'],
    ['403 for a streaming list', { code: 403 }, streaming, 'forbidden'],
    ['503 for a streaming list', { code: 503 }, streaming, 'failed'],
    ['500 inside a streaming list', { code: 500 }, { ...streaming, inStream: true }, 'unsupported'],
    ['no code at all', 'nonsense', { ...watch, inStream: true }, 'failed'],
  ];
  for (const [what, status, request, type] of table) {
    it(`${what} is ${type}`, () => assert.equal(outcomeOfStatus(readStatus(status, 500), request).type, type));
  }
});
