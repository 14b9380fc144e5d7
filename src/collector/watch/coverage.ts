import type { BlindSpot } from '../../domain/blind-spot.ts';
import type { ClusterReach, CoverageState, KindCoverage } from '../source.ts';

/** From bad to good: a kind watched in several namespaces is as well seen as the worst of them. */
const WORST_FIRST: CoverageState[] = ['broken', 'forbidden', 'gone', 'stale', 'listing', 'watched', 'excluded'];

/** One entry for a kind from those of its namespaces; `parts` is not empty. */
export function mergeCoverage(parts: { namespace: string | undefined; coverage: KindCoverage }[]): KindCoverage {
  const [first] = parts;
  if (first === undefined) throw new Error('a kind has at least one watch');
  if (parts.length === 1) return first.coverage;
  const worst = parts.reduce((a, b) => (rank(b) < rank(a) ? b : a));
  const merged: KindCoverage = { ...worst.coverage, objects: sum(parts, 'objects'), relists: sum(parts, 'relists') };
  merged.everWatched = parts.some(({ coverage }) => coverage.everWatched);
  if (worst.coverage.reason !== undefined) merged.reason = `in namespace ${worst.namespace}: ${worst.coverage.reason}`;
  for (const field of ['gaps', 'missed'] as const) merged[field] = sum(parts, field);
  for (const field of ['lastEventMs', 'lastBookmarkMs', 'lagMs', 'lastGapMs', 'epoch'] as const) {
    const values = parts.map(({ coverage }) => coverage[field]).filter((value) => value !== undefined);
    if (values.length > 0) merged[field] = Math.max(...values);
  }
  // All are checked only once the last of them is.
  const checks = parts.map(({ coverage }) => coverage.lastCheckMs);
  if (checks.every((ms) => ms !== undefined)) merged.lastCheckMs = Math.min(...checks);
  return merged;
}

/**
 * What of a cluster should be seen and is not. A kind that was never allowed is no news, only coverage; one that is gone was deleted, which
 * is in the record. A cluster that is away is one trouble: what is stale, broken or missing because of it is not told beside it.
 */
export function blindSpots(
  { cluster, state, reason = state, sinceMs, canary }: ClusterReach,
  rows: readonly KindCoverage[],
): BlindSpot[] {
  const kinds = blindKinds(rows);
  if (state !== 'reached') {
    const away: BlindSpot = { cluster, problem: 'unreachable', what: `cluster ${cluster}`, reason, sinceMs };
    return [away, ...kinds.filter(({ problem }) => problem === 'forbidden')];
  }
  if (canary?.state !== 'missing') return kinds;
  const { reason: why = 'missing' } = canary;
  return [...kinds, { cluster, problem: 'canary', what: 'canary', reason: why, sinceMs: canary.sinceMs }];
}

function blindKinds(rows: readonly KindCoverage[]): BlindSpot[] {
  const spots: BlindSpot[] = [];
  for (const { cluster, group, kind, state, reason = state, sinceMs, everWatched } of rows) {
    const what = group === '' ? kind : `${kind}.${group}`;
    if (state === 'broken' || state === 'stale' || (state === 'forbidden' && everWatched))
      spots.push({ cluster, problem: state, what, reason, sinceMs });
  }
  return spots;
}

function rank(part: { coverage: KindCoverage }): number {
  return WORST_FIRST.indexOf(part.coverage.state);
}

function sum(parts: { coverage: KindCoverage }[], field: 'objects' | 'relists' | 'gaps' | 'missed'): number {
  return parts.reduce((total, { coverage }) => total + (coverage[field] ?? 0), 0);
}
