/** How one target fares. */
export interface TargetHealth {
  url: string;
  foundBy: string;
  lastScrapeMs: number | undefined;
  up: boolean;
  /** Why not, in words. */
  reason?: string;
  /** Series kept of the last page. */
  samples: number;
}
