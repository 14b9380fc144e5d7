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
  /** Time between two consistency relists; 0 for none. */
  consistencyMs: number;
  /** How long the watch may take to get as far as a consistency relist. Servers send a bookmark about every minute. */
  settleMs: number;
  backOffBaseMs: number;
  backOffMsMax: number;
}

export const DEFAULT_TIMING: ReflectorTiming = {
  watchSeconds: 300,
  graceMs: 30_000,
  bookmarkSilenceMs: 180_000,
  listSilenceMs: 60_000,
  forbiddenMs: 8_000,
  consistencyMs: 6 * 3_600_000,
  settleMs: 300_000,
  backOffBaseMs: 200,
  backOffMsMax: 10_000,
};
