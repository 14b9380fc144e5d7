import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HourOfWeek } from '../../../src/model/detectors/hour-of-week.ts';
import { eventOf } from '../../../src/model/features.ts';
import { Echoes } from '../../../src/model/habits/echoes.ts';
import { groupOf } from '../../contract/check-detector.ts';
import { DAY_MS, HOUR_MS, MONDAY_MS, Stream } from '../stream.ts';

const NIGHT_MS = MONDAY_MS + 70 * DAY_MS + 3 * HOUR_MS;

/** How odd the hour of a version at night is to somebody of office hours, where another object got `elsewhere` so many days before. */
function surpriseAt(night: { version: string; elsewhere: string; daysBefore: number }): number {
  const echoes = new Echoes();
  const hours = new HourOfWeek({ timeZone: 'UTC', echoes });
  const stream = new Stream();
  const see = (atMs: number, name: string, row: number, version: string) => {
    const event = eventOf(stream.change({ atMs, actor: 'user:ann', name, spec: { version } }), { name, row, known: true });
    const surprise = hours.score(event)?.surprise ?? 0;
    hours.learn(event, groupOf(event));
    echoes.learn(event);
    return surprise;
  };
  stream.change({ atMs: MONDAY_MS, actor: 'user:ann', name: 'there', type: 'ADDED', spec: { version: '0' } });
  for (let day = 0; day < 70; day++) see(MONDAY_MS + day * DAY_MS + 10 * HOUR_MS, 'here', 1, `1.0.${day}`);
  see(NIGHT_MS - night.daysBefore * DAY_MS - 17 * HOUR_MS, 'there', 2, night.elsewhere);
  return see(NIGHT_MS, 'here', 1, night.version);
}

test('a change at night that repeats what another object got lately is half as odd; other values, and those of long ago, are no echo', () => {
  const alone = surpriseAt({ version: '2.0.0', elsewhere: '1.9.0', daysBefore: 3 });
  assert.ok(alone > 2, `${alone}`);
  assert.ok(Math.abs(surpriseAt({ version: '2.0.0', elsewhere: '2.0.0', daysBefore: 3 }) - alone / 2) < 0.1);
  assert.ok(surpriseAt({ version: '2.0.0', elsewhere: '2.0.0', daysBefore: 65 }) > 0.9 * alone);
});

test('one label that others have does not make an echo of what it comes with', () => {
  const echoes = new Echoes();
  const stream = new Stream();
  const event = (name: string, row: number, spec: Record<string, unknown>) =>
    eventOf(stream.change({ atMs: MONDAY_MS, actor: 'user:ann', name, spec: spec as never }), { name, row, known: true });
  const fields = (n: number, value: string) => Object.fromEntries([...Array(n).keys()].map((i) => [`f${i}`, value]));
  event('a', 1, { ...fields(8, 'old'), mark: 'old' });
  event('b', 2, { ...fields(20, 'old'), mark: 'old' });
  event('c', 3, { ...fields(8, 'old'), guard: 1, other: 2, third: 3 });
  echoes.learn(event('a', 1, { ...fields(8, 'new'), mark: 'new' }));
  assert.equal(echoes.repeats(event('b', 2, { ...fields(20, 'new'), mark: 'old' })), false, 'eight of twenty');
  assert.equal(echoes.repeats(event('c', 3, { ...fields(1, 'new'), ...{ f1: 'old' } })), false, 'guards taken away');
  const script = 'x'.repeat(400);
  event('d', 4, { script: '' });
  event('e', 5, { script: '' });
  echoes.learn(event('d', 4, { script: `${script} and so on` }));
  assert.equal(echoes.repeats(event('e', 5, { script: `${script} and off with it` })), false, 'another end');
});

test('an object does not echo itself, and what is kept is bounded', () => {
  const echoes = new Echoes();
  const stream = new Stream();
  const event = (name: string, row: number, value: string) =>
    eventOf(stream.change({ atMs: MONDAY_MS, actor: 'user:ann', name, spec: { value } }), { name, row, known: true });
  event('a', 1, 'first');
  event('b', 2, 'first');
  echoes.learn(event('a', 1, 'second'));
  event('a', 1, 'first');
  assert.equal(echoes.repeats(event('a', 1, 'second')), false);
  assert.equal(echoes.repeats(event('b', 2, 'second')), true);
  for (let i = 0; i < 20_100; i++) echoes.learn(event('a', 1, `value ${i}`));
  assert.equal(echoes.save().size, 20_000);
});
