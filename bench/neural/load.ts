/**
 * What a training costs whoever is recorded meanwhile: a database of recorded streams, then changes at an even pace, each timed from the moment
 * it was due until it is recorded and judged, in turns alone and while a network is trained on what is there. The machine is another one from
 * minute to minute, so only neighbours are compared, and what chance leaves open is told with the ratio.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
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
import { type RatioOfTails, ratioOfTails } from './ratio-of-tails.ts';

const PER_SECOND = 50;
const ALONE_MS = 30_000;
const FILL = 500;
/** A tenth of what is recorded is kept back for measuring, and some changes are nobody's act. */
const MORE = 1.15;

export interface NeuralLoad {
  rounds: Round[];
  /** 99 of 100 while training beside alone, all rounds together, by the clock and by what the main thread used of a processor. */
  wall: RatioOfTails;
  cpu: RatioOfTails;
  residentMb: { before: number; most: number };
}

/** A stretch alone, and the training after it. */
export interface Round {
  /** Processes that wanted a processor, over the last minute. */
  load: { alone: number; training: number };
  alone: Latency;
  training: Latency;
  trainedOn: number;
  backend: string;
  /** In the thread, from the order to the answer, reading included. */
  trainingSeconds: number;
  /** CPU of the thread. */
  cpuSeconds: number;
}

export interface NeuralLoadOptions {
  data: string;
  streams: readonly string[];
  changes: number;
  rounds: number;
  backend: 'auto' | 'wasm' | 'native';
  note: (text: string) => void;
}

export async function measureNeuralLoad({
  data,
  streams,
  changes,
  rounds,
  backend,
  note,
}: NeuralLoadOptions): Promise<NeuralLoad> {
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
    const worker = createNeuralWorker({ backend, source: { file: flags.db, keyFile: undefined, timeZone: 'UTC' } });
    // Never due by itself: each training is asked for.
    const schedule = { intervalMs: Number.MAX_SAFE_INTEGER, changesMin: 1, changesMax: wanted };
    const follower = createNeuralFollower({ store: app.store, worker, clock: systemClock, schedule });
    note('following what is recorded, which is not measured');
    await follower.follow({ signal: stopping.signal, force: true });
    const before = residentMb();
    let most = before;
    const watch = setInterval(() => {
      most = Math.max(most, residentMb());
    }, 200);
    const done: Round[] = [];
    const alone: Timed[] = [];
    const training: Timed[] = [];
    for (let round = 1; round <= rounds; round++) {
      note(`round ${round} of ${rounds}: alone`);
      const quiet = await pace(delay(ALONE_MS));
      const loadAlone = loadNow();
      note(`round ${round} of ${rounds}: training`);
      const busy = await pace(follower.follow({ signal: stopping.signal, force: true }));
      const made = follower.versions.list().at(-1);
      if (made === undefined || made.trainedOn < changes / 2) throw new Error('no network was trained');
      alone.push(...quiet);
      training.push(...busy);
      done.push({
        load: { alone: loadAlone, training: loadNow() },
        alone: told(quiet),
        training: told(busy),
        trainedOn: made.trainedOn,
        backend: made.backend,
        trainingSeconds: made.seconds,
        cpuSeconds: made.cpuSeconds,
      });
      note(roundText(done.at(-1) as Round));
    }
    clearInterval(watch);
    const ratio = (of: (timed: Timed) => number) => ratioOfTails(training.map(of), alone.map(of));
    return {
      rounds: done,
      wall: ratio(({ ms }) => ms),
      cpu: ratio(({ cpuMs }) => cpuMs),
      residentMb: { before, most },
    };
  } finally {
    stopping.abort();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Timed {
  ms: number;
  cpuMs: number;
}

/** Delivers one change at an even pace until `end`; what comes late is late by the work before it too. */
function paced(app: App, observations: readonly Observation[]): (end: Promise<unknown>) => Promise<Timed[]> {
  let next = 0;
  return async (end) => {
    const all: Timed[] = [];
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
      const spent = process.threadCpuUsage();
      await app.pipeline.sink({ observations: [{ ...one, cluster }] });
      const { user, system } = process.threadCpuUsage(spent);
      all.push({ ms: performance.now() - dueMs, cpuMs: (user + system) / 1000 });
    }
    await ending;
    return all;
  };
}

function told(all: readonly Timed[]): Latency {
  const latencies = new Latencies();
  for (const { ms, cpuMs } of all) latencies.add(ms, cpuMs);
  return latencies.told();
}

function loadNow(): number {
  return Number((loadavg()[0] as number).toFixed(1));
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

function roundText({ load, alone, training, trainedOn, backend, trainingSeconds, cpuSeconds }: Round): string {
  const latency = ({ samples, p50Ms, p99Ms, maxMs, cpuP50Ms, cpuP99Ms }: Latency) =>
    `${p50Ms} ms at the median, ${p99Ms} at 99 %, ${maxMs} at most (${samples}); of the processor ${cpuP50Ms} and ${cpuP99Ms}`;
  return [
    `trained on ${trainedOn} changes in ${trainingSeconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of CPU) on ${backend}`,
    `  alone (load ${load.alone}): ${latency(alone)}`,
    `  while training (load ${load.training}): ${latency(training)}`,
  ].join('\n');
}

export function neuralLoadText({ rounds, wall, cpu, residentMb: mb }: NeuralLoad): string {
  const ratio = ({ ratio, from, to }: RatioOfTails) => `${ratio.toFixed(2)} (${from.toFixed(2)} to ${to.toFixed(2)})`;
  return [
    ...rounds.map(roundText),
    `99 % while training is ${ratio(wall)} times that alone by the clock, ${ratio(cpu)} by the processor's time of the main thread`,
    `resident ${mb.before} MB before, ${mb.most} at most`,
    '',
  ].join('\n');
}
