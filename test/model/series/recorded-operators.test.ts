import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import type { Scrape } from '../../../src/domain/series/series.ts';
import { makeCounters, readSignals, SIGNALS } from '../../../src/model/series/read-signals.ts';
import { SeriesWatch } from '../../../src/model/series/series-watch.ts';

interface Line {
  type: string;
  ts: string;
  cluster: string;
  target: string;
  samples: [string, Record<string, string>, number][];
}

const text = zstdDecompressSync(
  readFileSync(join(import.meta.dirname, '../../../fixtures/operators/hour.ndjson.zst')),
).toString();
const scrapes = text
  .split('\n')
  .filter((line) => line.startsWith('{"type":"METRICS"'))
  .map((line): Scrape => {
    const { cluster, target, ts, samples } = JSON.parse(line) as Line;
    return {
      cluster,
      target,
      tsMs: Date.parse(ts),
      samples: samples.map(([metric, labels, value]) => ({ metric, labels, value: Number(value) })),
    };
  });

test('pages of real operators give every signal, as finite numbers within their range', () => {
  const counters = makeCounters();
  const rows = scrapes.flatMap((scrape) => readSignals(scrape, counters));
  assert.deepEqual([...new Set(rows.map(({ name }) => name))].sort(), [...SIGNALS].sort());
  assert.ok(rows.every(({ value }) => Number.isFinite(value) && value >= 0));
  assert.ok(rows.filter(({ name }) => name === 'error-share' || name === 'saturation').every(({ value }) => value <= 1));
});

test('an hour of real operators is followed, and too little to tell of', () => {
  const watch = new SeriesWatch();
  const found = scrapes.flatMap((scrape) => watch.observe(scrape));
  assert.ok(watch.size().series >= SIGNALS.length);
  assert.deepEqual(
    found.filter(({ mature }) => mature),
    [],
  );
});
