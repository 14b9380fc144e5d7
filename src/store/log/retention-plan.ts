/** Which changes of one life within a block of revisions stay, and what of their records has to be written anew. Pure. */

import { decodeFlags, recordShapeOf } from '../pack/row-codec.ts';
import type { ChangeRow } from './change-log.ts';

export const DAY_MS = 86_400_000;

export interface KeptChange {
  row: ChangeRow;
  /** Changes of the object between the one kept before and this one were let go of. */
  folds: boolean;
  /** Its record: as it is, the whole state, or a patch on the state of the change kept before it. */
  record: 'same' | 'full' | 'patch';
}

export interface RetentionPlan {
  kept: KeptChange[];
  gone: ChangeRow[];
}

/**
 * The daily checkpoints of a run of changes: the last of each day (UTC) and of the run, deletions, and what `evidence` names together with the change
 * before it, without which nobody could see what it changed.
 */
export function checkpointsOf(rows: readonly ChangeRow[], evidence: ReadonlySet<number>): Set<number> {
  const kept = evidenceOf(rows, evidence);
  rows.forEach((row, i) => {
    const next = rows[i + 1];
    if (next === undefined || dayOf(next) !== dayOf(row) || decodeFlags(row.flags).type === 'DELETED') kept.add(row.seq);
  });
  return kept;
}

/** What `evidence` names of a run of changes, each with the change before it. */
export function evidenceOf(rows: readonly ChangeRow[], evidence: ReadonlySet<number>): Set<number> {
  const kept = new Set<number>();
  rows.forEach((row, i) => {
    if (!evidence.has(row.seq)) return;
    kept.add(row.seq);
    const before = rows[i - 1];
    if (before !== undefined) kept.add(before.seq);
  });
  return kept;
}

/**
 * Plans to keep some of `rows`, all changes of one life in a block by rising seq. The first one kept carries its whole state, so that what lies before
 * the block can go without it; a chain never gets longer than it was.
 */
export function planOf(rows: readonly ChangeRow[], wanted: ReadonlySet<number>): RetentionPlan {
  const plan: RetentionPlan = { kept: [], gone: [] };
  /** Shapes of the records let go of since the last change that stays. */
  let between: string[] = [];
  for (const row of rows) {
    const shape = recordShapeOf(row.flags);
    if (!wanted.has(row.seq)) {
      plan.gone.push(row);
      between.push(shape);
      continue;
    }
    let record: KeptChange['record'] = 'same';
    if (plan.kept.length === 0) record = shape === 'full' ? 'same' : 'full';
    else if (shape !== 'full' && between.some((one) => one !== 'none')) record = between.includes('full') ? 'full' : 'patch';
    plan.kept.push({ row, folds: between.length > 0, record });
    between = [];
  }
  return plan;
}

export function dayOf({ observedMs }: { observedMs: number }): number {
  return Math.floor(observedMs / DAY_MS);
}
