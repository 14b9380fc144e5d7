/** The neural thread on a database file, which it reads by itself beside its writer, sealed or not: changes to train on, and series to forecast. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { feedOf } from '../../src/pipeline/neural/followed-change.ts';
import { createNeuralFollower } from '../../src/pipeline/neural/neural-follower.ts';
import { createNeuralWorker } from '../../src/pipeline/neural/neural-worker.ts';
import { createSeriesForecasts } from '../../src/pipeline/neural/series-forecasts.ts';
import { readKeyFile } from '../../src/store/seal/store-key.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { kafka, observed } from '../support/objects.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse('2026-01-05T08:00:00Z');
const SCHEDULE = { intervalMs: 24 * HOUR, changesMin: 40, changesMax: 1_000 };
const folder = mkdtempSync(join(tmpdir(), 'crowsnest-neural-'));
after(() => rmSync(folder, { recursive: true }));

function record(store: Store): void {
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  for (let hour = 0; hour < 60; hour++) {
    const object = kafka('k', String(hour + 1), { replicas: Math.floor(hour / 5), version: `1.${hour}.0` });
    const type = hour === 0 ? 'ADDED' : 'MODIFIED';
    ingest.record({ observations: [observed(type, object, START + hour * HOUR, { actor: 'bot:bump', origin: 'replay' })] });
  }
}

test('where threads have priorities, the neural one alone stands behind the others', {
  skip: process.platform !== 'linux',
}, async () => {
  const nice = () => {
    const tasks = readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/stat`, 'utf8'));
    // The name before it may hold spaces, and ends with the last bracket; nice is the nineteenth field of all.
    return tasks.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
  };
  const usual = getPriority();
  const behind = 19;
  assert.equal(nice().filter((each) => each === behind).length, 0);
  const worker = createNeuralWorker({ backend: 'wasm', source: { changes: () => [], scores: () => new Map() } });
  await worker.train({ after: 0, through: 1, without: [], scoreMax: 4, seed: 1, atLeast: 1, onProgress: () => {} });
  const during = nice();
  await worker.close();
  assert.equal(during.filter((each) => each === behind).length, 1);
  assert.equal(during.filter((each) => each === usual).length, during.length - 1);
});

test('what the thread reads from a sealed file is what a store at hand gives: the same network', {
  timeout: 120_000,
}, async () => {
  const keyFile = join(folder, 'keys');
  writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const file = join(folder, 'sealed.db');
  const store = openSqliteStore({ file, keys: readKeyFile(keyFile) });
  record(store);
  const made = [];
  for (const source of [{ file, keyFile, timeZone: 'UTC' }, feedOf(store, 'UTC')]) {
    const worker = createNeuralWorker({ backend: 'wasm', source });
    made.push(
      await worker.train({ after: 0, through: 50, without: [7], scoreMax: 4, seed: 1, atLeast: 10, onProgress: () => {} }),
      await worker.read({ after: 3, limit: 5, network: undefined }),
    );
    assert.equal(
      await worker.train({ after: 0, through: 50, without: [], scoreMax: 4, seed: 1, atLeast: 51, onProgress: () => {} }),
      undefined,
    );
    await worker.close();
  }
  const [byFile, readFromFile, byFeed, readFromFeed] = made;
  assert.ok(byFile !== undefined && 'weights' in byFile && byFeed !== undefined && 'weights' in byFeed);
  assert.deepEqual(byFile.weights, byFeed.weights);
  assert.deepEqual(byFile.figures, byFeed.figures);
  assert.deepEqual(readFromFile, readFromFeed);

  const worker = createNeuralWorker({ backend: 'wasm', source: { file, keyFile, timeZone: 'UTC' } });
  const follower = createNeuralFollower({ store, worker, clock: systemClock, schedule: SCHEDULE });
  await follower.follow({ signal: new AbortController().signal });
  assert.equal(follower.versions.current()?.throughSeq, 40);
  assert.equal(follower.place.seq, 60);
  store.close();
});

test('gauges of controllers are forecast, and say when all workers are busy', { timeout: 120_000 }, async () => {
  const file = join(folder, 'series.db');
  const store = openSqliteStore({ file });
  const endMs = Math.floor(Date.now() / (5 * MINUTE)) * 5 * MINUTE;
  const clock = { ...systemClock, nowMs: () => endMs };
  const steps = 400;
  for (let i = 0; i < steps; i++) {
    const sample = (metric: string, controller: string, value: number) => ({
      metric,
      labels: { controller, instance: '10.0.0.1:8080' },
      value,
    });
    // One rises by a worker in a quarter of an hour since a day and a half, the other goes up and down.
    const samples = [
      sample('controller_runtime_active_workers', 'rising', 10 + (i / steps) * 80 + (i % 3)),
      sample('controller_runtime_max_concurrent_reconciles', 'rising', 100),
      sample('controller_runtime_active_workers', 'calm', 20 + ((i * 7) % 30)),
      sample('controller_runtime_max_concurrent_reconciles', 'calm', 100),
      { ...sample('workqueue_depth', '', (i * 13) % 40), labels: { name: 'rising', instance: '10.0.0.1:8080' } },
    ];
    const tsMs = endMs - (steps - i) * 5 * MINUTE + MINUTE;
    store.append({ changes: [], scrapes: [{ cluster: 'c', target: '10.0.0.1:8080', tsMs, samples }] });
  }
  const worker = createNeuralWorker({ backend: 'wasm', source: { file, keyFile: undefined, timeZone: 'UTC' } });
  const forecasts = createSeriesForecasts({ store, worker, clock });
  await forecasts.keep(new AbortController().signal);
  const [version] = forecasts.versions.list();
  assert.ok(version !== undefined && version.series > 0 && version.windows > 256, JSON.stringify(version));
  await forecasts.keep(new AbortController().signal);
  assert.equal(forecasts.versions.list().length, 1, 'once a day');

  const outlooks = await forecasts.outlooks();
  assert.deepEqual(outlooks.map(({ controller, what }) => `${controller} ${what}`).sort(), [
    'calm busy-workers',
    'rising busy-workers',
    'rising queue-depth',
  ]);
  const rising = outlooks.find(({ controller, what }) => controller === 'rising' && what === 'busy-workers');
  // Ten of a hundred are left, a worker each 25 minutes: some four hours.
  assert.ok(
    rising?.full !== undefined && rising.full.earliestMs > HOUR && rising.full.earliestMs < 6 * HOUR,
    JSON.stringify(rising),
  );
  assert.equal(outlooks.find(({ controller }) => controller === 'calm')?.full, undefined);
  assert.equal(worker.running, false, 'the thread ends with the answer');
  store.close();
});
