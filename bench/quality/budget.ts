/**
 * Pages under noise: what a model says of a stream goes through the policy together with `copies - 1` made-up findings for each of its own, of other objects, at
 * nearby times and scores. Whatever comes, no seven days may hold more pages than the budget and the stated reserve for critical facts.
 */
import { join } from 'node:path';
import type { Judgement } from '../../src/domain/finding.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createPolicy } from '../../src/respond/policy.ts';
import { mulberry32 } from '../random.ts';
import { recordedChanges } from './recorded.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const SPREAD = 1;

export interface NoisyPages {
  findings: number;
  pages: number;
  /** The most in any seven days: all, and those that count against the budget. */
  mostPerWeek: number;
  mostBudgeted: number;
}

export function pagesUnderNoise(
  judgements: readonly Judgement[],
  { pagesPerWeek, copies, seed }: { pagesPerWeek: number; copies: number; seed: number },
): NoisyPages {
  const random = mulberry32(seed);
  const noisy = judgements.flatMap((judgement) => [
    judgement,
    ...Array.from({ length: copies - 1 }, (_, i) => noiseOf(judgement, i, random)),
  ]);
  noisy.sort((a, b) => a.tsMs - b.tsMs);
  const policy = createPolicy({ pagesPerWeek });
  const pages: { tsMs: number; critical: boolean }[] = [];
  for (const judgement of noisy) {
    const { decision, tsMs, deterministic, severity } = policy.decide(judgement);
    if (decision.verdict === 'page') pages.push({ tsMs, critical: deterministic && severity === 'critical' });
  }
  const most = (times: readonly number[]) => {
    let start = 0;
    return times.reduce((best, tsMs, i) => {
      while ((times[start] as number) <= tsMs - WEEK_MS) start++;
      return Math.max(best, i - start + 1);
    }, 0);
  };
  return {
    findings: noisy.length,
    pages: pages.length,
    mostPerWeek: most(pages.map(({ tsMs }) => tsMs)),
    mostBudgeted: most(pages.filter(({ critical }) => !critical).map(({ tsMs }) => tsMs)),
  };
}

function noiseOf(judgement: Judgement, i: number, random: () => number): Judgement {
  const { subject } = judgement;
  return {
    ...judgement,
    tsMs: judgement.tsMs + Math.floor(random() * HOUR_MS),
    score: Math.max(0, judgement.score + SPREAD * (2 * random() - 1)),
    subject: { ...subject, ref: { ...subject.ref, name: `${subject.ref.name ?? ''}-noise-${i}` } } as Judgement['subject'],
    mature: true,
  };
}

export async function measureBudget(
  data: string,
  streams: readonly string[],
): Promise<(NoisyPages & { stream: string; pagesPerWeek: number; copies: number })[]> {
  const out = [];
  for (const stream of streams) {
    const model = createModel();
    const judgements = (await recordedChanges(join(data, `${stream}.injected.jsonl.zst`))).flatMap((change) =>
      model.observe(change),
    );
    for (const copies of [1, 10]) {
      for (const pagesPerWeek of [1, 5, 20])
        out.push({ stream, pagesPerWeek, copies, ...pagesUnderNoise(judgements, { pagesPerWeek, copies, seed: 1 }) });
    }
  }
  return out;
}
