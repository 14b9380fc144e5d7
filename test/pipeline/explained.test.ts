/** What is stored of a finding explains it without the model. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { examplesOf } from '../../src/api/examples.ts';
import type { ChangeExample, Finding } from '../../src/domain/finding.ts';
import { withCounterfactual } from '../../src/model/counterfactual.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { type Life, live, shortStream } from '../support/judged-record.ts';

describe('a stored finding', () => {
  let life: Life;
  const stored: Finding[] = [];

  before(() => {
    life = live(':memory:');
    for (const batch of shortStream(11)) life.analysis.analyze(life.ingest.record(batch).changes);
    for (let next: string | undefined; ; ) {
      const page = life.store.findings({ limit: 500, ...(next === undefined ? {} : { continue: next }) });
      stored.push(...page.items);
      next = page.continue;
      if (next === undefined) break;
    }
    assert.ok(stored.length > 5, `${stored.length} stored`);
  });

  it('has reasons with bits, what was seen, sample size, scope, and what would have been ordinary', () => {
    for (const { id, reasons } of stored) {
      assert.ok(reasons.length > 0, id);
      for (const reason of reasons) {
        const { detector, bits, sentence, samples, scope, counterfactual, observed } = reason;
        const what = `${detector}: ${sentence}`;
        assert.ok(Number.isFinite(bits) && sentence !== '', what);
        assert.ok(samples !== undefined && scope !== undefined && counterfactual !== undefined, what);
        assert.ok(observed !== undefined || detector === 'structure', what);
      }
    }
  });

  it('names earlier changes of its object that show what is usual, all of them there to be read', async () => {
    const store = asAsync(life.store);
    const withSome: (Finding & { examples: ChangeExample[] })[] = [];
    for (const finding of stored) {
      const examples = await examplesOf(store, finding);
      if (examples !== undefined) withSome.push({ ...finding, examples });
    }
    assert.ok(withSome.length > 0, `${withSome.length} of ${stored.length}`);
    for (const { subject, examples, reasons, tsMs: toldMs } of withSome) {
      assert.ok(subject.type === 'change' && examples.length <= 3);
      for (const { seq, tsMs, actor } of examples) {
        const change = life.store.change(seq);
        assert.ok(change !== undefined && seq < subject.seq);
        assert.deepEqual([change.observedMs, change.actor.name, change.ref.name], [tsMs, actor, subject.ref.name]);
        // Its own burst is no example of what is usual.
        assert.ok(toldMs - tsMs >= 3_600_000);
        if (reasons[0]?.detector === 'actor-affinity') assert.equal(actor, reasons[0].usual);
      }
    }
  });
});

it('a counterfactual follows from what is usual, and one that a detector gave stays', () => {
  const reason = { detector: 'new-value', sentence: '', bits: 3, path: '/spec/image', usual: 'a:1' };
  assert.equal(withCounterfactual(reason).counterfactual, 'spec.image at a value seen before, such as a:1');
  assert.equal(withCounterfactual({ ...reason, counterfactual: 'as it was' }).counterfactual, 'as it was');
  assert.equal(
    withCounterfactual({ ...reason, detector: 'fact', path: '/spec/hostNetwork', usual: false }).counterfactual,
    'the same change with spec.hostNetwork left at false',
  );
  assert.equal(
    withCounterfactual({ detector: 'series-queue', sentence: '', bits: 3, usual: 4 }).counterfactual,
    'a reading of about 4',
  );
  assert.equal(withCounterfactual({ detector: 'series-queue', sentence: '', bits: 3 }).counterfactual, undefined);
});
