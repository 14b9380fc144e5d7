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

function setUp(faults: {
  record?: (batch: IngestBatch) => void;
  advance?: () => void;
  probeWrite?: () => boolean;
  store?: () => void;
}) {
  const recorded: string[][] = [];
  const clock = new ManualClock(0);
  const stop = new AbortController();
  let isStored = true;
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
        isStored = false;
        return [];
      },
      isStored: () => isStored,
      store() {
        if (!isStored) faults.store?.();
        isStored = true;
        return [];
      },
    },
    store: { probeWrite: faults.probeWrite ?? (() => true) },
    clock,
    logger: createLogger('silent'),
    signal: stop.signal,
    react() {},
  });
  return { pipeline, recorded, clock, stop };
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

test('what was decided is stored a moment later, once for all that came meanwhile, and when there is room', async () => {
  const storedMs: number[] = [];
  let isFull = false;
  const { pipeline, clock } = setUp({
    store() {
      if (isFull) throw new CrowsnestError({ code: 'STORE_FULL', what: 'full' });
      storedMs.push(clock.nowMs());
    },
    probeWrite: () => !isFull,
  });
  const pass = async (ms: number) => {
    await until('it waits', () => clock.sleeping === 1);
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  for (let i = 0; i < 3; i++) {
    await pipeline.sink(batchOf(`${i}`));
    await pass(60);
  }
  assert.deepEqual(storedMs, []);
  await pass(20);
  assert.deepEqual(storedMs, [200]);
  isFull = true;
  await pipeline.sink(batchOf('full'));
  await pass(200);
  await pass(50);
  isFull = false;
  await pass(100);
  await until('it is stored', () => storedMs.length === 2);
  assert.equal(clock.sleeping, 0);
});

test('what is decided as the process stops is left to the snapshot', async () => {
  const { pipeline, clock, stop } = setUp({ store: () => assert.fail('stored beside the snapshot') });
  await pipeline.sink(batchOf('last'));
  await until('it waits', () => clock.sleeping === 1);
  stop.abort();
  await new Promise(setImmediate);
  assert.equal(clock.sleeping, 0);
});

test('what was decided is stored in time where sources leave timers no turn', async () => {
  const storedMs: number[] = [];
  const { pipeline, clock } = setUp({ store: () => void storedMs.push(clock.nowMs()) });
  clock.sleep = () => new Promise(() => {});
  for (let i = 0; i < 10; i++) {
    await pipeline.sink(batchOf(`${i}`));
    clock.advance(50);
  }
  assert.deepEqual(storedMs, [200, 400]);
});
