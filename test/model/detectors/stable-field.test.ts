import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import { StableField } from '../../../src/model/detectors/stable-field.ts';
import { eventOf } from '../../../src/model/features.ts';
import { PathHabits } from '../../../src/model/habits/path-habits.ts';
import { groupOf } from '../../contract/check-detector.ts';
import { DAY_MS, MONDAY_MS, ONLY, Stream } from '../stream.ts';

const BOARDS = 12;

/** Edits one object, a day each; gives how surprising the detector found each, before it learnt it. */
function editing(): (day: number, spec: JsonObject, actor?: string) => number {
  const habits = new PathHabits();
  const detector = new StableField(habits);
  const stream = new Stream();
  return (day, spec, actor = 'bot:bumps') => {
    const event = eventOf(stream.change({ atMs: MONDAY_MS + day * DAY_MS, actor, spec }), {
      ...ONLY,
      known: day > 0,
    });
    const surprise = detector.score(event, groupOf(event))?.surprise ?? 0;
    detector.learn(event);
    habits.learn(event);
    return surprise;
  };
}

/**
 * What is said when the revision of one more entry of a map moves for the first time in an object whose edits are mostly of its version:
 * `among` of the other entries have moved theirs before.
 */
function surpriseOf(among: number, field: 'revision' | 'source'): number {
  const edit = editing();
  const boards = Object.fromEntries(Array.from({ length: BOARDS }, (_, i) => [`board-${i}`, { revision: 1, source: 'main' }]));
  edit(0, { version: '1.0.0', boards });
  for (let day = 1; day <= 60; day++) {
    const one = Math.floor(day / 5);
    if (day % 5 === 0 && one <= among) boards[`board-${one - 1}`] = { revision: 2, source: 'main' };
    edit(day, { version: `1.0.${day}`, boards: { ...boards } });
  }
  const last = {
    ...boards,
    [`board-${BOARDS - 1}`]: { revision: 1, source: 'main', [field]: field === 'revision' ? 2 : 'fork' },
  };
  return edit(61, { version: '1.0.60', boards: last });
}

test('a field of one more map entry that moves is as usual as the first moves of its peers were', () => {
  const [alone, among] = [surpriseOf(0, 'revision'), surpriseOf(10, 'revision')];
  assert.ok(alone > 3, `${alone}`);
  assert.ok(among < 0.6 * alone, `${among} beside ${alone}`);
});

test('another field of the entry stays as stable as it was, whatever its neighbours do', () => {
  assert.ok(surpriseOf(10, 'source') > 3, `${surpriseOf(10, 'source')}`);
});

/** What is said of `field` in the edit after the one that lays the manifest out anew, when its `tag` and not its `pullPolicy` had moved all the time. */
function surpriseAfterNewLayout(field: 'tag' | 'pullPolicy'): number {
  const edit = editing();
  const image = (tag: number) => ({ tag: `1.0.${tag}`, pullPolicy: 'Always' });
  for (let day = 0; day <= 40; day++) edit(day, { replicas: 2, image: image(day) });
  edit(41, { replicas: 2, containers: { app: { image: image(40) } } });
  const last = { ...image(40), [field]: field === 'tag' ? '1.0.41' : 'Never' };
  return edit(42, { replicas: 2, containers: { app: { image: last } } });
}

test('a field that moved all the time does so too where a new layout of the manifest put it', () => {
  assert.ok(surpriseAfterNewLayout('tag') < 0.2, `${surpriseAfterNewLayout('tag')}`);
});

test('a field that rested is as stable in its new place', () => {
  assert.ok(surpriseAfterNewLayout('pullPolicy') > 3, `${surpriseAfterNewLayout('pullPolicy')}`);
});

/** What is said of the first move of a tag, deep in an object whose other tag the bot moved all the time, by whom. */
function surpriseOfRestingTag(actor: string): number {
  const edit = editing();
  for (let day = 0; day <= 60; day++) edit(day, { image: { tag: `1.0.${day}` }, extra: { proxy: { image: { tag: '2.0.0' } } } });
  return edit(61, { image: { tag: '1.0.60' }, extra: { proxy: { image: { tag: '2.0.1' } } } }, actor);
}

test('whoever moves fields so named all day is no news when moving one that rested', () => {
  assert.ok(surpriseOfRestingTag('bot:bumps') < 0.2, `${surpriseOfRestingTag('bot:bumps')}`);
});

test('the same field moved by somebody else is', () => {
  assert.ok(surpriseOfRestingTag('user:ada') > 3, `${surpriseOfRestingTag('user:ada')}`);
});

/** What is said of the first move of one field, and of `others` with it, after so many edits by a person in which all of them rested. */
function surpriseAfterRest(edits: number, others = 0, actor = 'user:ada'): number {
  const edit = editing();
  const resting = (value: number) => Object.fromEntries(Array.from({ length: 1 + others }, (_, i) => [`rests${i}`, value]));
  for (let day = 0; day <= edits; day++) edit(day, { replicas: day, keeps: 1, ...resting(1) }, 'user:ada');
  return edit(edits + 1, { replicas: edits, keeps: 1, ...resting(2) }, actor);
}

test('what a person moves after ten times as long a rest is little more news, as fields that rest for long are moved all the same', () => {
  const [short, long] = [surpriseAfterRest(40), surpriseAfterRest(400)];
  assert.ok(long > short, `${short}, ${long}`);
  assert.ok(Math.exp(long) < 3_000 && long - short < Math.log(10), `${short}, ${long}`);
});

test('a machine that moves what rested for as long is rarer than that', () => {
  assert.ok(surpriseAfterRest(400, 0, 'bot:other') > surpriseAfterRest(400) + 2);
});

test('two fields that rested are less news than one, and ten hardly less than three', () => {
  const [one, two, three, ten] = [0, 1, 2, 9].map((others) => surpriseAfterRest(100, others)) as [number, number, number, number];
  assert.ok(two < one - 1, `${one}, ${two}`);
  assert.ok(three < two && ten > three - 0.5, `${two}, ${three}, ${ten}`);
});

test('who moved a field of the kind a moment ago moves it once more on the next object', () => {
  const said = (minutes: number, second: string) => {
    const habits = new PathHabits();
    const detector = new StableField(habits);
    const stream = new Stream();
    const see = (row: number, atMs: number, spec: JsonObject, actor: string) => {
      const name = `app-${row}`;
      const event = eventOf(stream.change({ atMs, actor, name, spec }), { name, row, known: atMs > MONDAY_MS });
      const surprise = detector.score(event, groupOf(event))?.surprise ?? 0;
      detector.learn(event);
      habits.learn(event);
      return surprise;
    };
    for (const row of [0, 1])
      for (let day = 0; day < 40; day++) see(row, MONDAY_MS + day * DAY_MS, { tag: day, claim: 'old' }, 'alice');
    const atMs = MONDAY_MS + 50 * DAY_MS;
    const first = see(0, atMs, { tag: 39, claim: 'a' }, 'alice');
    return { first, next: see(1, atMs + minutes * 60_000, { tag: 39, claim: 'b' }, second) };
  };
  const { first, next } = said(10, 'alice');
  assert.ok(first > 4 && next < 1.5, `${first} ${next}`);
  const nextDay = said(24 * 60, 'alice').next;
  assert.ok(nextDay > next + 1.5 && nextDay < first, `${nextDay}`);
  assert.ok(said(10, 'bob').next > 3.5, `${said(10, 'bob').next}: another person`);
});
