/**
 * Brings the analysis up to the end of the record in steps, so that the API answers and watches are recorded meanwhile. After a change of the
 * model's format it has years to go through; after a crash, seconds.
 */
import type { Clock } from '../domain/clock.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Analysis } from './analyze.ts';

/**
 * How long a step may hold up everything else; the number of items in it is fitted to that. What is judged is stored with each step, what is learnt again is not:
 * there short ones cost nothing, and a watch that begins beside it takes some fifteen turns until it records.
 */
const STEP_MS = { relearning: 5, judging: 20 };
const STEP_ITEMS_MAX = 500;
const PROBE_MS = 2_000;
const TELL_MS = 30_000;

export interface CatchUpOptions {
  analysis: Pick<Analysis, 'behind' | 'phase' | 'step' | 'saveSnapshot'>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Called when something pages, after it is stored. */
  onPaged: () => void;
}

/** Ends when the analysis is current, or when the signal says so. */
export async function catchUp({ analysis, clock, logger, signal, onPaged }: CatchUpOptions): Promise<void> {
  let items = 1;
  let told: number | undefined;
  for (;;) {
    // Before the first step as well: whoever waited for the start asks now.
    await new Promise((resolve) => setImmediate(resolve));
    const phase = analysis.phase();
    if (phase === 'current' || signal.aborted) break;
    const fromMs = clock.nowMs();
    if (told === undefined || fromMs - told >= TELL_MS) {
      logger.info({ ...analysis.behind() }, 'the model goes through the record');
      told = fromMs;
    }
    try {
      if (analysis.step(items).length > 0) onPaged();
      // What took long to learn is kept at once: a kill before the next snapshot would cost all of it again.
      if (analysis.phase() !== phase) analysis.saveSnapshot();
      const tookMs = clock.nowMs() - fromMs;
      items = tookMs > STEP_MS[phase] ? Math.max(1, items >> 1) : Math.min(STEP_ITEMS_MAX, items * 2);
    } catch (error) {
      if (!isCrowsnestError(error, 'STORE_FULL') && !isCrowsnestError(error, 'STORE_READ_ONLY')) throw error;
      // What was decided is kept and stored with the next step.
      logger.warn({ code: error.code }, `${error.what}; findings wait until writing works again`);
      await clock.sleep(PROBE_MS, signal).catch(() => undefined);
    }
  }
  if (told !== undefined && !signal.aborted) logger.info('the model is up to date');
}
