import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrowsnestError } from '../../src/domain/errors.ts';
import type { IngestBatch, IngestResult } from '../../src/pipeline/ingest.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { until } from '../support/until.ts';

const reject = { cluster: 'c', code: 'OBJECT_INVALID', where: 'w', what: 'x', observedMs: 0 };
const batchOf = (name: string): IngestBatch => ({ observations: [], rejects: [reject], cursors: { [name]: '1' }, seenToMs: 1 });

function setUp(faults: { record?: (batch: IngestBatch) => void; advance?: () => void; probeWrite?: () => boolean }) {
  const recorded: string[][] = [];
  const clock = new ManualClock(0);
  const pipeline = createPipeline({
    ingest: {
      digests: 0,
      masked: (scrape) => scrape,
      record(batch): IngestResult {
        faults.record?.(batch);
        recorded.push(Object.keys(batch.cursors ?? {}));
        return { changes: [], heartbeats: 0, repeats: 0, late: 0, unreadable: 0 };
      },
    },
    analysis: {
      analyze: () => [],
      advance() {
        faults.advance?.();
        return [];
      },
    },
    store: { probeWrite: faults.probeWrite ?? (() => true), sync() {} },
    clock,
    logger: createLogger('silent'),
    signal: new AbortController().signal,
    react() {},
  });
  return { pipeline, recorded, clock };
}

test('a batch that cannot be recorded costs its neighbours nothing: each of the turn is taken alone', async () => {
  const { pipeline, recorded } = setUp({
    record(batch) {
      if (batch.cursors?.bad !== undefined) throw new Error('no');
    },
  });
  const { seenToMs: _, ...first } = batchOf('a');
  const { seenToMs: __, ...bad } = batchOf('bad');
  const outcomes = await Promise.allSettled([first, bad, batchOf('b')].map((batch) => pipeline.sink(batch)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(recorded, [['a'], ['b']]);
  assert.equal(pipeline.counts.rejects, 2);
});

test('what fails behind recording is not recorded or counted again', async () => {
  const { pipeline, recorded } = setUp({
    advance() {
      throw new Error('analysis');
    },
  });
  const { seenToMs: _, ...first } = batchOf('a');
  const outcomes = await Promise.allSettled([first, batchOf('b')].map((batch) => pipeline.sink(batch)));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.deepEqual(recorded, [['a', 'b']]);
  assert.equal(pipeline.counts.rejects, 2);
});

for (const [why, isRoomFound] of [
  ['until there is', false],
  ['where a probe finds some and the batch does not', true],
] as const) {
  test(`a batch for which there is no room waits, ${why}: asked soon at first, and ever more seldom`, async () => {
    const probedMs: number[] = [];
    let isFull = true;
    const { pipeline, recorded, clock } = setUp({
      record() {
        if (isFull) throw new CrowsnestError({ code: 'STORE_FULL', what: 'full' });
      },
      probeWrite() {
        probedMs.push(clock.nowMs());
        isFull = probedMs.length < 10;
        return isRoomFound || !isFull;
      },
    });
    const taken = pipeline.sink(batchOf('a'));
    for (let probes = 0; probes < 10; probes++) {
      await until('it waits', () => clock.sleeping === 1);
      while (probedMs.length === probes) {
        clock.advance(50);
        await new Promise(setImmediate);
      }
    }
    await taken;
    assert.deepEqual(recorded, [['a']]);
    assert.deepEqual(
      probedMs.map((ms, i) => ms - (probedMs[i - 1] ?? 0)),
      [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000],
    );
  });
}
