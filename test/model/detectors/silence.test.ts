/** A job that comes every night at the same minute, and the night it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judgement } from '../../../src/domain/finding.ts';
import { createModel } from '../../../src/model/ensemble.ts';
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
