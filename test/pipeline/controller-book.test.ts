/** On the demo's four weeks, whose controllers and kinds are known: ties by name, and by time alone with the names taken away. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createPlayback } from '../../src/collector/recording/playback.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import { CONTROLLERS } from '../../src/demo/controller-metrics.ts';
import type { Scrape } from '../../src/domain/series/series.ts';
import { createControllerBook } from '../../src/pipeline/controller-book.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const FILE = fileURLToPath(new URL('../../fixtures/demo/seed-1.ndjson.zst', import.meta.url));
const SILENT = createLogger('silent');
const KIND_OF = new Map(CONTROLLERS.map(({ controller, kind }) => [controller, kind]));
const ALIAS = new Map(CONTROLLERS.map(({ controller }, i) => [controller, `loop-${i}`]));

function withoutNames(scrape: Scrape): Scrape {
  const samples = scrape.samples.map((sample) => {
    const labels = Object.entries(sample.labels).map(([name, value]) => [name, ALIAS.get(value) ?? value]);
    return { ...sample, labels: Object.fromEntries(labels) as Record<string, string> };
  });
  return { ...scrape, samples };
}

async function play(disguise: (scrape: Scrape) => Scrape) {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: () => '0123456789abcdef' });
  const book = createControllerBook({ store, declared: [] });
  const clock = { nowMs: () => 0, sleep: async () => {} };
  await createPlayback({ file: FILE, clock, logger: SILENT }).run(async (batch: SourceBatch) => {
    const scrapes = (batch.scrapes ?? []).map(disguise);
    book.observe({ changes: ingest.record({ ...batch, scrapes }).changes, scrapes });
  }, new AbortController().signal);
  return { store, book };
}

describe('controllers of the demo', () => {
  it('are tied to their kinds by name, and stay so over a restart', async () => {
    const { store, book } = await play((scrape) => scrape);
    const cluster = book.views()[0]?.cluster ?? '';
    const tied = book.views().map(({ controller }) => [controller, book.kindOf(cluster, controller)?.kind]);
    assert.deepEqual(Object.fromEntries(tied), Object.fromEntries(KIND_OF));
    assert.equal(store.getState('controllers/ties'), undefined);
    book.save();
    assert.ok((store.getState('controllers/ties')?.length ?? 0) < 50_000);
    assert.deepEqual(createControllerBook({ store, declared: [] }).views(), book.views());
    store.close();
  });

  it('are tied by time alone when their names say nothing, seven of eight and none wrongly', async () => {
    const { store, book } = await play(withoutNames);
    const truth = new Map([...KIND_OF].map(([controller, kind]) => [ALIAS.get(controller), kind]));
    const first = book.views().map(({ controller, kinds }) => [truth.get(controller), kinds[0]?.kind] as const);
    assert.equal(first.length, 8);
    assert.deepEqual(
      first.filter(([kind, tied]) => tied !== undefined && tied !== kind),
      [],
    );
    assert.ok(first.filter(([, tied]) => tied !== undefined).length >= 7, JSON.stringify(first));
    assert.ok(
      book.views().every(({ kinds }) => kinds.every(({ confidence }) => confidence <= 0.7)),
      'time is never sure',
    );
    store.close();
  });

  it('begin anew where what was saved cannot be read', () => {
    const store = openMemoryStore();
    store.putState('controllers/ties', '{broken');
    assert.deepEqual(createControllerBook({ store, declared: [] }).views(), []);
    store.close();
  });
});
