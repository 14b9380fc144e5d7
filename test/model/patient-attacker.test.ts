/** Who takes time: a field moved by one in a hundred each day for a month, and a harmless habit built before the blow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judgement } from '../../src/domain/finding.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { DAY_MS, type Edit, HOUR_MS, habit, MONDAY_MS, Stream } from './stream.ts';

const DAYS = 42;
const MONTH = 30;
const TARGET = 'kafka-2';
/** Ten in the morning of a day, counted from the end of the weeks of habit. */
const morningOf = (day: number) => MONDAY_MS + (DAYS + day) * DAY_MS + 10 * HOUR_MS;

/** Weeks of habit, in which others go on with theirs for another two months. */
function settled() {
  const [model, stream] = [createModel(), new Stream()];
  let spec: JsonObject = {};
  const rest = habit(stream, { seed: 11, days: DAYS }).flatMap((change) => {
    if (change.ref.name === TARGET) spec = change.state.spec as JsonObject;
    return model.observe(change);
  });
  const edit = (atMs: number, changed: JsonObject, more: Partial<Edit> = {}): Judgement[] => {
    spec = { ...spec, ...changed };
    return model.observe(stream.change({ atMs, actor: 'alice', name: TARGET, spec, ...more }));
  };
  const others = (day: number) => {
    const atMs = morningOf(day) + 2 * HOUR_MS;
    const image = `registry.example/kafka:1.1.${day}`;
    model.observe(stream.change({ atMs, actor: 'flux', name: 'kafka-3', spec: { ...spec, image } }));
  };
  return { model, rest, edit, others, retention: () => Number(spec.retention) };
}

const loudest = (found: readonly Judgement[]) => Math.max(0, ...found.map(({ score }) => score));
const saysOf = (found: readonly Judgement[], detector: string) =>
  found.filter((one) => one.reasons.some((reason) => reason.detector === detector));

for (const actor of ['alice', 'flux'])
  test(`steps of 1 % a day for a month by ${actor} are told as a drift before a tenth is gone, and the leap at their end as a leap`, () => {
    const { model, edit, others, retention } = settled();
    const before = model.snapshot().length;
    const from = retention();
    let toldAt: number | undefined;
    const found: Judgement[] = [];
    for (let day = 0; day < MONTH; day++) {
      others(day);
      const said = edit(morningOf(day), { retention: retention() * 1.01 }, { actor });
      found.push(...said);
      if (saysOf(said, 'drift').some(({ score }) => score >= 2)) toldAt ??= retention() / from;
    }
    assert.ok(toldAt !== undefined && toldAt < 1.1, `told at ${toldAt} of what it was`);
    assert.match(JSON.stringify(saysOf(found, 'drift').at(-1)?.reasons), /has moved up \d+ times in a row/);
    assert.ok(found.every(({ score }) => Number.isFinite(score)));
    assert.ok(model.snapshot().length < 1.2 * before, 'a month of steps is kept in what a month of edits takes');
    const leap = edit(morningOf(MONTH), { retention: retention() * 40 }, { actor });
    assert.ok(saysOf(leap, 'leap').length > 0, JSON.stringify(leap));
    assert.ok(loudest(leap) >= 2, `the leap scores ${loudest(leap)}`);
  });

/** What turns the cluster open: settings that nobody touched in all the weeks. */
const BLOW = { tls: { enabled: false }, image: 'evil.example/kafka:1.0.0' };

test('who first edits harmlessly for a month is told for the blow nearly as loudly as a stranger, and each day of the habit is not', () => {
  const stranger = settled();
  const unknown = loudest(stranger.edit(morningOf(MONTH), BLOW, { actor: 'mallory' }));
  const patient = settled();
  const daily: number[] = [];
  for (let day = 0; day < MONTH; day++) {
    patient.others(day);
    const replicas = day % 2 === 0 ? 4 : 5;
    daily.push(loudest(patient.edit(morningOf(day), { replicas }, { actor: 'mallory' })));
  }
  const blow = patient.edit(morningOf(MONTH), BLOW, { actor: 'mallory' });
  assert.ok(
    daily.slice(MONTH / 2).every((score) => score < 2),
    `the habit scores ${daily}`,
  );
  assert.ok(loudest(blow) >= 2.5, `the blow scores ${loudest(blow)}`);
  assert.ok(loudest(blow) >= unknown - 1.5, `${loudest(blow)} after a habit, ${unknown} without`);
});

test('who rehearses the blow where it does no harm has not made it usual where it does', () => {
  const first = settled();
  const unrehearsed = loudest(first.edit(morningOf(MONTH), BLOW));
  const { model, edit } = settled();
  const stream = new Stream('test');
  for (let day = 0; day < MONTH; day++) {
    const enabled = day % 2 === 0;
    const own = { name: 'playground', namespace: 'mallory', spec: { tls: { enabled }, image: `evil.example/kafka:1.0.${day}` } };
    model.observe(stream.change({ atMs: morningOf(day), actor: 'mallory', ...own }));
  }
  const blow = edit(morningOf(MONTH), BLOW);
  assert.ok(loudest(blow) >= 2.5, `the blow scores ${loudest(blow)}`);
  assert.ok(loudest(blow) >= unrehearsed - 1.5, `${loudest(blow)} after rehearsals, ${unrehearsed} without`);
});
