/** The one set of constants for all series; docs/detectors.md says on which files they were chosen. */
import { HOUR_MS } from '../detector.ts';
import type { AlarmConstants, CombineConstants } from './combine-channels.ts';
import type { EvidenceConstants } from './evidence.ts';

export interface SeriesConstants {
  evidence: EvidenceConstants;
  combine: CombineConstants;
  alarm: AlarmConstants;
}

export const SERIES: SeriesConstants = {
  evidence: {
    tail: { min: 60, topShare: 0.02, indexPrior: 0.3, priorWeight: 5 },
    pastMax: 6000,
    levelMax: 1500,
    seasons: { day: { slots: 96, rounds: 10 }, week: { slots: 336, rounds: 6 } },
  },
  combine: {
    weights: { forecast: 0.675, level: 0.98, quiet: 0.985, record: 1.375, unrest: 0.18 },
    fade: 0.75,
    agePenalty: 0.91,
  },
  alarm: {
    ...{ level: 2.5, restRows: 107, escalation: 4.25, habit: 0.5, habitRows: 856 },
    daily: { points: 0.25, withinMs: 2.5 * HOUR_MS },
  },
};

/**
 * Of a controller's series: the same, with a shorter past, so that six hundred of them stay within memory, and without quiet, which says nothing
 * about a share or a time that rose: among discrete values a stretch without movement is common.
 */
export const PRODUCT_SERIES: SeriesConstants = {
  ...SERIES,
  evidence: {
    ...SERIES.evidence,
    pastMax: 360,
    levelMax: 240,
    seasons: { day: { slots: 48, rounds: 5 }, week: { slots: 168, rounds: 3 } },
  },
  combine: { ...SERIES.combine, weights: { ...SERIES.combine.weights, quiet: 0 } },
};
