import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import { CoChange } from '../../../src/model/detectors/co-change.ts';
import { eventOf } from '../../../src/model/features.ts';
import { PathHabits } from '../../../src/model/habits/path-habits.ts';
import { groupOf } from '../../contract/check-detector.ts';
import { HOUR_MS, MONDAY_MS, ONLY, Stream } from '../stream.ts';

/** What is said of a move of `tag` alone after these: `both` moves the chart as well. */
function told(past: readonly ('both' | 'alone')[]) {
  const habits = new PathHabits();
  const detector = new CoChange(habits);
  const stream = new Stream();
  let [tag, chart] = [0, 0];
  const see = (both: boolean) => {
    tag++;
    if (both) chart++;
    const change = stream.change({
      atMs: MONDAY_MS + tag * HOUR_MS,
      actor: 'bot:bumps',
      spec: { tag, chart: 1000 + chart, name: 'x' },
    });
    const event = eventOf(change, { ...ONLY, known: tag > 1 });
    const evidence = detector.score(event, groupOf(event), change);
    detector.learn(event, groupOf(event));
    habits.learn(event);
    return evidence;
  };
  see(true);
  for (const kind of past) see(kind === 'both');
  return see(false);
}

test('a partner that nearly always moved along is missed', () => {
  const evidence = told(Array(12).fill('both'));
  assert.ok((evidence?.surprise ?? 0) > 2);
  assert.match(evidence?.explain().sentence ?? '', /^spec\.tag changed without spec\.chart; 12 of 12 past changes/);
});

test('one that moved along every other time is not, however seldom anything else is missed', () => {
  assert.equal(told(Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 'both' : 'alone'))), undefined);
});

test('a partner that went ahead alone is caught up with, one that is level is left behind', () => {
  const habits = new PathHabits();
  const detector = new CoChange(habits);
  const stream = new Stream();
  const spec = { tag: 0, chart: 0, name: 'x' };
  let hours = 0;
  const see = (...moved: ('tag' | 'chart')[]) => {
    for (const field of moved) spec[field]++;
    const change = stream.change({ atMs: MONDAY_MS + hours++ * HOUR_MS, actor: 'bot:bumps', spec: { ...spec } });
    const event = eventOf(change, { ...ONLY, known: hours > 1 });
    const evidence = detector.score(event, groupOf(event), change);
    detector.learn(event, groupOf(event));
    habits.learn(event);
    return evidence?.surprise ?? 0;
  };
  for (let i = 0; i < 13; i++) see('tag', 'chart');
  assert.ok(see('chart') > 2);
  assert.equal(see('tag'), 0);
  assert.ok(see('tag') > 1);
});

const NAMES = ['one', 'two', 'three', 'four'];

test('a field taken away and put back does not hide that its partner stays behind', () => {
  const habits = new PathHabits();
  const detector = new CoChange(habits);
  const stream = new Stream();
  let hours = 0;
  const see = (name: string, spec: Record<string, string | number>, known = true) => {
    const change = stream.change({ atMs: MONDAY_MS + hours++ * HOUR_MS, actor: 'user:eve', name, spec });
    const event = eventOf(change, { name, row: NAMES.indexOf(name), known });
    const evidence = detector.score(event, groupOf(event), change);
    detector.learn(event, groupOf(event));
    habits.learn(event);
    return evidence?.surprise ?? 0;
  };
  for (let i = 0; i < 20; i++) for (const name of NAMES) see(name, { version: i, digest: i, note: 'x' }, i > 0);
  see('one', { digest: 19, note: 'x' });
  see('one', { version: 19, digest: 19, note: 'x' });
  assert.ok(see('one', { version: 99, digest: 19, note: 'x' }) > 2);
});

test('a partner that still has what was replaced is missed more, and named with it', () => {
  const odd = (sidecar: (version: number) => string, parted: readonly number[] = []) => {
    const habits = new PathHabits();
    const detector = new CoChange(habits);
    const stream = new Stream();
    const see = (hours: number, tag: string, partner: string) => {
      const change = stream.change({ atMs: MONDAY_MS + hours * HOUR_MS, actor: 'bot:bumps', spec: { tag, partner, name: 'x' } });
      const event = eventOf(change, { ...ONLY, known: hours > 0 });
      const evidence = detector.score(event, groupOf(event), change);
      detector.learn(event, groupOf(event));
      habits.learn(event);
      return evidence;
    };
    for (let version = 0; version < 13; version++) {
      // The copy follows an hour later.
      if (parted.includes(version)) see(version - 0.5, `1.${version}`, sidecar(version - 1));
      see(version, `1.${version}`, sidecar(version));
    }
    return see(13, '1.13', sidecar(12));
  };
  const copy = odd((version) => `quay.io/app:1.${version}`);
  const other = odd((version) => `quay.io/app:7.${version}`);
  assert.ok((copy?.surprise ?? 0) > (other?.surprise ?? Number.POSITIVE_INFINITY) + 2);
  assert.match(copy?.explain().sentence ?? '', /^spec\.tag changed without spec\.partner, which still has 1\.12; 12 of 12/);
  const again = odd((version) => `quay.io/app:1.${version}`, [3, 6, 9]);
  assert.ok((again?.surprise ?? Number.POSITIVE_INFINITY) < 2.5, `${again?.surprise}: it was left so three times before`);
  assert.match(other?.explain().sentence ?? '', /^spec\.tag changed without spec\.partner; 12 of 12/);
});

/** What is said of a thirteenth object of which one field moves alone, after both moved on each of twelve: in one visit, or in twelve. */
function toldAfter(visits: 'one' | 'many') {
  const habits = new PathHabits();
  const detector = new CoChange(habits);
  const stream = new Stream();
  const seen = (name: string, row: number, spec: JsonObject, atMs: number) => {
    const change = stream.change({ atMs, actor: 'bot:bumps', name, spec });
    return { change, event: eventOf(change, { name, row, known: spec.tag !== 1 }) };
  };
  const learn = ({ event }: ReturnType<typeof seen>, group = groupOf(event)) => {
    detector.learn(event, group);
    habits.learn(event);
  };
  const names = Array.from({ length: 13 }, (_, i) => `app-${i}`);
  for (const [row, name] of names.entries()) learn(seen(name, row, { tag: 1, chart: 1 }, MONDAY_MS));
  const edits = names
    .slice(0, 12)
    .map((name, row) => seen(name, row, { tag: 2, chart: 2 }, MONDAY_MS + (visits === 'one' ? 1 : row + 1) * HOUR_MS));
  const [first] = edits as [(typeof edits)[number]];
  for (const edit of edits) learn(edit, visits === 'one' ? groupOf(first.event) : groupOf(edit.event));
  const { event, change } = seen('app-12', 12, { tag: 2, chart: 1 }, MONDAY_MS + 20 * HOUR_MS);
  return detector.score(event, groupOf(event), change);
}

test('what moved together on many objects in one visit is one case and no habit of the kind', () => {
  assert.ok((toldAfter('many')?.surprise ?? 0) > 2);
  assert.equal(toldAfter('one'), undefined);
});

test('an object that has always moved a field without it has no part in the pair of its kind', () => {
  const said = (moves: number) => {
    const habits = new PathHabits();
    const detector = new CoChange(habits);
    const stream = new Stream();
    let hours = 0;
    const see = (row: number, spec: JsonObject) => {
      const name = `app-${row}`;
      const change = stream.change({ atMs: MONDAY_MS + hours++ * HOUR_MS, actor: 'bot:bumps', name, spec });
      const event = eventOf(change, { name, row, known: hours > 13 });
      const evidence = detector.score(event, groupOf(event), change);
      detector.learn(event, groupOf(event));
      habits.learn(event);
      return evidence?.surprise ?? 0;
    };
    for (let row = 0; row < 13; row++) see(row, { tag: 0, chart: 0, note: 0 });
    for (let version = 1; version < 8; version++) {
      for (let row = 0; row < 12; row++) see(row, { tag: version, chart: version, note: 0 });
    }
    // Now and then it moves something else along.
    for (let version = 1; version < moves; version++) see(12, { tag: version, chart: 0, note: Math.min(2, version) });
    return see(12, { tag: moves, chart: 0, note: Math.min(2, moves - 1) });
  };
  assert.ok(said(1) > 2 && said(4) > 1.5, `${said(1)} ${said(4)}`);
  assert.equal(said(12), 0);
});
