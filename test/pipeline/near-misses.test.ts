/** What is drawn of each day for review: by name alone, the same however often the process was stopped, and so that answers can be scaled up. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Finding } from '../../src/domain/finding.ts';
import { estimateReview, type NearMiss } from '../../src/domain/review.ts';
import { NearMisses } from '../../src/pipeline/near-misses.ts';
import { JOINED } from '../../src/respond/policy.ts';
import { live, shortStream } from '../support/judged-record.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-03-02T00:00:00Z');
const LEVEL = 3.5;

function finding(id: string, more: Partial<Finding> = {}): Finding {
  const ref = { cluster: 'test', group: 'g', version: 'v1', kind: 'Kafka', namespace: 'ns', name: 'a' };
  return {
    ...{ id, tsMs: START_MS, cluster: 'test', score: 3, onceIn: 1000, detector: 'new-value', reasons: [], mature: true },
    ...{
      deterministic: false,
      severity: 'warning',
      summary: '',
      episode: id,
      actor: { name: 'a', source: 'none', confidence: 1 },
    },
    subject: { type: 'change', seq: 1, resourceVersion: '1', changeType: 'MODIFIED', ref, uid: 'u' },
    decision: { verdict: 'record', why: 'below the alert level of 3.5' },
    ...more,
  };
}

/** The same numbers each time: a linear congruence (Numerical Recipes). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function drawAll(findings: readonly Finding[], restartEvery = Number.POSITIVE_INFINITY): NearMiss[] {
  let draws = new NearMisses();
  const drawn: NearMiss[] = [];
  for (const [i, one] of findings.entries()) {
    drawn.push(...draws.take(one, () => LEVEL));
    if (i % restartEvery === restartEvery - 1) draws = new NearMisses(draws.save());
  }
  return drawn;
}

/** Days of findings of five detectors, one of them ten times as chatty; what is wrong depends on the detector alone. */
function month(days: number): { findings: Finding[]; wrong: Set<string> } {
  const next = sequence(7);
  const findings: Finding[] = [];
  const wrong = new Set<string>();
  for (let day = 0; day < days; day++) {
    for (let n = 0; n < 60; n++) {
      const rare = next() < 0.3;
      const detector = rare ? `rare-${Math.floor(next() * 4)}` : 'chatty';
      const one = finding(`f-${day}-${n}`, { tsMs: START_MS + day * DAY_MS + n * 60_000, score: 2 + 1.49 * next(), detector });
      if (next() < (rare ? 0.6 : 0.05)) wrong.add(one.id);
      findings.push(one);
    }
  }
  return { findings, wrong };
}

describe('near-misses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-near-misses-'));
  after(() => rmSync(folder, { recursive: true }));

  const never: [string, Partial<Finding>][] = [
    ['pages', { decision: { verdict: 'page', why: 'over the alert level' } }],
    ['is still learning', { mature: false }],
    ['is a fact, which needs no level', { deterministic: true }],
    ['belongs to an alert that is open', { decision: { verdict: 'record', why: JOINED } }],
    ['was muted by a verdict', { decision: { verdict: 'record', why: 'expected', heard: 'v1' } }],
    ['is too weak to be stored', { score: 1.9 }],
  ];
  for (const [what, more] of never) {
    it(`never draw what ${what}`, () => {
      const next = finding('next', { tsMs: START_MS + DAY_MS, score: 0 });
      assert.deepEqual(drawAll([finding('a', more), next]), []);
      assert.equal(drawAll([finding('a'), next]).length, 1);
    });
  }

  it('are the highest of the day, whatever held it back, and three from within a decade under the level', () => {
    const held = { verdict: 'record', why: 'weekly budget spent' } as const;
    const day = [
      finding('held', { score: 5, decision: held, detector: 'burst' }),
      finding('far-under', { score: 2.2, detector: 'drift' }),
      ...['a', 'b', 'c', 'd', 'e'].map((id) => finding(id, { detector: `detector-${id}` })),
      ...['x', 'y', 'z'].map((id) => finding(id, { detector: 'detector-a' })),
    ];
    const drawn = drawAll([...day, finding('next', { tsMs: START_MS + DAY_MS, score: 0 })]);
    const [highest, ...draws] = drawn;
    assert.deepEqual(highest, {
      ...{ cluster: 'test', day: '2026-03-02', slot: 'highest', findingId: 'held', tsMs: START_MS },
      ...{ score: 5, level: LEVEL, detector: 'burst', population: 8, weight: 1 },
    });
    assert.deepEqual(
      draws.map(({ slot }) => slot),
      ['random-1', 'random-2', 'random-3'],
    );
    assert.equal(new Set(draws.map(({ detector }) => detector)).size, 3);
    for (const draw of draws) {
      assert.ok(!['held', 'far-under'].includes(draw.findingId));
      assert.equal(draw.weight, ((draw.detector === 'detector-a' ? 4 : 1) * 5) / 3);
      assert.equal(draw.population, 8);
    }
  });

  it('do not draw the highest twice', () => {
    const day = ['a', 'b'].map((id, i) => finding(id, { score: 3.2 - i / 10 }));
    const drawn = drawAll([...day, finding('next', { tsMs: START_MS + DAY_MS, score: 0 })]);
    assert.deepEqual(
      drawn.map(({ findingId, population, weight }) => [findingId, population, weight]),
      [
        ['a', 1, 1],
        ['b', 1, 1],
      ],
    );
  });

  it('are the same over restarts, and in another order within the day', () => {
    const { findings } = month(20);
    const drawn = drawAll(findings);
    assert.ok(drawn.length >= 19 * 3);
    for (const every of [1, 7]) assert.deepEqual(drawAll(findings, every), drawn);
    const dayOf = ({ tsMs }: Finding) => Math.floor(tsMs / DAY_MS);
    const shuffled = findings.toReversed().sort((a, b) => dayOf(a) - dayOf(b));
    assert.deepEqual(drawAll(shuffled), drawn);
  });

  it('answered, say how much was missed, though one detector says most of it', () => {
    const { findings, wrong } = month(400);
    const draws = drawAll(findings).filter(({ slot }) => slot !== 'highest');
    const samples = draws.map((sample) => {
      const answer: 'wrong' | 'expected' = wrong.has(sample.findingId) ? 'wrong' : 'expected';
      return { sample, answer };
    });
    const estimate = estimateReview([], samples);
    const under = findings.filter(({ score }) => score >= LEVEL - 1);
    const truth = under.filter(({ id }) => wrong.has(id)).length / under.length;
    const share = (estimate.notPaged.wrong ?? 0) / estimate.notPaged.all;
    assert.ok(Math.abs(share - truth) < 0.04, `${share} for ${truth}`);
    // Draws are spread over detectors on purpose: unweighted they would mislead.
    const plain = samples.filter(({ answer }) => answer === 'wrong').length / samples.length;
    assert.ok(plain - truth > 0.15, `${plain} for ${truth}`);
  });

  it('of a clock set back by days begin anew, those of an hour late belong to the open day', () => {
    const at = (id: string, tsMs: number) => finding(id, { tsMs, score: 3 });
    const drawn = drawAll([
      ...[at('a', START_MS + 10 * DAY_MS), at('late', START_MS + 10 * DAY_MS - 3_600_000)],
      ...[at('one', START_MS), at('two', START_MS), at('back', START_MS)],
      at('next', START_MS + DAY_MS),
    ]);
    assert.deepEqual(
      drawn.map(({ day, findingId }) => [day, findingId]),
      [
        ['2026-03-12', 'a'],
        ['2026-03-12', 'late'],
        ['2026-03-02', 'back'],
      ],
    );
  });

  it('lose nothing of a day to an old event that is told late', () => {
    const at = (id: string, tsMs: number, score: number) => finding(id, { tsMs, score });
    const day = START_MS + 10 * DAY_MS;
    const drawn = drawAll([
      ...[at('morning', day, 3.5), at('old', START_MS, 3.4), at('evening', day + 3_600_000, 3)],
      at('next', day + DAY_MS, 3),
    ]);
    assert.deepEqual(drawn.map(({ day: of, findingId }) => [of, findingId]).sort(), [
      ['2026-03-12', 'evening'],
      ['2026-03-12', 'morning'],
    ]);
  });

  it('of a stream judged live, with restarts, and anew from the record are the same and can be looked at', () => {
    const batches = shortStream(15);
    const play = (name: string, restartEvery: number) => {
      let life = live(join(folder, name));
      for (const [i, batch] of batches.entries()) {
        life.analysis.analyze(life.ingest.record(batch).changes);
        if (i % restartEvery !== restartEvery - 1) continue;
        if (i % 3 === 0) life.analysis.saveSnapshot();
        life.end();
        life = live(join(folder, name));
        life.analysis.catchUp();
      }
      return life;
    };
    const undisturbed = play('live.db', Number.POSITIVE_INFINITY);
    const drawn = undisturbed.store.nearMisses();
    assert.ok(new Set(drawn.map(({ day }) => day)).size >= 4);
    assert.ok(drawn.some(({ slot }) => slot !== 'highest'));
    for (const { findingId } of drawn) assert.equal(undisturbed.store.finding(findingId)?.decision.verdict, 'record');
    undisturbed.end();
    const restarted = play('restarts.db', 97);
    assert.deepEqual(restarted.store.nearMisses(), drawn);
    restarted.end();
    const recorder = live(join(folder, 'anew.db'));
    for (const batch of batches) recorder.ingest.record(batch);
    recorder.end();
    const anew = live(join(folder, 'anew.db'));
    while (anew.analysis.behind() !== undefined) anew.analysis.step(7);
    assert.deepEqual(anew.store.nearMisses(), drawn);
    anew.end();
  });
});
