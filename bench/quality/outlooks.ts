/**
 * "At this rate full in 3 h (2 h to 5 h)": how often the limit was first reached within the band, on rising stretches of the Numenta Anomaly Benchmark's
 * files, where the limit is a height that a file reaches now and then. No label is read.
 */
import { outlookOf } from '../../src/model/series/outlook.ts';
import { type NabFile, readCorpus, splitHalves } from './nab-corpus.ts';

export interface OutlookCoverage {
  files: number;
  told: number;
  within: number;
  earlier: number;
  later: number;
  /** With a later end within twenty times what the line says. */
  ended: number;
}

const POINTS = 60;
const LIMITS = [0.9, 0.97];
const AHEAD_MS = 24 * 3_600_000;
/** Rows from one outlook of a file to the next: stretches that overlap are one. */
const REST = 72;

export function measureOutlooks(data: string): Record<'a' | 'b', OutlookCoverage> {
  const { a, b } = splitHalves(readCorpus(data));
  return { a: coverageOf(a), b: coverageOf(b) };
}

function coverageOf(files: readonly NabFile[]): OutlookCoverage {
  const sum: OutlookCoverage = { files: 0, told: 0, within: 0, earlier: 0, later: 0, ended: 0 };
  for (const file of files) {
    const before = sum.told;
    const rising = [...file.values].sort((one, other) => one - other);
    for (const share of LIMITS) addFile(sum, file, rising[Math.floor(share * rising.length)] as number);
    if (sum.told > before) sum.files++;
  }
  const share = (n: number) => Number((n / sum.told).toFixed(3));
  return {
    ...sum,
    within: share(sum.within),
    earlier: share(sum.earlier),
    later: share(sum.later),
    ended: share(sum.ended),
  };
}

function addFile(sum: OutlookCoverage, { atMs, values }: NabFile, limit: number): void {
  for (let row = POINTS; row < values.length; row++) {
    const points = Array.from({ length: POINTS }, (_, i) => {
      const at = row - POINTS + 1 + i;
      return { atMs: atMs[at] as number, value: values[at] as number };
    });
    const outlook = outlookOf(points, limit);
    if (outlook === undefined || outlook.inMs > AHEAD_MS) continue;
    const reached = values.findIndex((value, at) => at > row && value >= limit);
    const tookMs = (atMs[reached] as number) - (atMs[row] as number);
    row += REST;
    // Of what a file ends before nothing is known.
    if (reached < 0) continue;
    sum.told++;
    if (tookMs < outlook.earliestMs) sum.earlier++;
    else if (tookMs > outlook.latestMs) sum.later++;
    else sum.within++;
    if (Number.isFinite(outlook.latestMs)) sum.ended++;
  }
}
