import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { Verdict } from '../../src/domain/verdict.ts';
import { createFeedback, type Feedback } from '../../src/pipeline/feedback.ts';
import { type Life, live as liveOn, shortStream } from '../support/judged-record.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');

/** With pages left over, so that what is missing was muted and not held back by the budget. */
const live = (file: string, seen?: Finding[]) => liveOn(file, seen, 10);

function feedbackOf(life: Life): Feedback {
  let ids = life.store.verdicts().length;
  return createFeedback({
    hash: keyedHash(Buffer.from('k')),
    store: life.store,
    analysis: life.analysis,
    clock: { nowMs: () => NOW_MS },
    newId: () => `v${++ids}`,
  });
}

describe('verdicts on a stream', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-verdicts-'));
  const at = (name: string) => join(folder, name);
  const batches = shortStream(19);
  const plain: Finding[] = [];
  const told: Finding[] = [];
  let given: Verdict[] = [];
  let maturity: unknown;
  let hits: unknown;

  /** A dangerous setting of 12:17 is called wrong, and all else about that object expected; two hours after its next alert that is taken back. */
  function play(file: string, seen: Finding[], restartEvery = Number.POSITIVE_INFINITY): Life {
    let life = live(file, seen);
    let atMs = 0;
    const done = new Set<string>();
    const once = (name: string, due: boolean, action: () => void) => {
      if (!due || done.has(name)) return;
      done.add(name);
      action();
    };
    for (const [i, batch] of batches.entries()) {
      life.analysis.analyze(life.ingest.record(batch).changes);
      for (const { observedMs } of batch.observations) atMs = Math.max(atMs, observedMs);
      const fact = seen.find(({ detector, decision }) => detector === 'fact' && decision.verdict === 'page');
      const next = fact && seen.find((one) => one.tsMs > fact.tsMs && one.subject.ref.name === fact.subject.ref.name);
      if (fact !== undefined) {
        const { cluster, ref } = { cluster: fact.cluster, ref: fact.subject.ref };
        once('say', true, () => {
          feedbackOf(life).give(fact.id, { verdict: 'wrong', by: 'ann' });
          feedbackOf(life).give(fact.id, {
            verdict: 'expected',
            by: 'bob',
            scope: { cluster, kind: ref.kind, name: ref.name ?? '' },
          });
        });
        once('undo', next !== undefined && atMs > next.tsMs + 7_200_000, () => feedbackOf(life).withdraw('v2', 'ann'));
      }
      if (i % restartEvery === restartEvery - 1) {
        if (i % 3 === 0) life.analysis.saveSnapshot();
        life.end();
        life = live(file, seen);
        life.analysis.catchUp();
      }
    }
    assert.deepEqual([...done], ['say', 'undo']);
    return life;
  }

  before(() => {
    const quiet = live(':memory:', plain);
    for (const batch of batches) quiet.analysis.analyze(quiet.ingest.record(batch).changes);
    quiet.end();
    const life = play(at('live.db'), told);
    given = life.store.verdicts();
    maturity = life.analysis.model.maturity();
    hits = life.store.verdictHits();
    life.analysis.saveSnapshot();
    life.end();
  });
  after(() => rmSync(folder, { recursive: true }));

  const decisionsOf = (findings: readonly Finding[]) => new Map(findings.map(({ id, decision }) => [id, decision]));

  it('mute what was expected, say why and by whom, and leave every other page', () => {
    const before = plain.filter(({ decision }) => decision.verdict === 'page');
    const decisions = decisionsOf(told);
    const muted = before.filter(({ id }) => decisions.get(id)?.verdict !== 'page');
    assert.equal(muted.length, 1);
    assert.equal(muted[0]?.subject.ref.name, 'rerank');
    assert.deepEqual(decisions.get(muted[0]?.id ?? ''), {
      ...{ verdict: 'record', why: 'expected, as bob said until 2026-08-30', heard: 'v2' },
    });
  });

  it('are counted by what they muted or raised, with the last time', () => {
    const heard = told.filter(({ decision }) => decision.heard !== undefined);
    assert.ok(heard.length > 0);
    const of = (id: string) => heard.filter(({ decision }) => decision.heard === id);
    const expected = [...new Set(heard.map(({ decision }) => decision.heard ?? ''))].map((id) => {
      const raised = of(id).filter(({ decision }) => decision.verdict === 'page').length;
      return [id, { muted: of(id).length - raised, raised, lastMs: Math.max(...of(id).map(({ tsMs }) => tsMs)) }] as const;
    });
    assert.deepEqual(hits, new Map(expected));
  });

  it('give the same findings with restarts, snapshots lost or not', () => {
    const seen: Finding[] = [];
    const life = play(at('restarts.db'), seen, 97);
    assert.deepEqual(seen, told);
    assert.deepEqual(life.store.verdicts(), given);
    assert.deepEqual(life.analysis.model.maturity(), maturity);
    assert.deepEqual(life.store.verdictHits(), hits);
    life.end();
  });

  it('give the same findings when the record is judged anew with them in it, in steps of any size', () => {
    for (const items of [7, 500]) {
      const seen: Finding[] = [];
      const recorder = live(at(`anew-${items}.db`));
      for (const batch of batches) recorder.ingest.record(batch);
      for (const verdict of given) recorder.store.putVerdict(verdict);
      recorder.end();
      const life = live(at(`anew-${items}.db`), seen);
      while (life.analysis.behind() !== undefined) life.analysis.step(items);
      assert.deepEqual(seen, told);
      assert.deepEqual(life.store.verdictHits(), hits);
      life.end();
    }
  });

  it('a change called wrong within a day of it is not learnt, over a restart too', () => {
    const [wrong] = given;
    assert.equal(wrong?.verdict, 'wrong');
    const seen: Finding[] = [];
    const life = live(':memory:', seen);
    const values = () => life.analysis.model.maturity().detectors['new-value']?.samples ?? 0;
    let before: number | undefined;
    for (const batch of batches) {
      life.analysis.analyze(life.ingest.record(batch).changes);
      if (before === undefined && seen.some(({ subject }) => subject.type === 'change' && subject.seq === wrong?.change?.seq)) {
        before = values();
        const snapshot = life.analysis.model.snapshot();
        assert.equal(life.analysis.model.withhold({ cluster: wrong?.scope.cluster ?? '', seq: wrong?.change?.seq ?? 0 }), true);
        assert.notDeepEqual(life.analysis.model.snapshot(), snapshot);
        assert.equal(life.analysis.model.withhold({ cluster: wrong?.scope.cluster ?? '', seq: wrong?.change?.seq ?? 0 }), false);
      }
    }
    const learnt = live(at('live.db'));
    // Of two runs of which one kept the change out by hand, the other by verdict, neither learnt it.
    assert.equal(values(), learnt.analysis.model.maturity().detectors['new-value']?.samples);
    learnt.end();
    life.end();
  });

  it('say beforehand what they would have done', () => {
    const life = live(at('live.db'));
    const feedback = feedbackOf(life);
    const page = told.find(({ detector, decision }) => detector === 'co-change' && decision.verdict === 'page');
    assert.ok(page !== undefined);
    const { verdict, preview } = feedback.preview(page.id, { verdict: 'expected', by: 'ann', scope: 'kind' });
    assert.equal(verdict.scope.kind, 'InferenceService');
    const scope = told.filter(
      (one) =>
        one.subject.ref.kind === 'InferenceService' &&
        one.reasons.some(({ detector }) => detector === 'co-change') &&
        one.score >= 2,
    );
    assert.equal(preview.findings, scope.length);
    const paged = scope.filter(({ decision }) => decision.verdict === 'page').length;
    assert.deepEqual([preview.pages, preview.muted, preview.raised, preview.complete], [paged, paged, 0, true]);
    assert.ok(preview.examples.some(({ id }) => id === page.id));
    const raised = feedback.preview(page.id, { verdict: 'wrong', by: 'ann', scope: 'kind' }).preview;
    assert.equal(raised.muted, 0);
    assert.equal(life.store.verdicts().length, given.length, 'nothing is stored');
    life.end();
  });

  it('are refused where they make no sense', () => {
    const life = live(at('live.db'));
    const feedback = feedbackOf(life);
    const pathless = told.find(({ reasons, score }) => reasons[0]?.path === undefined && score >= 2);
    const said = { verdict: 'expected' as const, by: 'ann' };
    const fails = (code: string, call: () => unknown) => assert.throws(call, (error) => isCrowsnestError(error, code as never));
    fails('NOT_FOUND', () => feedback.give('nothing', said));
    fails('NOT_FOUND', () => feedback.withdraw('nothing', 'ann'));
    fails('REQUEST_INVALID', () => feedback.give(pathless?.id ?? '', { ...said, scope: 'path' }));
    fails('REQUEST_INVALID', () => feedback.give(pathless?.id ?? '', { ...said, expiresMs: pathless?.tsMs }));
    fails('REQUEST_INVALID', () => feedback.give(pathless?.id ?? '', { ...said, scope: { cluster: 'harbour', kind: 'Other' } }));
    assert.deepEqual(life.store.verdicts(), given);
    life.end();
  });
});
