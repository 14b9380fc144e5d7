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
