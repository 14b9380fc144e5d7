/**
 * What people say to the service that judges beside a recorder, for the recording: asked for every two seconds, so what is said weighs in a replay on
 * what the recorder saw from at most that much later on. What was over when the recording began is left out.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ToldVerdict } from '../../domain/verdict.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Source } from '../source.ts';

const ASK_MS = 2_000;
const ASK_MS_MAX = 60_000;

export interface FollowedVerdictsOptions {
  /** All there are, in the order they were given. */
  list: () => Promise<readonly ToldVerdict[]>;
  /** What is said of others is not for this recording. */
  clusters: readonly string[];
  clock: Clock;
  logger: Pick<Logger, 'warn' | 'info'>;
  askMs?: number;
}

export function createFollowedVerdicts({ list, clusters, clock, logger, askMs = ASK_MS }: FollowedVerdictsOptions): Source {
  /** By verdict, whether it was taken back when last seen. */
  const seen = new Map<string, boolean>();
  const news = (all: readonly ToldVerdict[], first: boolean): ToldVerdict[] =>
    all.filter(({ id, scope, withdrawn, expiresMs }) => {
      const over = withdrawn !== undefined;
      const isNew = clusters.includes(scope.cluster) && seen.get(id) !== over;
      seen.set(id, over);
      return isNew && !(first && (over || expiresMs <= clock.nowMs()));
    });
  return {
    name: 'verdicts',
    async run(sink, signal) {
      let failures = 0;
      for (let first = true; !signal.aborted; ) {
        const all = await list().catch((error: unknown) => {
          if (failures++ === 0 && !signal.aborted)
            logger.warn({ err: error }, 'what people say cannot be asked for; trying again');
          return undefined;
        });
        if (all !== undefined) {
          if (failures > 0) logger.info('what people say can be asked for again');
          failures = 0;
          const verdicts = news(all, first);
          first = false;
          if (verdicts.length > 0) await sink({ observations: [], verdicts });
        }
        await clock.sleep(Math.min(askMs * 2 ** failures, ASK_MS_MAX), signal).catch(() => {});
      }
    },
  };
}
