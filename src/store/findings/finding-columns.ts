/** What findings are looked for and ordered by, beside their texts. */
import type { Finding } from '../../domain/finding.ts';
import type { FindingQuery } from '../store.ts';

export interface FindingColumns {
  id: string;
  ts_ms: number;
  cluster: string;
  kind: string;
  namespace: string;
  name: string;
  detector: string;
  severity: string;
  verdict: 'page' | 'record';
  score: number;
}

type Value = string | number;

/** What can be asked of a finding, for those that are filed and those that are not: each member that is given must fit. */
export const CONDITIONS = [
  ['cluster', 'cluster', '='],
  ['kind', 'kind', '='],
  ['namespace', 'namespace', '='],
  ['name', 'name', '='],
  ['detector', 'detector', '='],
  ['severity', 'severity', '='],
  ['scoreMin', 'score', '>='],
  ['fromMs', 'ts_ms', '>='],
  ['toMs', 'ts_ms', '<='],
] as const;

const COMPARES: Record<(typeof CONDITIONS)[number][2], (a: Value, b: Value) => boolean> = {
  '=': (a, b) => a === b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

/** A score that is no number would stand in the way of all that are filed with it. */
export function columnsOf({ id, cluster, subject, detector, severity, score, tsMs, decision }: Finding): FindingColumns {
  const { kind, namespace = '', name = '' } = subject.ref;
  const rank = { verdict: decision.verdict, score: Number.isFinite(score) ? score : 0 };
  return { id, ts_ms: tsMs, cluster, kind, namespace, name, detector, severity, ...rank };
}

/** As the list's SQL has it. */
export function matches(columns: FindingColumns, query: Omit<FindingQuery, 'limit' | 'continue'>): boolean {
  if (query.verdict !== undefined && columns.verdict !== query.verdict) return false;
  return CONDITIONS.every(([asked, column, operator]) => {
    const value = query[asked];
    return value === undefined || COMPARES[operator](columns[column], value);
  });
}

/** The order of lists. */
export function newestFirst(a: Pick<FindingColumns, 'ts_ms' | 'id'>, b: Pick<FindingColumns, 'ts_ms' | 'id'>): number {
  return b.ts_ms - a.ts_ms || (a.id < b.id ? 1 : -1);
}
