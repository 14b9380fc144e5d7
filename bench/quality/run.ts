/** Runs a model over recorded changes: what it found, as the scorer takes it, what it cost, and how often its detectors spoke. */
import type { Change } from '../../src/domain/change.ts';
import type { Judgement } from '../../src/domain/finding.ts';
import { createModel } from '../../src/model/ensemble.ts';
import type { Found } from './score.ts';

export interface Run {
  findings: Found[];
  /** Microseconds of CPU for scoring and learning one change, rising. */
  costs: Float64Array;
  snapshotBytes: number;
}

export function runModel(changes: readonly Change[], weights?: Readonly<Record<string, number>>): Run {
  const model = createModel({ weights });
  const findings: Found[] = [];
  const costs = new Float64Array(changes.length);
  changes.forEach((change, i) => {
    const before = process.hrtime.bigint();
    const judgements = model.observe(change);
    costs[i] = Number(process.hrtime.bigint() - before) / 1000;
    for (const judgement of judgements) {
      const found = foundOf(judgement);
      if (found !== undefined) findings.push(found);
    }
  });
  return { findings, costs: costs.sort(), snapshotBytes: model.snapshot().length };
}

/** A judgement as a scorer sees it in a file of findings, its score rounded the same way. */
function foundOf({ subject, score, tsMs: atMs }: Judgement): Found | undefined {
  const rounded = Math.round(score * 10_000) / 10_000;
  if (subject.type === 'change') return { score: rounded, atMs, resourceVersion: subject.resourceVersion };
  if (subject.type !== 'silence') return undefined;
  const { group = '', kind, namespace, name } = subject.ref;
  const { actor } = subject;
  return { score: rounded, atMs, silence: actor === undefined ? { group, kind, namespace, name } : { group, kind, actor } };
}
