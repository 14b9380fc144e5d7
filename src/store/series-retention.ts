/** Which blocks of samples may go. Pure; when they should is decided elsewhere. */

/** Raw samples, rollups of five minutes, rollups of an hour. */
export type SampleTier = 'raw' | '5m' | '1h';

export interface SeriesBlocks {
  id: number;
  lastScrape: number;
  msMin: number;
  msMax: number;
  bytes: number;
}

/** The oldest blocks that end before a time and hold no scrape after `lastScrape`. */
export function blocksBefore(
  blocks: readonly SeriesBlocks[],
  { beforeMs, blocksMax, lastScrape }: { beforeMs: number; blocksMax: number; lastScrape: number },
): SeriesBlocks[] {
  return blocks.filter((block) => block.msMax < beforeMs && block.lastScrape <= lastScrape).slice(0, blocksMax);
}
