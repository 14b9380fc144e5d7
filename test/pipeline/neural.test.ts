/** The network beside the pipeline, with its real thread on WebAssembly and a stream small enough to train in a second. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { Schedule } from '../../src/model/neural/schedule.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { feedOf } from '../../src/pipeline/neural/followed-change.ts';
import { createNeuralFollower } from '../../src/pipeline/neural/neural-follower.ts';
import { NeuralVersions, VERSIONS_KEPT } from '../../src/pipeline/neural/neural-versions.ts';
import { createNeuralWorker, type NeuralWorker } from '../../src/pipeline/neural/neural-worker.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { kafka, observed } from '../support/objects.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-05T08:00:00Z');
const SCHEDULE: Schedule = { intervalMs: 24 * HOUR, changesMin: 40, changesMax: 1_000 };

/** A bot that changes one field each hour and two together every fifth. */
function record(store: Store, fromHour: number, toHour: number): void {
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  for (let hour = fromHour; hour < toHour; hour++) {
    const spec = { replicas: 3 + Math.floor(hour / 5), version: `1.${hour}.0`, pool: { size: Math.floor(hour / 5) } };
    const at = START + hour * HOUR;
    const type = hour === 0 ? 'ADDED' : 'MODIFIED';
    ingest.record({
      observations: [observed(type, kafka('k', String(hour + 1), spec), at, { actor: 'bot:bump', origin: 'replay' })],
    });
  }
}

const wasm = (store: Store) => createNeuralWorker({ backend: 'wasm', source: feedOf(store, 'UTC') });
const followerOf = (store: Store, worker: NeuralWorker = wasm(store)) =>
  createNeuralFollower({ store, worker, clock: systemClock, schedule: SCHEDULE });
const NOTHING = { changes: () => [], scores: () => new Map<number, number>() };
const never = new AbortController().signal;

test('a network is trained in its thread when it is due, and scores what comes after it', { timeout: 120_000 }, async () => {
  const store = openMemoryStore();
  record(store, 0, 30);
  const worker = wasm(store);
  const follower = followerOf(store, worker);
  await follower.follow({ signal: never });
  assert.equal(follower.versions.list().length, 0, 'forty changes are asked for');
  assert.equal(worker.running, false, 'no thread is started for nothing');

  record(store, 30, 120);
  await follower.follow({ signal: never });
  const [first, second] = follower.versions.list();
  assert.equal(first?.throughSeq, 40);
  assert.equal(second?.throughSeq, 80);
  assert.equal(first?.backend, 'wasm');
  assert.equal(follower.place.shadow.comparison.judged, 80, 'all but those before the first network');
  assert.equal(worker.running, false, 'the thread gives its memory back');
});

test('the same stream trains the same networks, in one go or with restarts', { timeout: 120_000 }, async () => {
  const whole = openMemoryStore();
  record(whole, 0, 120);
  const once = followerOf(whole);
  await once.follow({ signal: never });
  const pieces = openMemoryStore();
  for (let hour = 0; hour < 120; hour += 30) {
    record(pieces, hour, hour + 30);
    await followerOf(pieces).follow({ signal: never });
  }
  const last = followerOf(pieces);
  await last.follow({ signal: never, force: false });
  const plain = (store: Store) =>
    new NeuralVersions(store, 'neural/autoencoder').list().map(({ seconds: _, cpuSeconds: __, ...rest }) => rest);
  assert.deepEqual(plain(pieces), plain(whole));
  for (const version of new NeuralVersions(whole, 'neural/autoencoder').list())
    assert.deepEqual(
      new NeuralVersions(pieces, 'neural/autoencoder').weights(version),
      new NeuralVersions(whole, 'neural/autoencoder').weights(version),
    );
});

test('a kill in the middle of a training leaves the network in use, and the next start trains to the same', {
  timeout: 120_000,
}, async () => {
  const undisturbed = openMemoryStore();
  record(undisturbed, 0, 80);
  await followerOf(undisturbed).follow({ signal: never });

  const store = openMemoryStore();
  record(store, 0, 40);
  await followerOf(store).follow({ signal: never });
  const before = new NeuralVersions(store, 'neural/autoencoder').current();
  assert.equal(before?.id, 1);
  record(store, 40, 80);
  const worker = wasm(store);
  const killed: NeuralWorker = {
    read: (asked) => worker.read(asked),
    close: () => worker.close(),
    outlook: (asked) => worker.outlook(asked),
    get running() {
      return worker.running;
    },
    train: (lesson) =>
      worker.train({
        ...lesson,
        onProgress(share) {
          lesson.onProgress(share);
          void worker.close();
        },
      }),
  };
  await assert.rejects(followerOf(store, killed).follow({ signal: never }), /thread was closed/);
  assert.deepEqual(new NeuralVersions(store, 'neural/autoencoder').current(), before);

  await followerOf(store).follow({ signal: never });
  const weightsOf = (from: Store) => {
    const versions = new NeuralVersions(from, 'neural/autoencoder');
    const current = versions.current();
    assert.equal(current?.id, 2);
    return versions.weights(current);
  };
  assert.deepEqual(weightsOf(store), weightsOf(undisturbed));
});

test('a thread that cannot start says why, and nothing waits for ever', async () => {
  const worker = createNeuralWorker({ backend: 'wasm', source: NOTHING });
  const native = createNeuralWorker({ backend: 'native', source: NOTHING });
  const nothing = { after: 0, through: 9, without: [], scoreMax: 4, atLeast: 1, seed: 1, onProgress: () => {} };
  await Promise.allSettled([worker.close()]);
  const isInstalled = await import('@tensorflow/tfjs-node' as string).then(
    () => true,
    () => false,
  );
  if (!isInstalled) await assert.rejects(native.train(nothing), /native backend is not to be had/);
  await native.close();
});

test('networks are rows: kept up to a bound, gone back to by number, never numbered twice', () => {
  const store = openMemoryStore();
  const versions = new NeuralVersions(store, 'neural/autoencoder');
  const figures = { trainedOn: 1, loss: 0, measured: 0, planted: 0, toldByNetwork: 0, toldByPairs: 0 };
  const add = (n: number) =>
    versions.add(
      { ...figures, seed: 1, throughSeq: n, throughMs: n, backend: 'wasm', seconds: 1, cpuSeconds: 1 },
      Uint8Array.from([n]),
    );
  for (let n = 1; n <= 3; n++) add(n);
  assert.equal(versions.current()?.id, 3);
  assert.equal(versions.pin(1), true);
  assert.equal(versions.pin(77), false);
  assert.equal(versions.current()?.id, 1);
  for (let n = 4; n <= VERSIONS_KEPT + 5; n++) add(n);
  const kept = new NeuralVersions(store, 'neural/autoencoder');
  assert.equal(kept.list().length, VERSIONS_KEPT);
  assert.equal(kept.current()?.id, 1, 'what was gone back to is not let go of');
  for (const version of kept.list()) assert.deepEqual(kept.weights(version), Uint8Array.from([version.id]));
  kept.pin(undefined);
  assert.equal(kept.current()?.id, VERSIONS_KEPT + 5);
});
