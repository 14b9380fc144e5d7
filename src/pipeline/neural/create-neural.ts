/** The parts of the network put together for a running service. Nothing here loads TensorFlow.js: that is the thread's. */
import type { Registry } from 'prom-client';
import type { Clock } from '../../domain/clock.ts';
import type { Verdict } from '../../domain/verdict.ts';
import type { NeuralView } from '../../model/neural/neural-view.ts';
import type { Store } from '../../store/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { CURSOR_CHANGES } from '../analyze.ts';
import { createNeuralFollower } from './neural-follower.ts';
import { createNeuralMetrics, type NeuralCounts } from './neural-metrics.ts';
import { createNeuralWatch, type NeuralWatch } from './neural-watch.ts';
import { createNeuralWorker, type NeuralWorkerOptions } from './neural-worker.ts';
import { createSeriesForecasts } from './series-forecasts.ts';

export interface NeuralOptions {
  store: Store;
  /** Of --store-key-file. */
  keyFile: string | undefined;
  clock: Clock;
  logger: Logger;
  registry: Registry;
  timeZone: string;
  mode: NeuralView['mode'];
  backend: NeuralWorkerOptions['backend'];
}

export function createNeural({ store, keyFile, clock, logger, registry, timeZone, mode, backend }: NeuralOptions): NeuralWatch & {
  stop(): Promise<void>;
} {
  const thread = () =>
    createNeuralWorker({
      backend,
      source: { file: store.file, keyFile, timeZone },
      onStart: (started) => logger.info(started, 'the thread of the network has started'),
    });
  const worker = thread();
  const forecasts = createSeriesForecasts({ store, worker: thread(), clock });
  const follower = createNeuralFollower({
    ...{ store, worker, clock },
    mayPromote: mode === 'auto',
    confirmed: (through) => confirmedBy(store.verdicts(), through),
    judgedThrough: () => Number(store.cursor(CURSOR_CHANGES) ?? 0),
  });
  const watch: NeuralWatch = createNeuralWatch({
    ...{ mode, follower, forecasts, clock, logger },
    running: () => worker.running,
    onTrained: (seconds) => counts.trained(seconds),
    onFailed: () => counts.failed(),
  });
  const counts: NeuralCounts = createNeuralMetrics(registry, () => watch.view());
  return { ...watch, stop: async () => void (await Promise.all([worker.close(), forecasts.stop()])) };
}

/** What people called wrong, when analysis had come that far: so that a replay decides as the live run did. */
export function confirmedBy(verdicts: readonly Verdict[], through: number): Set<number> {
  const confirmed = new Set<number>();
  for (const { verdict, change, place, withdrawn } of verdicts) {
    const stands = place.seq <= through && !(withdrawn !== undefined && withdrawn.place.seq <= through);
    if (verdict === 'wrong' && change !== undefined && stands) confirmed.add(change.seq);
  }
  return confirmed;
}
