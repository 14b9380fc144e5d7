/**
 * What a training costs whoever is recorded meanwhile: a database of recorded streams, then changes at an even pace, each timed from the moment
 * it was due until it is recorded and judged, first alone, then while a network is trained on what is there, then alone again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type App, createApp } from '../../src/app.ts';
import { createPlayback } from '../../src/collector/recording/playback.ts';
import type { Observation } from '../../src/domain/change.ts';
import { parseOptions } from '../../src/options.ts';
import { createNeuralFollower } from '../../src/pipeline/neural/neural-follower.ts';
import { createNeuralWorker } from '../../src/pipeline/neural/neural-worker.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { Latencies, type Latency } from '../latency.ts';

const PER_SECOND = 50;
const ALONE_MS = 15_000;
const FILL = 500;
/** A tenth of what is recorded is kept back for measuring, and some changes are nobody's act. */
const MORE = 1.15;

export interface NeuralLoad {
  trainedOn: number;
  backend: string;
  /** In the thread, from the order to the answer; and in all, reading included. */
  trainingSeconds: number;
  /** CPU of the thread. */
  cpuSeconds: number;
  seconds: number;
  alone: Latency;
  training: Latency;
  aloneAgain: Latency;
  /** 99 of 100, beside the worse of the two times alone. */
  ratio: number;
  residentMb: { before: number; most: number; after: number };
}

export interface NeuralLoadOptions {
  data: string;
  streams: readonly string[];
  changes: number;
  backend: 'auto' | 'wasm' | 'native';
  note: (text: string) => void;
}

export async function measureNeuralLoad({ data, streams, changes, backend, note }: NeuralLoadOptions): Promise<NeuralLoad> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-neural-'));
  const stopping = new AbortController();
  try {
    const flags = { db: join(folder, 'bench.db'), logLevel: 'error' };
    const options = parseOptions({ command: 'backtest', flags, environment: {} });
    await using app = createApp({ options, defaultDb: flags.db, signal: stopping.signal });
    // Seals what is recorded and files findings, as a service does.
    app.startHousekeeping({ live: false });
    const observations = (await Promise.all(streams.map((name) => read(join(data, `${name}.jsonl.zst`))))).flat();
    if (observations.length === 0) throw new Error('the streams hold no changes');
    const wanted = Math.ceil(changes * MORE);
    let copy = 0;
    while (app.store.counts().changes < wanted) {
      copy++;
      for (let i = 0; i < observations.length && app.store.counts().changes < wanted; i += FILL)
        await app.pipeline.sink({
          observations: observations.slice(i, i + FILL).map((one) => ({ ...one, cluster: `copy-${copy}` })),
        });
      note(`${app.store.counts().changes} changes recorded and judged`);
    }
    const pace = paced(app, observations);
    note('alone');
    const alone = await pace(delay(ALONE_MS));
    const before = residentMb();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, residentMb());
    }, 200);
    note('training');
    const worker = createNeuralWorker({ backend, source: { file: flags.db, keyFile: undefined, timeZone: 'UTC' } });
    const schedule = { intervalMs: Number.MAX_SAFE_INTEGER, changesMin: 1, changesMax: wanted };
    const follower = createNeuralFollower({ store: app.store, worker, clock: systemClock, schedule });
    const told = setInterval(
      () => note(`${follower.progress.state} ${follower.progress.share.toFixed(2)}, through ${follower.place.seq}`),
      5_000,
    );
    const beganMs = performance.now();
    const training = await pace(follower.follow({ signal: stopping.signal }));
    const seconds = (performance.now() - beganMs) / 1000;
    clearInterval(watch);
    clearInterval(told);
    const made = follower.versions.list()[0];
    if (made === undefined) throw new Error('no network was trained');
    note('alone again');
    const aloneAgain = await pace(delay(ALONE_MS));
    const resident = { before, most, after: residentMb() };
    const ratio = Number((training.p99Ms / Math.max(alone.p99Ms, aloneAgain.p99Ms)).toFixed(2));
    const { trainedOn, backend: used, seconds: trainingSeconds, cpuSeconds } = made;
    return {
      trainedOn,
      backend: used,
      trainingSeconds,
      cpuSeconds,
      seconds,
      alone,
      training,
      aloneAgain,
      ratio,
      residentMb: resident,
    };
  } finally {
    stopping.abort();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Delivers one change at an even pace until `end`; what comes late is late by the work before it too. */
function paced(app: App, observations: readonly Observation[]): (end: Promise<unknown>) => Promise<Latency> {
  let next = 0;
  return async (end) => {
    const latencies = new Latencies();
    let ended = false;
    const ending = end.finally(() => {
      ended = true;
    });
    for (let dueMs = performance.now(); !ended; dueMs += 1000 / PER_SECOND) {
      const waitMs = dueMs - performance.now();
      // Also where it is behind: what comes from elsewhere has its turn in between, as with a watch.
      if (waitMs > 0) await delay(waitMs);
      else await nextTurn();
      const one = observations[next % observations.length] as Observation;
      const cluster = `live-${Math.floor(next++ / observations.length)}`;
      await app.pipeline.sink({ observations: [{ ...one, cluster }] });
      latencies.add(performance.now() - dueMs);
    }
    await ending;
    return latencies.told();
  };
}

async function read(file: string): Promise<Observation[]> {
  const out: Observation[] = [];
  const logger = { warn() {}, info() {}, error() {}, debug() {} } as unknown as App['logger'];
  const playback = createPlayback({ file, clock: systemClock, logger });
  await playback.run(async (batch) => {
    for (const observation of batch.observations) out.push(observation);
  }, new AbortController().signal);
  return out;
}

function residentMb(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

export function neuralLoadText(result: NeuralLoad): string {
  const { trainedOn, backend, trainingSeconds, cpuSeconds, seconds, alone, training, aloneAgain, ratio, residentMb: mb } = result;
  const told = ({ samples, p50Ms, p99Ms, maxMs }: Latency) =>
    `${p50Ms} ms at the median, ${p99Ms} at 99 %, ${maxMs} at most (${samples})`;
  return [
    `trained on ${trainedOn} changes in ${trainingSeconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of CPU) on ${backend}, ${seconds.toFixed(1)} s with reading`,
    `recorded and judged alone: ${told(alone)}`,
    `while training: ${told(training)}`,
    `alone again: ${told(aloneAgain)}`,
    `99 % while training is ${ratio} times that alone; resident ${mb.before} MB before, ${mb.most} at most, ${mb.after} after`,
    '',
  ].join('\n');
}
