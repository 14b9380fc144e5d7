import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MassDelete, WaveHabits } from '../../src/model/detectors/wave.ts';
import { eventOf } from '../../src/model/features.ts';
import { joinVisit, makeVisit } from '../../src/model/visits.ts';
import { DAY_MS, MINUTE_MS, MONDAY_MS, ONLY, Stream } from './stream.ts';

type Target = { kind: string; name: string; namespace?: string };

/** What is said of the last of these deletions, by one who changed something each day for a month before, and in how many visits they came. */
function told(targets: readonly Target[], gapMs = 0) {
  const detector = new MassDelete(new WaveHabits());
  const stream = new Stream();
  const at = (edit: Parameters<Stream['change']>[0]) => eventOf(stream.change(edit), { ...ONLY, known: true });
  for (let day = 0; day < 30; day++) {
    const event = at({ atMs: MONDAY_MS + day * DAY_MS, actor: 'user:ann', spec: { day } });
    const visit = makeVisit('user:ann', event.atMs);
    joinVisit(visit, event);
    detector.learn(event, visit);
  }
  for (const target of targets)
    stream.change({ atMs: MONDAY_MS, actor: 'user:bob', type: 'ADDED', spec: { of: target.name }, ...target });
  let visit = makeVisit('user:ann', MONDAY_MS + 31 * DAY_MS);
  let evidence: ReturnType<MassDelete['score']>;
  targets.forEach((target, i) => {
    const atMs = MONDAY_MS + 31 * DAY_MS + i * gapMs;
    if (gapMs > 0 && i > 0) {
      for (const event of visit.events) detector.learn(event, visit);
      visit = makeVisit('user:ann', atMs);
    }
    const event = at({ atMs, actor: 'user:ann', type: 'DELETED', ...target });
    joinVisit(visit, event);
    evidence = detector.score(event, visit);
  });
  return { surprise: evidence?.surprise ?? 0, things: visit.things, sentence: evidence?.explain().sentence };
}

const KINDS = ['App', 'Secret', 'Route', 'Monitor'];
const WORDS = ['atlas', 'boron', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heron', 'ivory', 'jolly', 'karst', 'lemon'];
const application = ['one', 'two', 'three'].flatMap((namespace) =>
  KINDS.map((kind) => ({ kind, name: `shop-${kind.toLowerCase()}`, namespace })),
);
const mixed = WORDS.map((name, i) => ({ kind: KINDS[i % KINDS.length] as string, name: `${name}-x` }));
const numbered = WORDS.map((_, i) => ({ kind: 'Postgres', name: `db-${i}` }));

test('what an application is made of counts as one thing, whatever kinds and namespaces it is spread over', () => {
  assert.equal(told(application).things, 1);
  assert.equal(told(mixed).things, WORDS.length);
  assert.equal(
    told([...numbered, ...numbered.map(({ name }) => ({ kind: 'Secret', name: `${name}-login` }))]).things,
    WORDS.length,
  );
});

test('of twelve objects deleted at once twelve unrelated ones are told louder than one application; siblings of one kind are unrelated', () => {
  const one = told(application);
  const many = told(mixed);
  assert.ok(many.surprise > one.surprise + 1.5, `${many.surprise} beside ${one.surprise}`);
  assert.ok(told(numbered).surprise >= many.surprise);
  assert.match(many.sentence ?? '', /deleted 12 objects more than it created/);
});

test('one name in each of forty tenants is a thing in each, in three namespaces it is one', () => {
  const tenants = [...Array(40).keys()].map((i) => ({ kind: 'Postgres', name: 'db', namespace: `tenant-${i}` }));
  assert.equal(told(tenants.slice(0, 3)).things, 1);
  assert.equal(told(tenants).things, 38);
});

test('what a habit deletes all year is not held against what goes later under the same first word', () => {
  const habits = new WaveHabits();
  const detector = new MassDelete(habits);
  const stream = new Stream();
  const remove = (atMs: number, kind: string, name: string) => {
    stream.change({ atMs: atMs - MINUTE_MS, actor: 'user:bob', type: 'ADDED', kind, name, spec: {} });
    const event = eventOf(stream.change({ atMs, actor: 'system:gc', type: 'DELETED', kind, name }), { ...ONLY, known: true });
    const visit = makeVisit('system:gc', atMs);
    joinVisit(visit, event);
    const surprise = detector.score(event, visit)?.surprise ?? 0;
    detector.learn(event, visit);
    return surprise;
  };
  for (let i = 0; i < 2_000; i++) remove(MONDAY_MS + i * 10 * MINUTE_MS, 'TaskRun', `run-${i}`);
  const kept = [...habits.state.actors.values()].map(({ gone }) =>
    [...gone.values()].flatMap(({ kinds }) => [...kinds.values()].map(({ names }) => names)),
  );
  assert.ok(Math.max(...kept.flat().map((names) => names.size)) < 10);
  const sweep = (word: string) => {
    let last = 0;
    for (let i = 0; i < 40; i++) last = remove(MONDAY_MS + 2_000 * 10 * MINUTE_MS + i * 3_000, 'Postgres', `${word}-db-${i}`);
    return last;
  };
  assert.ok(sweep('run') > 6);
});

test('deletions one by one within the half hour are counted the same way', () => {
  assert.ok(told(mixed, MINUTE_MS).surprise > told(application, MINUTE_MS).surprise + 1.5);
});
