/** What the coverage page says about kinds and clusters. Pure. */
import type { Cluster, Coverage } from './types.ts';

/** What needs somebody first, what is left out on purpose last. */
const ORDER: readonly Coverage['state'][] = ['broken', 'forbidden', 'stale', 'listing', 'watched', 'gone', 'excluded'];
const TROUBLES: readonly Coverage['state'][] = ['broken', 'forbidden', 'stale'];

export interface CoverageGroups {
  /** Should be seen and is not. */
  unseen: Coverage[];
  seen: Coverage[];
  /** On purpose. */
  leftOut: Coverage[];
}

export function groupCoverage(rows: readonly Coverage[]): CoverageGroups {
  const sorted = [...rows].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      a.cluster.localeCompare(b.cluster) ||
      a.kind.localeCompare(b.kind) ||
      a.group.localeCompare(b.group),
  );
  return {
    unseen: sorted.filter(isUnseen),
    seen: sorted.filter((row) => !isUnseen(row) && row.state !== 'excluded'),
    leftOut: sorted.filter(({ state }) => state === 'excluded'),
  };
}

export function isUnseen({ state }: Pick<Coverage, 'state'>): boolean {
  return TROUBLES.includes(state);
}

/** The reason without the rule in it, and the rule, as it is pasted into a role. */
export function splitRule(reason: string): { text: string; rule: string | undefined } {
  const match = /^(.*?)[:;]?\s*(\{apiGroups: .*\})\s*$/s.exec(reason);
  return match === null ? { text: reason, rule: undefined } : { text: match[1] ?? '', rule: match[2] };
}

/** `20 watched, 2 forbidden`, in the order of urgency. */
export function countWords(rows: readonly Pick<Coverage, 'state'>[]): string {
  const counts = ORDER.map((state) => ({ state, count: rows.filter((row) => row.state === state).length }));
  return counts
    .filter(({ count, state }) => count > 0 && state !== 'gone')
    .map(({ state, count }) => `${count} ${state === 'excluded' ? 'left out' : state}`)
    .join(', ');
}

/** `31 ms`, `4.2 s`, `41 s`, `3 min`, `5 h`. */
export function secondsWords(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

export function canaryWords(canary: NonNullable<Cluster['canary']>): string {
  if (canary.state === 'missing') return `the canary is missing: ${canary.reason ?? 'it did not come back'}`;
  if (canary.state === 'waiting') return 'waiting for the canary';
  return canary.latencySeconds === undefined
    ? 'the canary came back'
    : `the canary came back after ${secondsWords(canary.latencySeconds)}`;
}

/** How a kind is watched where that is not wholly. */
export function limitWords({ metadataOnly, labelSelector, fieldSelector }: Coverage): string[] {
  const limits: string[] = metadataOnly === true ? ['metadata only'] : [];
  for (const selector of [labelSelector, fieldSelector]) if (selector !== undefined) limits.push(`only ${selector}`);
  return limits;
}
