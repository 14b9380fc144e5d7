/** The forecaster of series beside a running service: trained once a day where gauges of controllers are recorded, and asked when somebody asks. */
import type { Clock } from '../../domain/clock.ts';
import { DAY_MS } from '../../model/detector.ts';
import { type ForecasterFigures, hasEarned } from '../../model/neural/forecaster-standing.ts';
import type { Outlook } from '../../model/neural/outlook.ts';
import type { Store } from '../../store/store.ts';
import { gaugesOf } from './gauge-series.ts';
import { NeuralVersions } from './neural-versions.ts';
import type { NeuralWorker } from './neural-worker.ts';

/** What is learnt from, and what forecasters are compared on before one is asked. */
const LEARNT_MS = 14 * DAY_MS;
const COMPARED_MS = 3 * DAY_MS;
const RECENT_MS = 900_000;
/** How long an answer is as good as a new one: less than a step of the series. */
const FRESH_MS = 60_000;

export interface SeriesForecasts {
  /** Trains where that is due. */
  keep(signal: AbortSignal): Promise<void>;
  outlooks(): Promise<Outlook[]>;
  readonly versions: NeuralVersions<ForecasterFigures>;
  stop(): Promise<void>;
}

export function createSeriesForecasts({
  store,
  worker,
  clock,
}: {
  store: Store;
  /** Its own, so that a question need not wait for a training. */
  worker: NeuralWorker;
  clock: Clock;
}): SeriesForecasts {
  const versions = new NeuralVersions<ForecasterFigures>(store, 'neural/forecaster');
  let answer: { atMs: number; outlooks: Promise<Outlook[]> } | undefined;
  /** Orders under way: the thread ends with the last. */
  let busy = 0;
  const asking = async <T>(work: () => Promise<T>): Promise<T> => {
    busy++;
    try {
      return await work();
    } finally {
      busy--;
      if (busy === 0) await worker.close();
    }
  };

  const ask = (): Promise<Outlook[]> =>
    asking(async () => {
      const toMs = clock.nowMs();
      const current = versions.current();
      const weights = current !== undefined && hasEarned(current) ? versions.weights(current) : undefined;
      return (await worker.outlook({ fromMs: toMs - COMPARED_MS, toMs, seed: undefined, weights })).outlooks;
    });

  return {
    versions,
    async keep(signal) {
      const toMs = clock.nowMs();
      const newest = versions.list().at(-1);
      if (newest !== undefined && toMs - newest.throughMs < DAY_MS) return;
      if (gaugesOf(store, toMs - RECENT_MS, toMs).length === 0) return;
      const seed = newest === undefined ? 1 : newest.seed + 1;
      const { made } = await asking(() => worker.outlook({ fromMs: toMs - LEARNT_MS, toMs, seed, weights: undefined }));
      signal.throwIfAborted();
      if (made === undefined) return;
      const { figures, weights, backend, cpuSeconds } = made;
      const seconds = (clock.nowMs() - toMs) / 1000;
      versions.add({ ...figures, seed, throughSeq: 0, throughMs: toMs, backend, seconds, cpuSeconds }, weights);
    },
    outlooks() {
      const nowMs = clock.nowMs();
      if (answer === undefined || nowMs - answer.atMs > FRESH_MS) {
        const outlooks = ask();
        answer = { atMs: nowMs, outlooks };
        outlooks.catch(() => {
          answer = undefined;
        });
      }
      return answer.outlooks;
    },
    stop: () => worker.close(),
  };
}
