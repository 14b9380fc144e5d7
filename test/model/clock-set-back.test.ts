/** A clock that is set back a week says nothing of how fast things come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../src/model/ensemble.ts';
import { DAY_MS, HOUR_MS, habit, MINUTE_MS, MONDAY_MS, Stream } from './stream.ts';

const SET_BACK_ON = 30 * DAY_MS;

/** What is told, by detector, in the days after: an operator edits each of ten objects every two hours and writes the status of three every twenty minutes. */
function told(isSetBack: boolean): string[] {
  const model = createModel();
  const stream = new Stream();
  const days = 36;
  const edits: { at: number; kind: string; name: string; spec?: { p: number }; status?: { m: number } }[] = [];
  for (let h = 0; h < 24 * days; h += 2)
    for (let o = 0; o < 10; o++)
      edits.push({ at: h * HOUR_MS + o * 5 * MINUTE_MS, kind: 'Topic', name: `t${o}`, spec: { p: h % 7 } });
  for (let m = 0; m < 72 * days; m++)
    for (let o = 0; o < 3; o++)
      edits.push({ at: m * 20 * MINUTE_MS + o * 7_000 + 1, kind: 'Cert', name: `c${o}`, status: { m } });
  for (const change of habit(new Stream(), { seed: 7, days: 7 })) model.observe(change);
  const found: string[] = [];
  for (const { at, ...edit } of edits.sort((a, b) => a.at - b.at)) {
    const atMs = MONDAY_MS + 7 * DAY_MS + at - (isSetBack && at >= SET_BACK_ON ? 7 * DAY_MS : 0);
    const judged = model.observe(stream.change({ ...edit, actor: 'tuner-operator', atMs }));
    if (at >= SET_BACK_ON) for (const { score, detector } of judged) if (score >= 2.5) found.push(detector);
  }
  return found;
}

test('a clock set back a week brings neither bursts nor status loops', () => {
  assert.deepEqual(told(false), []);
  assert.deepEqual(told(true), []);
});

/** A cluster whose routes change in pairs, up to the moment returned; then time has passed for three hours more, and what was held up comes. */
function heldUp() {
  const model = createModel();
  const stream = new Stream();
  const edit = (atMs: number, name: string, weight: number, actor = 'alice') =>
    model.observe(stream.change({ atMs, actor, kind: 'ModelRoute', name, spec: { weight } }));
  const atMs = MONDAY_MS + 101 * DAY_MS;
  for (let day = 1; day <= 100; day++) {
    edit(MONDAY_MS + day * DAY_MS, 'chat', day);
    edit(MONDAY_MS + day * DAY_MS, 'chat-shadow', 100 - day);
    edit(MONDAY_MS + (day + 0.3) * DAY_MS, 'other', day);
  }
  model.advance(atMs + 3 * HOUR_MS);
  return { model, stream, edit, atMs };
}

test('of two that change together and come late neither is missed before the other could come', () => {
  const { model, edit, atMs } = heldUp();
  edit(atMs, 'chat', 41);
  const found = [
    ...model.advance(atMs + 3 * HOUR_MS + 5_000),
    ...edit(atMs + 20 * MINUTE_MS, 'chat-shadow', 59),
    ...model.advance(atMs + 6 * HOUR_MS),
  ];
  assert.deepEqual(
    found.filter(({ detector }) => detector === 'company'),
    [],
  );
  edit(atMs + 4 * HOUR_MS + DAY_MS, 'chat', 42);
  assert.equal(model.advance(atMs + 2 * DAY_MS).filter(({ detector }) => detector === 'company').length, 1);
});

test('what is odd and comes late waits a day to be learnt like anything else, and so after a clock was set back a week', () => {
  for (const backMs of [20 * HOUR_MS, 7 * DAY_MS]) {
    const { model, stream, atMs } = heldUp();
    const clockMs = atMs + 4 * HOUR_MS;
    model.advance(clockMs);
    const odd = (seen: number) =>
      stream.change({
        atMs: seen,
        actor: 'mallory',
        kind: 'ModelRoute',
        name: 'chat',
        spec: { weight: 1e6, url: `https://evil.example/${seen}`, hostNetwork: true, securityContext: { privileged: true } },
      });
    const late = odd(clockMs - backMs);
    assert.ok(model.observe(late).some(({ score }) => score >= 4));
    model.advance(clockMs + 20 * HOUR_MS);
    assert.equal(model.withhold({ cluster: 'test', seq: late.seq }), true);
  }
});
