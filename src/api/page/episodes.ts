import type { Finding } from './types.ts';

/** A row of the list: one episode, shown by its most telling finding. */
export interface EpisodeRow {
  finding: Finding;
  /** How many more findings of the episode stand behind it. */
  others: number;
}

/**
 * Findings of one episode as one row, where its newest stands; shown is the paged one, else the most surprising. A burst of
 * eighty changes is one thing to look at, not eighty. Pure.
 */
export function foldEpisodes(findings: readonly Finding[]): EpisodeRow[] {
  const rows = new Map<string, EpisodeRow>();
  for (const finding of findings) {
    const row = rows.get(finding.episode);
    if (row === undefined) {
      rows.set(finding.episode, { finding, others: 0 });
    } else {
      row.others++;
      if (outranks(finding, row.finding)) row.finding = finding;
    }
  }
  return [...rows.values()];
}

function outranks(a: Finding, b: Finding): boolean {
  const [pagedA, pagedB] = [a.decision.verdict === 'page', b.decision.verdict === 'page'];
  return pagedA === pagedB ? a.score > b.score : pagedA;
}
