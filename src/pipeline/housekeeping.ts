/**
 * What has to be done now and then beside the work: upkeep of the store, the passing of event time where nothing comes, and keeping what was
 * learnt, so that a restart need not learn it again.
 */
import { type Clock, EVENT_TIME_LAG_MS } from '../domain/clock.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Analysis } from './analyze.ts';
import type { ControllerBook } from './controller-book.ts';
import type { MaskingBook } from './masking-book.ts';

const MAINTAIN_MS = 1_000;
/** Upkeep of the store holds up everything else for about so long at once. */
export const UPKEEP_MS = 3;
/** It gives way for ten times as long as it took, within these bounds. */
const UPKEEP_PAUSES = 10;
const UPKEEP_PAUSE_MIN_MS = 10;
const UPKEEP_PAUSE_MS = 30;
const UPKEEP_SLICES = 33;
const SNAPSHOT_MS = 300_000;

export interface Housekeeping {
  store: Store;
  analysis: Analysis;
  controllers: ControllerBook;
  masking: MaskingBook;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Event time passes with the wall clock. */
  live: boolean;
  /** Called when something pages, after it is stored. */
  react: () => void;
}

/** Ends when the signal says so. */
export async function keepHouse({
  store,
  analysis,
  controllers,
  masking,
  clock,
  logger,
  signal,
  live,
  react,
}: Housekeeping): Promise<void> {
  let snapshotMs = clock.nowMs();
  while (!signal.aborted) {
    // Apart, so that what is wrong with an old stretch of the log does not keep from disk what was learnt.
    const isBehind = (await orPutOff(logger, () => upkeep(store, clock, signal))) ?? false;
    await orPutOff(logger, () => {
      masking.save(clock.nowMs());
      if (live && analysis.advance(clock.nowMs() - EVENT_TIME_LAG_MS).length > 0) react();
      if (analysis.store().length > 0) react();
      if (clock.nowMs() - snapshotMs >= SNAPSHOT_MS) {
        analysis.saveSnapshot();
        controllers.save();
        snapshotMs = clock.nowMs();
      }
    });
    await clock.sleep(isBehind ? UPKEEP_PAUSE_MS : MAINTAIN_MS, signal).catch(() => undefined);
  }
}

/** What work answers; undefined where it could not be done now. A full disk is the pipeline's to wait out; housekeeping simply comes again. */
async function orPutOff<T>(logger: Logger, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isCrowsnestError(error)) throw error;
    logger.warn({ code: error.code }, `housekeeping put off: ${error.what}`);
    return undefined;
  }
}

/** In slices, between which others get their turn; says whether something is left after some of them, for which the next round is not waited for. */
async function upkeep(store: Pick<Store, 'maintain' | 'isPressed'>, clock: Clock, signal: AbortSignal): Promise<boolean> {
  for (let slices = 0; slices <= UPKEEP_SLICES && !signal.aborted; slices++) {
    const fromMs = clock.nowMs();
    if (!store.maintain({ msMax: UPKEEP_MS })) return false;
    await clock.sleep(pauseAfter(clock.nowMs() - fromMs, store.isPressed), signal).catch(() => undefined);
  }
  return true;
}

/**
 * How long upkeep gives way after a slice, both in ms. Near the cap on the database it takes every second turn: what is written then goes at the pace at which
 * room is made, and does not run into the cap to wait there.
 */
export function pauseAfter(tookMs: number, isPressed: boolean): number {
  if (isPressed) return Math.min(UPKEEP_PAUSE_MS, Math.max(1, Math.round(tookMs)));
  return Math.min(UPKEEP_PAUSE_MS, Math.max(UPKEEP_PAUSE_MIN_MS, Math.round(tookMs * UPKEEP_PAUSES)));
}
