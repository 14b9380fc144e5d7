import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangeEvent, eventOf } from '../../../src/model/features.ts';
import { timesCame } from '../../../src/model/habits/latest-moves.ts';
import { Lockstep } from '../../../src/model/habits/lockstep.ts';
import { type Edit, HOUR_MS, MINUTE_MS, MONDAY_MS, Stream } from '../stream.ts';

/** Edits that set the tag of these objects to the number of the visit, after their creation. */
function visits() {
  const stream = new Stream();
  const specs = new Map<string, object>();
  let visit = 0;
  return (names: readonly string[], spec: (visit: number) => object = (tag) => ({ tag })): ChangeEvent[] => {
    visit++;
    return names.map((name) => {
      const known = specs.has(name);
      if (!known) stream.change({ atMs: MONDAY_MS, actor: 'alice', name, spec: { tag: 0, image: 'x' } });
      specs.set(name, spec(visit));
      const change = stream.change({
        atMs: MONDAY_MS + visit * HOUR_MS,
        actor: 'alice',
        name,
        spec: { image: 'x', ...spec(visit) },
      });
      return eventOf(change, { name, row: 0, known: true });
    });
  };
}

const names = (n: number) => Array.from({ length: n }, (_, i) => `o${i}`);

test('counts with whom a field moved, and in how many of its moves', () => {
  const lockstep = new Lockstep();
  const edits = visits();
  lockstep.learn(edits(['a']));
  assert.equal(lockstep.of('a'), undefined, 'alone so far');
  for (let i = 0; i < 3; i++) lockstep.learn(edits(['a', 'b']));
  lockstep.learn(edits(['a']));
  const field = lockstep.of('a')?.get('/spec/tag');
  assert.deepEqual([field?.moves, timesCame(field?.mates.get('b') ?? 0), field?.lastMs], [4, 3, MONDAY_MS + 5 * HOUR_MS]);
  assert.equal(lockstep.of('b')?.get('/spec/tag')?.moves, 3);
  lockstep.forget('a');
  assert.equal(lockstep.of('a'), undefined);
});

test("a crowd is nobody's company, and no chance that was missed", () => {
  const lockstep = new Lockstep();
  const edits = visits();
  lockstep.learn(edits(names(9)));
  assert.equal(lockstep.of('o0')?.get('/spec/tag')?.mates.size, 0);
  lockstep.learn(edits(['o0']));
  assert.equal(lockstep.of('o0')?.get('/spec/tag')?.moves, 0, 'no move before the first together');
  lockstep.learn(edits(['o0', 'o1']));
  lockstep.learn(edits(names(9)));
  const field = lockstep.of('o0')?.get('/spec/tag');
  assert.deepEqual([field?.moves, field?.lastMs], [1, MONDAY_MS + 4 * HOUR_MS]);
});

test('what another has in the field that moves', () => {
  const lockstep = new Lockstep();
  const stream = new Stream();
  const set = (name: string, tag: number, atMs = MONDAY_MS) => {
    const object = `/Kafka\u0000streaming\u0000${name}`;
    return eventOf(stream.change({ atMs, actor: 'alice', name, spec: { tag } }), { name: object, row: 0, known: true });
  };
  const mate = '/Kafka\u0000streaming\u0000b';
  for (const tag of [0, 1]) lockstep.learn([set('a', tag), set('b', tag)]);
  assert.deepEqual(lockstep.standing(set('a', 2), mate), { standing: 'left', path: '/spec/tag' });
  assert.equal(lockstep.standing(set('a', 3), mate)?.standing, 'apart');
  assert.equal(lockstep.standing(set('a', 1), mate)?.standing, 'ahead', 'set back to it');
  assert.equal(lockstep.standing(set('a', 2), mate.replace('Kafka', 'KafkaUser')), undefined, 'another kind');
  const wide = Object.fromEntries(names(20).map((name) => [name, 1]));
  for (const tag of [8, 9]) {
    const change = stream.change({ atMs: MONDAY_MS, actor: 'alice', name: 'b', spec: { tag, ...(tag === 8 ? {} : wide) } });
    lockstep.learn([eventOf(change, { name: mate, row: 0, known: true })]);
  }
  assert.equal(lockstep.standing(set('a', 9), mate)?.standing, 'ahead', 'made over since');
  lockstep.learn(names(9).map((name) => set(name, 0)));
  lockstep.learn(names(9).map((name) => set(name, 1)));
  assert.equal(lockstep.standing(set('o1', 2), mate.replace(/b$/, 'o2'))?.standing, 'left', 'of a crowd too');
});

test('what is no move, as what a list tells, is noted where fields move together, and in the order in which it came', () => {
  const lockstep = new Lockstep();
  const stream = new Stream();
  const set = (name: string, tag: number, minutes: number, how: Partial<Edit> = {}) => {
    const change = stream.change({ atMs: MONDAY_MS + minutes * MINUTE_MS, actor: 'alice', name, spec: { tag }, ...how });
    return eventOf(change, { name, row: 0, known: true });
  };
  const wide = Object.fromEntries(names(20).map((name) => [name, 1]));
  for (const tag of [0, 1]) lockstep.learn([set('a', tag, tag), set('b', tag, tag)]);
  const known = () => {
    const { moves, lastMs, mates, value } = lockstep.of('b')?.get('/spec/tag') ?? {};
    return { moves, minutes: ((lastMs ?? 0) - MONDAY_MS) / MINUTE_MS, came: timesCame(mates?.get('a') ?? 0), value };
  };
  const values = new Map<number, number | undefined>([[1, known().value]]);
  assert.deepEqual(known(), { moves: 1, minutes: 1, came: 1, value: values.get(1) });
  lockstep.learn([set('b', 2, 2, { origin: 'relist' })]);
  values.set(2, known().value);
  assert.notEqual(values.get(2), values.get(1));
  assert.deepEqual(known(), { moves: 1, minutes: 2, came: 1, value: values.get(2) });
  lockstep.learn([set('b', 1, 3, { spec: { tag: 1, ...wide } })]);
  assert.deepEqual(known(), { moves: 1, minutes: 3, came: 1, value: values.get(1) }, 'made over');
  lockstep.learn([
    set('b', 5, 4, { origin: 'relist', spec: { tag: 5, ...wide } }),
    set('b', 2, 5, { spec: { tag: 2, ...wide } }),
  ]);
  assert.deepEqual(known(), { moves: 2, minutes: 5, came: 1, value: values.get(2) }, 'the last of a visit stands');
  lockstep.learn([set('b', 9, 6, { origin: 'relist', spec: wide })]);
  assert.equal(lockstep.of('b')?.has('/spec/tag'), false, 'removed');
});

test('a field that is removed has no mates any more', () => {
  const lockstep = new Lockstep();
  const edits = visits();
  lockstep.learn(edits(['a', 'b']));
  lockstep.learn(edits(['a'], () => ({})));
  assert.equal(lockstep.of('a')?.has('/spec/tag'), false);
  assert.equal(lockstep.of('b')?.has('/spec/tag'), true);
});

test('of more mates than are kept, who came once and no more gives way', () => {
  const lockstep = new Lockstep();
  const edits = visits();
  for (const mate of names(12)) {
    lockstep.learn(edits(['a', 'b']));
    lockstep.learn(edits(['a', mate]));
  }
  const mates = lockstep.of('a')?.get('/spec/tag')?.mates;
  assert.ok(mates !== undefined && mates.size <= 6 && mates.has('b') && mates.has('o11'));
});

test('mates and fields that are long gone make room', () => {
  const lockstep = new Lockstep();
  const edits = visits();
  for (const mate of names(6)) for (let i = 0; i < 2; i++) lockstep.learn(edits(['a', mate]));
  for (let i = 0; i < 5; i++) lockstep.learn(edits(['a', 'b']));
  assert.ok(lockstep.of('a')?.get('/spec/tag')?.mates.has('b'));
  for (let i = 0; i < 20; i++) lockstep.learn(edits(['c', 'd'], (visit) => ({ [`f${i}`]: 0, tag: visit })));
  const many = visits();
  for (let i = 0; i < 20; i++) {
    lockstep.learn(many(['c', 'd'], () => ({ [`f${i}`]: 0 })));
    lockstep.learn(many(['c', 'd'], () => ({ [`f${i}`]: 1 })));
  }
  assert.ok(
    (lockstep.of('c')?.size ?? 0) <= 16 && lockstep.of('c')?.has('/spec/f19'),
    [...(lockstep.of('c')?.keys() ?? [])].join(),
  );
});
