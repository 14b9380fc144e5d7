/** What lists say of changes. Pure. */
import { fieldName, partOf } from '../../domain/field-path.ts';
import type { ChangeSummary, Finding } from './types.ts';
import { visible, wholeNumber } from './words.ts';

/** Moves with every write and so says nothing. */
const BOOKKEEPING = new Set(['/metadata/resourceVersion', '/metadata/generation']);
const FIELDS_NAMED = 3;

export function toldPaths(change: Pick<ChangeSummary, 'paths'>): string[] {
  return change.paths.filter((path) => !BOOKKEEPING.has(path));
}

/** `spec.replicas, spec.image and 4 more`. */
export function shortWords(change: Pick<ChangeSummary, 'type' | 'paths'>): string {
  if (change.type !== 'MODIFIED') return change.type === 'ADDED' ? 'created' : 'deleted';
  // What a controller reports is told by one field: nobody reads on.
  return fieldWords(toldPaths(change), isReport(change) ? 1 : FIELDS_NAMED);
}

export function fieldWords(paths: readonly string[], most: number = FIELDS_NAMED): string {
  if (paths.length === 0) return 'bookkeeping only';
  // What people and GitOps write comes before what controllers report.
  const ranked = [...paths].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const named = ranked.slice(0, most).map((path) => visible(fieldName(path)));
  return `${named.join(', ')}${ranked.length > most ? ` and ${ranked.length - most} more` : ''}`;
}

function rank(path: string): number {
  return { spec: 0, metadata: 1, status: 2 }[partOf(path)];
}

/** Whether a controller only reported: nothing that anybody asked for moved. */
export function isReport(change: Pick<ChangeSummary, 'type' | 'paths'>): boolean {
  return change.type === 'MODIFIED' && toldPaths(change).every((path) => partOf(path) === 'status');
}

/** Changes that only reported, one behind the other. */
export interface ReportRun {
  reports: ChangeSummary[];
}

const RUN_MIN = 2;

/** What a controller reports all day is folded away between the changes that somebody made; a run with one of `kept` in it stays open. */
export function foldReports(changes: readonly ChangeSummary[], kept: ReadonlySet<number>): (ChangeSummary | ReportRun)[] {
  const rows: (ChangeSummary | ReportRun)[] = [];
  let run: ChangeSummary[] = [];
  const flush = () => {
    if (run.length < RUN_MIN || run.some(({ seq }) => kept.has(seq))) rows.push(...run);
    else rows.push({ reports: run });
    run = [];
  };
  for (const change of changes) {
    if (isReport(change) && !change.own) {
      run.push(change);
      continue;
    }
    flush();
    rows.push(change);
  }
  flush();
  return rows;
}

/** The findings on each change, by its number. */
export function findingsBySeq(findings: readonly Finding[]): Map<number, Finding[]> {
  const found = new Map<number, Finding[]>();
  for (const finding of findings) {
    if (finding.subject.type !== 'change') continue;
    const { seq } = finding.subject;
    found.set(seq, [...(found.get(seq) ?? []), finding]);
  }
  return found;
}

/** Of changes that a list leaves out. */
export function damagedWords(damaged: number): string {
  return `${damaged === 1 ? '1 change' : `${wholeNumber(damaged)} changes`} could not be read: run crowsnest db check`;
}

/** A term of the grammar of filters for a text, whatever it holds. */
export function filterTerm(key: string, text: string): string {
  return `${key}:"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
