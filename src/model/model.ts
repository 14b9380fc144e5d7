/** The model's port to the pipeline. Implementations are pure of I/O: all time is event time, all input is arguments. */
import type { Baseline, BaselineQuery } from '../domain/baseline.ts';
import type { Change } from '../domain/change.ts';
import type { Judgement } from '../domain/finding.ts';
import type { Scrape } from '../domain/series/series.ts';
import type { LiveRatio } from './tails/call-record.ts';

export interface Model {
  /**
   * Scores one change against the past, then learns it (score first; what is flagged is learnt with caution). Also returns the
   * missing changes that became known to be missing by this change's event time. Own writes return nothing and are not learnt.
   */
  observe(change: Change): Judgement[];
  /** Scores one scrape's samples and learns them: error share, duration and queue of each controller. */
  observeScrape(scrape: Scrape): Judgement[];
  /** Lets event time pass without a change, so that silences come due. */
  advance(nowMs: number): Judgement[];
  /** Keeps a change out of what is usual, while it waits to be learnt, as odd ones do for a day; false where it was learnt already. */
  withhold(change: { cluster: string; seq: number }): boolean;
  /** State after everything observed so far; restoring it and going on gives identical judgements. */
  snapshot(): Uint8Array;
  /** Controllers' series that are followed, and rows left out because there are as many as may be. */
  series(): { series: number; refusedRows: number };
  /** Clusters that changes came from, and things noted of them for one another; none of one alone. */
  fleet(): { clusters: number; entries: number };
  /** Observed over nominal of the detectors' calls in the recent past. */
  calibration(): LiveRatio[];
  /** What is learnt about how long, per scope: for "still learning" on the page. */
  maturity(): {
    changes: number;
    firstMs: number | undefined;
    lastMs: number | undefined;
    detectors: Record<string, { mature: boolean; samples: number }>;
  };
  /** What is usual, as far as it is learnt: of each subject that is meant, in each cluster that knows it. */
  baselines(query: BaselineQuery): Baseline[];
  /** Known names that contain what was asked for, a few. */
  namesLike(query: BaselineQuery): string[];
}
