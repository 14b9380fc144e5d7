import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { pagesUnderNoise } from '../../bench/quality/budget.ts';
import { recordedChanges } from '../../bench/quality/recorded.ts';
import type { Judgement } from '../../src/domain/finding.ts';
import { createModel } from '../../src/model/ensemble.ts';

const DEMO = join(import.meta.dirname, '../../fixtures/demo/seed-1.ndjson.zst');
/** Critical facts and their storms, see src/respond/page-budget.ts. */
const RESERVE_PER_WEEK = 7 * 4;

/** What the model says of four weeks of the demo's cluster. */
let judgements: Judgement[] = [];

before(async () => {
  const model = createModel();
  judgements = (await recordedChanges(DEMO)).flatMap((change) => model.observe(change));
});

for (const copies of [1, 10]) {
  for (const pagesPerWeek of [1, 5, 20]) {
    test(`with ${copies} times the findings, ${pagesPerWeek} pages a week are not exceeded in any seven days`, () => {
      const { findings, pages, mostPerWeek, mostBudgeted } = pagesUnderNoise(judgements, { pagesPerWeek, copies, seed: 7 });
      assert.ok(findings >= 300 * copies && pages > 0, 'there was something to hold back');
      assert.ok(mostBudgeted <= pagesPerWeek, `${mostBudgeted} pages`);
      assert.ok(mostPerWeek <= pagesPerWeek + RESERVE_PER_WEEK, `${mostPerWeek} pages with critical facts`);
    });
  }
}
