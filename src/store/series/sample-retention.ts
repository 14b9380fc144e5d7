/**
 * Lets go of old samples tier by tier: raw ones once they are rolled up and analysed, rollups of five minutes once they are rolled up to hours, at last
 * the hours, and with them the names of series of which nothing is left. Ages count from the newest sample, some blocks a step.
 */
import type { SampleTier, SeriesBlocks } from '../series-retention.ts';

export interface SampleRetentionOptions {
  /** Raw samples, rollups of five minutes and rollups of an hour are kept for this long; by default for ever. */
  keepSamplesMs: number;
  keepSamplesFineMs: number;
  keepSamplesCoarseMs: number;
}

export const SAMPLE_RETENTION_DEFAULTS: SampleRetentionOptions = {
  keepSamplesMs: Number.POSITIVE_INFINITY,
  keepSamplesFineMs: Number.POSITIVE_INFINITY,
  keepSamplesCoarseMs: Number.POSITIVE_INFINITY,
};

interface Parts {
  blocks: (tier: SampleTier) => readonly SeriesBlocks[];
  deleteBefore: (tier: SampleTier, beforeMs: number, blocksMax: number, throughScrape?: number) => number;
  forgetUnused: (limit: number) => number;
  /** The last scrape that was analysed; undefined where nothing is analysed. */
  analysedThrough: () => number | undefined;
}

const BLOCKS_PER_STEP = 8;
const NAMES_PER_STEP = 500;

export class SampleRetention {
  readonly #parts: Parts;
  readonly #keepMs: readonly [SampleTier, number][];
  /** Something was sealed or rolled up since nothing was due. */
  #isDue = true;
  #namesAreDue = false;

  constructor(parts: Parts, options: SampleRetentionOptions) {
    this.#parts = parts;
    this.#keepMs = [
      ['raw', options.keepSamplesMs],
      ['5m', options.keepSamplesFineMs],
      ['1h', options.keepSamplesCoarseMs],
    ];
  }

  forget(): void {
    this.#isDue = true;
  }

  /** To be told when there may be more that is old. */
  moved(): void {
    this.#isDue = true;
  }

  /** Works off some blocks; false when nothing is due. */
  step(): boolean {
    if (!this.#isDue) return false;
    const { blocks, deleteBefore, forgetUnused, analysedThrough } = this.#parts;
    const newestMs = (['raw', '5m', '1h'] as const).flatMap(blocks).reduce((newest, { msMax }) => Math.max(newest, msMax), 0);
    for (const [tier, keepMs] of this.#keepMs) {
      if (keepMs === Number.POSITIVE_INFINITY) continue;
      const through = tier === 'raw' ? analysedThrough() : undefined;
      if (deleteBefore(tier, newestMs - keepMs, BLOCKS_PER_STEP, through) === 0) continue;
      this.#namesAreDue ||= tier === '1h';
      return true;
    }
    if (this.#namesAreDue) this.#namesAreDue = forgetUnused(NAMES_PER_STEP) === NAMES_PER_STEP;
    this.#isDue = this.#namesAreDue;
    return this.#namesAreDue;
  }
}
