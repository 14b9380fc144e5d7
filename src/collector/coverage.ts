import type { CoverageState, KindCoverage } from './source.ts';

/** From bad to good: a kind watched in several namespaces is as well seen as the worst of them. */
const WORST_FIRST: CoverageState[] = ['broken', 'forbidden', 'gone', 'stale', 'listing', 'watched'];

/** One entry for a kind from those of its namespaces; `parts` is not empty. */
export function mergeCoverage(parts: { namespace: string | undefined; coverage: KindCoverage }[]): KindCoverage {
  const [first] = parts;
  if (first === undefined) throw new Error('a kind has at least one watch');
  if (parts.length === 1) return first.coverage;
  const worst = parts.reduce((a, b) => (rank(b) < rank(a) ? b : a));
  const merged: KindCoverage = { ...worst.coverage, objects: sum(parts, 'objects'), relists: sum(parts, 'relists') };
  if (worst.coverage.reason !== undefined) merged.reason = `in namespace ${worst.namespace}: ${worst.coverage.reason}`;
  for (const field of ['lastEventMs', 'lastBookmarkMs'] as const) {
    const times = parts.map(({ coverage }) => coverage[field]).filter((ms) => ms !== undefined);
    if (times.length > 0) merged[field] = Math.max(...times);
  }
  return merged;
}

function rank(part: { coverage: KindCoverage }): number {
  return WORST_FIRST.indexOf(part.coverage.state);
}

function sum(parts: { coverage: KindCoverage }[], field: 'objects' | 'relists'): number {
  return parts.reduce((total, { coverage }) => total + coverage[field], 0);
}
