export interface ReflectorTiming {
  /** A watch is asked to last between this and double, so that many do not end together. */
  watchSeconds: number;
  /** How much longer than asked for a watch may last in silence. */
  graceMs: number;
  /** Silence allowed on a watch that has brought a bookmark; servers send one about every minute. */
  bookmarkSilenceMs: number;
  /** Silence allowed in the middle of a list. */
  listSilenceMs: number;
  /** How often a kind that is forbidden or gone is tried again. */
  forbiddenMs: number;
  backOffBaseMs: number;
  backOffMsMax: number;
}

export const DEFAULT_TIMING: ReflectorTiming = {
  watchSeconds: 300,
  graceMs: 30_000,
  bookmarkSilenceMs: 180_000,
  listSilenceMs: 60_000,
  forbiddenMs: 8_000,
  backOffBaseMs: 200,
  backOffMsMax: 10_000,
};
