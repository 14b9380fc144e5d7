import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../src/domain/change.ts';
import { Company } from '../../../src/model/detectors/company.ts';
import { eventOf } from '../../../src/model/features.ts';
import { PathHabits } from '../../../src/model/habits/path-habits.ts';
import { joinVisit, makeVisit } from '../../../src/model/visits.ts';
import { HOUR_MS, MONDAY_MS, Stream } from '../stream.ts';

/** What is said of `a` changing alone after these days: with `b`, alone, or first alone and then caught up with. */
function told(days: readonly ('both' | 'alone')[], last: 'weight' | 'colour' = 'weight'): number {
  const rows = new Map<string, number>();
  const habits = new PathHabits();
  const company = new Company({ find: (object) => rows.get(object), nameOf: String }, habits);
  const stream = new Stream();
  let hours = 0;
  const visit = (names: readonly string[], field: 'weight' | 'colour' = 'weight') => {
    const atMs = MONDAY_MS + hours * HOUR_MS;
    const group = makeVisit('alice', atMs);
    const spec = field === 'weight' ? { weight: hours, colour: 1 } : { weight: hours - 12, colour: 2 };
    for (const name of names) {
      const change = stream.change({ atMs, actor: 'alice', name, spec });
      const object = `/Kafka\u0000streaming\u0000${name}`;
      const row = name === 'a' ? 0 : 1;
      rows.set(object, row);
      joinVisit(group, eventOf(change, { name: object, row, known: hours > 0 }));
    }
    hours += 12;
    company.await(group);
    company.learn(group);
    for (const event of group.events) habits.learn(event);
    return company.due()?.evidence.surprise ?? 0;
  };
  for (const day of ['both', ...days]) visit(day === 'both' ? ['a', 'b'] : ['a']);
  return visit(['a'], last);
}

test('a companion missed a moment ago is no great news when it is missed again, and is once it has come along since', () => {
  const both = (times: number) => Array<'both'>(times).fill('both');
  const first = told(both(60));
  const again = told([...both(60), 'alone']);
  const third = told([...both(60), 'alone', 'alone']);
  const later = told([...both(60), 'alone', 'both']);
  assert.ok(first > 4 && later > 3, `${first} ${later}`);
  assert.ok(again < 1.5 && third < again, `${again} ${third}`);
});

test('who came along when the object changed as ever is missed less when something else in it changes', () => {
  const both = Array<'both'>(40).fill('both');
  assert.ok(told(both, 'colour') < told(both) - 0.9, `${told(both, 'colour')} ${told(both)}`);
});

test('what is hardly ever changed is changed alone, however seldom its object was', () => {
  const both = Array<'both'>(1000).fill('both');
  assert.ok(told(both, 'colour') < 2.6, `${told(both, 'colour')}`);
});

/** What is said where `a` moves its tag without `b`, after its tag and that of `b` moved together so often and its weight so often alone. */
function outOfStep(how: {
  together: number;
  alone: number;
  follows?: boolean;
  restMs?: number;
  remade?: boolean;
  /** By how much the tag of `b` is beyond that of `a`. */
  beyond?: number;
  /** How much later than `a` that of `b` comes when they move together. */
  lagMs?: number;
  /** `b` moves its tag first, half a day before, which is known from so. */
  ahead?: Change['origin'];
}) {
  const { together, alone, follows = false, restMs = 12 * HOUR_MS, remade = false, beyond = 0, lagMs = 0, ahead } = how;
  const rows = new Map<string, number>();
  const habits = new PathHabits();
  const company = new Company({ find: (object) => rows.get(object), nameOf: String }, habits);
  const stream = new Stream();
  let atMs = MONDAY_MS;
  const specs: Record<string, { tag: number; weight: number }> = { a: { tag: 0, weight: 0 }, b: { tag: beyond, weight: 0 } };
  const visit = (
    names: readonly string[],
    field: 'tag' | 'weight',
    { madeAnew = false, origin = 'watch' }: { madeAnew?: boolean; origin?: Change['origin'] } = {},
  ) => {
    const group = makeVisit('alice', atMs);
    for (const type of madeAnew ? (['DELETED', 'ADDED'] as const) : []) {
      const change = stream.change({ atMs, actor: 'alice', name: 'b', type, spec: { tag: -1 } });
      const name = '/Kafka\u0000streaming\u0000b';
      joinVisit(group, eventOf(change, { name, row: rows.get(name) as number, known: true }));
    }
    for (const [i, name] of names.entries()) {
      const spec = specs[name] as { tag: number; weight: number };
      spec[field]++;
      const object = `/Kafka\u0000streaming\u0000${name}`;
      const known = rows.has(object);
      if (!known) rows.set(object, rows.size);
      const change = stream.change({ atMs: atMs + i * lagMs, actor: 'alice', name, spec: { ...spec }, origin });
      joinVisit(group, eventOf(change, { name: object, row: rows.get(object) as number, known }));
    }
    company.await(group);
    company.learn(group);
    for (const event of group.events) habits.learn(event);
  };
  const settle = () => {
    atMs += 12 * HOUR_MS;
    return company.due();
  };
  for (let i = 0; i <= together; i++) {
    visit(['a', 'b'], 'tag');
    settle();
    for (let j = 0; i < together && j < alone / together; j++) {
      visit(['a'], 'weight');
      settle();
    }
  }
  // The last time they moved together was so long ago.
  atMs += restMs - 12 * HOUR_MS;
  if (ahead !== undefined) {
    visit(['b'], 'tag', { origin: ahead });
    settle();
  }
  visit(['a'], 'tag', { madeAnew: remade });
  if (follows) {
    atMs += HOUR_MS / 4;
    visit(['b'], 'tag');
  }
  return settle()?.evidence;
}

test('a field that another object always moves too is missed there, however often its object is changed alone', () => {
  const evidence = outOfStep({ together: 20, alone: 80 });
  assert.ok((evidence?.surprise ?? 0) > 3, `${evidence?.surprise}`);
  const { sentence, path } = evidence?.explain() ?? {};
  assert.equal(path, '/spec/tag');
  assert.equal(
    sentence,
    'spec.tag of Kafka streaming/a moved without that of Kafka streaming/b, which still has 21; 20 of 20 moves before came together with it.',
  );
  assert.equal(outOfStep({ together: 20, alone: 80, follows: true }), undefined, 'it follows within the wait');
  assert.equal(outOfStep({ together: 2, alone: 80 }), undefined, 'twice is no habit');
  assert.equal(outOfStep({ together: 20, alone: 80, remade: true }), undefined, 'made anew it is not behind');
  const apart = outOfStep({ together: 20, alone: 80, beyond: 100 });
  assert.ok((apart?.surprise ?? 0) < (evidence?.surprise ?? 0) - 2, `${apart?.surprise}: it never had the same`);
  assert.doesNotMatch(apart?.explain().sentence ?? '', /still has/);
  assert.equal(outOfStep({ together: 20, alone: 80, beyond: 1 }), undefined, 'it has what comes already');
  const soon = outOfStep({ together: 20, alone: 80, restMs: HOUR_MS });
  assert.equal(soon?.surprise, evidence?.surprise, 'that both moved an hour ago is no excuse');
});

test('who moved by a list or a push has not stayed behind', () => {
  for (const ahead of ['watch', 'relist', 'list', 'push'] as const) {
    assert.equal(outOfStep({ together: 20, alone: 80, ahead })?.explain().sentence, undefined, ahead);
    assert.equal(
      outOfStep({ together: 20, alone: 80, ahead, beyond: 100 })?.explain().sentence,
      undefined,
      `${ahead}, to something else`,
    );
  }
});

test('who usually comes a moment later in the same visit is missed as much', () => {
  const expected = outOfStep({ together: 20, alone: 80 })?.surprise;
  for (const lagMs of [1, 500, 1500])
    assert.equal(outOfStep({ together: 20, alone: 80, lagMs })?.surprise, expected, `${lagMs} ms`);
});
