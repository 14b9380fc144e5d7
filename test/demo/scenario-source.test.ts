import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StreamEntry } from '../../src/collector/recording/stream-format.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import { createScenarioSource } from '../../src/demo/scenario-source.ts';

function observation(i: number): StreamEntry {
  const metadata = { name: 'n', uid: 'u', resourceVersion: String(i) };
  return {
    observation: {
      cluster: 'c',
      type: 'MODIFIED',
      object: { apiVersion: 'v1', kind: 'K', metadata },
      observedMs: i,
      origin: 'replay',
    },
  };
}

function scrape(i: number): StreamEntry {
  return { scrape: { cluster: 'c', target: 't', tsMs: i, samples: [] } };
}

async function play(entries: StreamEntry[], signal = new AbortController().signal) {
  const batches: SourceBatch[] = [];
  const progress: [number, number][] = [];
  const source = createScenarioSource({ scenario: { entries, seed: 9 }, onProgress: (...state) => progress.push(state) });
  await source.run(async (batch) => void batches.push(batch), signal);
  return { batches, progress };
}

it('hands over everything once, in batches of at most 256, and says how far it is', async () => {
  const entries = Array.from({ length: 600 }, (_, i) => observation(i));
  const { batches, progress } = await play(entries);
  assert.deepEqual(
    batches.map(({ observations }) => observations.length),
    [256, 256, 88],
  );
  assert.deepEqual(
    batches.flatMap(({ observations }) => observations.map(({ observedMs }) => observedMs)),
    entries.map((_, i) => i),
  );
  assert.deepEqual(progress, [
    [256, 600],
    [512, 600],
    [600, 600],
  ]);
  assert.deepEqual(
    batches.map(({ cursors }) => cursors),
    [{ 'demo:9': '256' }, { 'demo:9': '512' }, { 'demo:9': '600' }],
  );
});

it('keeps observations before the scrapes that came after them', async () => {
  const { batches } = await play([scrape(1), observation(2), observation(3), scrape(4), observation(5)]);
  const times = batches.map((batch) => [
    ...batch.observations.map(({ observedMs }) => observedMs),
    ...batch.scrapes!.map(({ tsMs }) => tsMs),
  ]);
  assert.deepEqual(times, [[1], [2, 3, 4], [5]]);
});

it('stops when told to', async () => {
  const stop = new AbortController();
  stop.abort();
  const { batches } = await play(
    Array.from({ length: 600 }, (_, i) => observation(i)),
    stop.signal,
  );
  assert.equal(batches.length, 1);
});
