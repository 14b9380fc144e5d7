import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IngestBatch, IngestResult } from '../../src/pipeline/ingest.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../respond/manual-clock.ts';

const reject = { cluster: 'c', code: 'OBJECT_INVALID', where: 'w', what: 'x', observedMs: 0 };
const batchOf = (name: string): IngestBatch => ({ observations: [], rejects: [reject], cursors: { [name]: '1' }, seenToMs: 1 });

function setUp(faults: { record?: (batch: IngestBatch) => void; advance?: () => void }) {
  const recorded: string[][] = [];
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
    store: { probeWrite: () => true, sync() {} },
    clock: new ManualClock(0),
    logger: createLogger('silent'),
    signal: new AbortController().signal,
    react() {},
  });
  return { pipeline, recorded };
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
