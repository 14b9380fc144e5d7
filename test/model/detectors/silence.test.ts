/** A job that comes every night at the same minute, and the night it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judgement } from '../../../src/domain/finding.ts';
import { type Overdue, Silence } from '../../../src/model/detectors/silence.ts';
import { createModel } from '../../../src/model/ensemble.ts';
import { EventBook, eventOf } from '../../../src/model/features.ts';
import { DAY_MS, HOUR_MS, habit, MONDAY_MS, Stream } from '../stream.ts';

const NIGHTS = 24;
const JOB = 'system:serviceaccount:data:quota-sync';
const USERS = ['basket', 'billing', 'checkout', 'ledger', 'search', 'shipping'];

/** The job writes its users within seconds, one after another; people edit some of them by day. Returns what is told of the job's kind after it stopped. */
function afterLastNight(nights: number): Judgement[] {
  const model = createModel();
  const stream = new Stream();
  const write = (atMs: number, actor: string, name: string, quota: number) => ({
    ...{ atMs, actor, kind: 'KafkaUser', name, spec: { quota } },
  });
  const edits = [...Array(NIGHTS).keys()].flatMap((day) => [
    ...USERS.map((name, i) => write(MONDAY_MS + day * DAY_MS + 2 * HOUR_MS + i * 1_000, JOB, name, day)),
    write(MONDAY_MS + day * DAY_MS + (9 + (day % 7)) * HOUR_MS, 'alice', USERS[day % USERS.length] as string, 1_000 + day),
  ]);
  const changes = [
    ...habit(new Stream(), { seed: 7, days: NIGHTS + 2 }),
    ...edits.filter(({ actor, atMs }) => actor !== JOB || atMs < MONDAY_MS + nights * DAY_MS).map((edit) => stream.change(edit)),
  ].sort((a, b) => a.observedMs - b.observedMs);
  const found = changes.flatMap((change) => model.observe(change));
  return [...found, ...model.advance(MONDAY_MS + (NIGHTS + 2) * DAY_MS)].filter(
    ({ subject }) => subject.type === 'silence' && subject.ref.kind === 'KafkaUser',
  );
}

test('a job that came to the minute is missed within hours, and its many objects do not hide it', () => {
  const found = afterLastNight(NIGHTS - 1);
  const ofJob = found.filter(({ subject }) => subject.type === 'silence' && subject.actor === JOB);
  assert.equal(ofJob.length, 1);
  const [job] = ofJob as [Judgement];
  const lastMs = MONDAY_MS + (NIGHTS - 2) * DAY_MS + 2 * HOUR_MS;
  assert.ok(job.tsMs > lastMs + DAY_MS && job.tsMs < lastMs + 36 * HOUR_MS, new Date(job.tsMs).toISOString());
  assert.ok(job.score >= 2.5, `once in ${job.onceIn}`);
  for (const other of found) if (other !== job) assert.ok(other.score < job.score);
});

test('a job that still comes is not told', () => {
  const found = afterLastNight(NIGHTS);
  assert.deepEqual(
    found.filter(({ tsMs }) => tsMs < MONDAY_MS + (NIGHTS - 1) * DAY_MS + 26 * HOUR_MS),
    [],
  );
});

test('a nightly report in the status is missed although people had it written by day now and then', () => {
  const model = createModel();
  const stream = new Stream();
  const report = (atMs: number, run: number) => ({
    ...{ atMs, actor: 'backup-operator', kind: 'Database', name: 'orders', spec: { sizeGB: 20 }, status: { run } },
  });
  const nightly = [...Array(NIGHTS).keys()].map((day) => report(MONDAY_MS + day * DAY_MS + HOUR_MS + (day % 4) * 60_000, day));
  const byDay = [5, 17].map((day) => report(MONDAY_MS + day * DAY_MS + 12 * HOUR_MS, 100 + day));
  const changes = [
    ...habit(new Stream(), { seed: 7, days: NIGHTS + 2 }),
    ...[...nightly, ...byDay].sort((a, b) => a.atMs - b.atMs).map((edit) => stream.change(edit)),
  ].sort((a, b) => a.observedMs - b.observedMs);
  const found = [...changes.flatMap((change) => model.observe(change)), ...model.advance(MONDAY_MS + (NIGHTS + 2) * DAY_MS)];
  const told = found.filter(({ subject }) => subject.type === 'silence' && subject.ref.name === 'orders');
  assert.equal(told.length, 1);
  assert.ok((told[0] as Judgement).score >= 2.5, `once in ${told[0]?.onceIn}`);
});

test('objects whose writer goes by another name from some day on are missed under the new one', () => {
  const model = createModel();
  const stream = new Stream();
  const [renamed, stopped, days] = [60, 100, 110];
  const edits = [...Array(days).keys()].flatMap((day) =>
    USERS.flatMap((name, i) =>
      day >= stopped && name === 'ledger'
        ? []
        : {
            ...{ atMs: MONDAY_MS + day * DAY_MS + 2 * HOUR_MS + i * 1_000, kind: 'KafkaUser', name, spec: { quota: day } },
            actor: day < renamed ? JOB : 'system:serviceaccount:platform:quota-keeper',
          },
    ),
  );
  const changes = [...habit(new Stream(), { seed: 7, days }), ...edits.map((edit) => stream.change(edit))].sort(
    (a, b) => a.observedMs - b.observedMs,
  );
  const found = [...changes.flatMap((change) => model.observe(change)), ...model.advance(MONDAY_MS + days * DAY_MS)];
  const missed = found.filter(({ subject, tsMs }) => subject.type === 'silence' && tsMs > MONDAY_MS + stopped * DAY_MS);
  assert.deepEqual(
    missed.filter(({ subject }) => subject.ref.kind === 'KafkaUser').map(({ subject }) => subject.ref.name),
    ['ledger'],
  );
});

/** Days between the changes of an object that keeps no timer. */
const UNEVEN = [2, 1, 3, 1, 2, 2, 1, 4, 2, 1, 3, 2];

/** An object that changed after each of these days and then no more, in a cluster with as many other visits as days went by; `others` of its kind come after. */
function overdueAfter(days: readonly number[], others = 0): Overdue {
  const told = toldAfter(days, others);
  assert.equal(told[0]?.ref.name, 'orders');
  return told[0] as Overdue;
}

function toldAfter(days: readonly number[], others = 0): Overdue[] {
  const silence = new Silence();
  const stream = new Stream();
  const book = new EventBook();
  let [atMs, replicas] = [MONDAY_MS, 1];
  const visits = () => Math.round((4 * (atMs - MONDAY_MS)) / DAY_MS);
  const write = (name: string, row: number) => {
    const change = stream.change({ atMs, actor: 'alice', name, spec: { replicas: ++replicas } });
    silence.track(eventOf(change, { name: `\u0000streaming\u0000${name}`, row, known: true }, book), visits());
  };
  write('orders', 0);
  for (const wait of days) {
    atMs += wait * DAY_MS;
    write('orders', 0);
  }
  for (let i = 0; i < others; i++) {
    atMs += DAY_MS / 2;
    write('refunds', 1);
  }
  const told: Overdue[] = [];
  // Most times at which a beat was due have been overtaken by the next beat.
  while (told.length === 0 && Number.isFinite(silence.nextMs())) {
    atMs = Math.max(atMs, silence.nextMs());
    told.push(...silence.due(atMs, visits()));
  }
  return told;
}

test('what comes every other month is missed in the third', () => {
  const days = UNEVEN.map((n) => 57 + n);
  const lastMs = MONDAY_MS + days.reduce((sum, n) => sum + n, 0) * DAY_MS;
  const { ref, atMs } = overdueAfter(days);
  assert.equal(ref.name, 'orders');
  assert.ok(atMs > lastMs + 61 * DAY_MS && atMs < lastMs + 90 * DAY_MS, new Date(atMs).toISOString());
});

test('an object that rested for twelve medians before is not missed', () => {
  assert.deepEqual(toldAfter([...UNEVEN.slice(0, -1), 24]), []);
  assert.notDeepEqual(toldAfter([...UNEVEN.slice(0, -1), 18]), []);
});

test('what changes several times a day and then rests for days is not missed, and nothing is missed as soon as it is later than ever', () => {
  const [often, atTimes] = [UNEVEN.map((days) => days / 4), UNEVEN.map((days) => days * 2)];
  assert.deepEqual(toldAfter([...often, ...often, 4, ...often]), []);
  assert.notDeepEqual(toldAfter([...often, ...often, 1.5, ...often]), []);
  assert.notDeepEqual(toldAfter([...atTimes, ...atTimes, 32, ...atTimes]), []);
  const steady = Array.from({ length: 20 }, () => 7);
  const lastMs = MONDAY_MS + 140 * DAY_MS;
  assert.ok((toldAfter(steady)[0]?.atMs ?? 0) > lastMs + 1.39 * 7 * DAY_MS);
});

test('the only object of its kind is missed by the clocks that go on without it', () => {
  const { p } = overdueAfter(UNEVEN);
  assert.ok(p < 0.25, `${p}`);
});

test('one more visit to a kind than is usual is no wonder', () => {
  const { p } = overdueAfter(UNEVEN, 2);
  assert.ok(p > 0.001, `${p}`);
});

test('a beat that was late as often in years is louder than one that was so in weeks', () => {
  const quick = overdueAfter(UNEVEN);
  const slow = overdueAfter(UNEVEN.map((days) => days * 8));
  assert.ok(Math.abs(slow.surprise - quick.surprise - Math.log(8)) < 0.3, `${slow.surprise} and ${quick.surprise}`);
});

test('after long gaps that come in spells one more long gap is expected', () => {
  const [short, long] = [[...Array(12)].map((_, i) => 1 + (i % 2)), [...Array(12)].map((_, i) => 5 + (i % 2))];
  const mixed = overdueAfter(short.flatMap((days, i) => [days, long[i] as number]));
  const spells = overdueAfter([...short, ...long]);
  assert.ok(spells.surprise < mixed.surprise - 0.2, `${spells.surprise} and ${mixed.surprise}`);
});
