/** The network beside a running service: looks once a minute whether there is something to do, and says what it is at. */
import type { Clock } from '../../domain/clock.ts';
import { hasEarned } from '../../model/neural/forecaster-standing.ts';
import type { NeuralPort, NeuralView } from '../../model/neural/neural-view.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { NeuralFollower } from './neural-follower.ts';
import type { SeriesForecasts } from './series-forecasts.ts';

const LOOK_MS = 60_000;
/** After a failure; the thread may have run out of memory, which the next minute does not mend. */
const AGAIN_MS = 900_000;

export interface NeuralWatch extends NeuralPort {
  run(signal: AbortSignal): Promise<void>;
}

export interface NeuralWatchOptions {
  mode: NeuralView['mode'];
  follower: NeuralFollower;
  forecasts: SeriesForecasts;
  running: () => boolean;
  clock: Clock;
  logger: Logger;
  onTrained: (seconds: number) => void;
  onFailed: () => void;
}

export function createNeuralWatch(options: NeuralWatchOptions): NeuralWatch {
  const { mode, follower, clock, logger } = options;
  const { versions, place } = follower;
  let asked = false;
  let wake = new AbortController();

  const look = async (signal: AbortSignal): Promise<number> => {
    const force = asked;
    asked = false;
    const newest = versions.list().at(-1)?.id ?? 0;
    try {
      await follower.follow({ signal, force });
      await options.forecasts.keep(signal);
    } catch (err) {
      if (signal.aborted) throw err;
      options.onFailed();
      logger.warn({ err }, 'the network could not be trained or asked; the one in use stays');
      return AGAIN_MS;
    } finally {
      for (const made of versions.list()) {
        if (made.id <= newest) continue;
        options.onTrained(made.seconds);
        const { id, trainedOn, seconds, backend, toldByNetwork, toldByPairs } = made;
        logger.info({ id, trainedOn, seconds, backend, toldByNetwork, toldByPairs }, 'a network was trained');
      }
    }
    return LOOK_MS;
  };

  return {
    async run(signal) {
      while (!signal.aborted) {
        const waitMs = await look(signal);
        wake = new AbortController();
        await clock.sleep(waitMs, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
      }
    },
    trainNow() {
      asked = true;
      wake.abort();
    },
    revert: (id) => versions.pin(id),
    outlooks: () => options.forecasts.outlooks(),
    weights: (version) => versions.weights(version),
    view() {
      const current = versions.current();
      return {
        mode,
        current,
        pinned: versions.pinned,
        versions: versions.list(),
        progress: follower.progress,
        running: options.running(),
        promoted: place.promoted,
        standing: follower.standing(),
        comparison: place.shadow.comparison,
        seq: place.seq,
        forecasters: options.forecasts.versions.list().map((one) => ({ ...one, earned: hasEarned(one) })),
      };
    },
  };
}
