/** People are heard where machines make nearly all of the visits. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countCalls, ratiosOf } from '../../../bench/quality/calibration.ts';
import { createModel } from '../../../src/model/ensemble.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, Stream } from '../stream.ts';

const DAYS = 10;

/** What a person who is new here counts for, and the same of a machine, after weeks of people and of so many machines' visits for each of theirs. */
function weightsAfter(machinesPerPerson: number): { person: number; machine: number } {
  const weights: number[] = [];
  const model = createModel({
    witness: ({ parts }) => weights.push(parts.find(({ detector }) => detector === 'actor-affinity')?.weight ?? 0),
  });
  const stream = new Stream();
  for (let i = 0; i < DAYS * 8; i++) {
    const atMs = MONDAY_MS + Math.floor(i / 8) * DAY_MS + (8 + (i % 8)) * HOUR_MS;
    const person = ['alice', 'bob'][i % 2] as string;
    model.observe(stream.change({ atMs, actor: person, name: `kafka-${i % 4}`, spec: { replicas: i } }));
    for (let k = 1; k <= machinesPerPerson; k++) {
      const beat = { atMs: atMs + k * MINUTE_MS, actor: 'kafka-operator', name: `topic-${k % 5}`, kind: 'Topic' };
      model.observe(stream.change({ ...beat, spec: { offset: i * 100 + k } }));
    }
  }
  const atMs = MONDAY_MS + DAYS * DAY_MS + 9 * HOUR_MS;
  model.observe(stream.change({ atMs, actor: 'mallory', name: 'kafka-1', spec: { replicas: 7 } }));
  const person = weights.at(-1) as number;
  model.observe(
    stream.change({ atMs: atMs + HOUR_MS, actor: 'other-operator', name: 'topic-1', kind: 'Topic', spec: { offset: 7 } }),
  );
  return { person, machine: weights.at(-1) as number };
}

describe('what people do', () => {
  it('weighs as if they made a third of the visits where machines make nearly all', () => {
    const { person, machine } = weightsAfter(20);
    assert.ok(person > 5 * machine && person < 7 * machine, `${person} for ${machine}`);
  });

  it('weighs ten times what machines do at most, so that not each of the few visits by people is odd', () => {
    const { person, machine } = weightsAfter(59);
    assert.ok(Math.abs(person / machine - 10) < 1e-9, `${person} for ${machine}`);
  });

  it('weighs the same where people make a third or more', () => {
    const { person, machine } = weightsAfter(1);
    assert.equal(person, machine);
  });
});

describe('fields that mostly move together', () => {
  it('are no wonder apart where a third of the moves were, among however many visits that say nothing of the kind', () => {
    const apart: number[] = [];
    let isApart = false;
    const model = createModel({
      witness: ({ parts }) => {
        if (isApart) apart.push(parts.find(({ detector }) => detector === 'co-change')?.p ?? 1);
      },
    });
    const stream = new Stream();
    for (let night = 0; night < 60; night++) {
      const atMs = MONDAY_MS + night * DAY_MS;
      isApart = night % 3 === 2;
      const spec = { synced: night, quota: 1000 + (isApart ? night - 1 : night) };
      model.observe(stream.change({ atMs, actor: 'quota-operator', name: 'search', kind: 'KafkaUser', spec }));
      isApart = false;
      for (let k = 1; k <= 30; k++) {
        const beat = { atMs: atMs + k * 20 * MINUTE_MS, actor: 'kafka-operator', name: `topic-${k % 5}`, kind: 'Topic' };
        model.observe(stream.change({ ...beat, spec: { offset: night * 100 + k } }));
      }
    }
    assert.ok(apart.length >= 15 && Math.min(...apart) > 0.05, `${apart}`);
  });
});

describe('who changes what', () => {
  it('is not called rare less often than it is where one person alone brings what is new', () => {
    const stream = new Stream();
    const changes = Array.from({ length: 2_000 }, (_, i) => {
      const isNew = i % 15 === 0;
      const what = isNew ? { kind: `Kind${i}`, name: 'first' } : { name: `kafka-${i % 4}` };
      return stream.change({ atMs: MONDAY_MS + i * HOUR_MS, actor: 'alice', ...what, spec: { n: i } });
    });
    const counted: Parameters<typeof ratiosOf>[0] = [];
    countCalls(changes, counted);
    const ofActors = ratiosOf(counted).find(({ detector }) => detector === 'actor-affinity');
    const ratio = ofActors?.ratios[0]?.ratio ?? 1;
    assert.ok(ratio > 0.6 && ratio < 1.6, `${ratio}`);
  });
});
