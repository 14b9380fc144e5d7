import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import { NewValue } from '../../../src/model/detectors/new-value.ts';
import { eventOf } from '../../../src/model/features.ts';
import { joinVisit, makeVisit } from '../../../src/model/visits.ts';
import { DAY_MS, MONDAY_MS, ONLY, Stream } from '../stream.ts';

/** What is said of a model's second address, where other models each have a place of their own; the first came with its birth. */
function surpriseOf(next: string): number {
  const detector = new NewValue();
  const stream = new Stream();
  const seen = (name: string, spec: JsonObject, day: number, type?: 'ADDED') => {
    const at = { atMs: MONDAY_MS + day * DAY_MS, actor: 'user:ann', kind: 'Model', name, spec };
    const event = eventOf(stream.change(type === undefined ? at : { ...at, type }), { ...ONLY, known: type === undefined });
    const visit = makeVisit(event.actor.name, event.atMs);
    joinVisit(visit, event);
    const surprise = detector.score(event, visit)?.surprise ?? 0;
    detector.learn(event);
    return surprise;
  };
  for (let i = 0; i < 20; i++) {
    seen(`model-${i % 4}`, { uri: `s3://models/model-${i % 4}/1.2.${i}/` }, i, i < 4 ? 'ADDED' : undefined);
  }
  seen('fraud', { uri: 's3://models/fraud/6.18.5/' }, 20, 'ADDED');
  return seen('fraud', { uri: next }, 21);
}

test('another version at the place an object was born with is no news, another place is', () => {
  const [same, other] = [surpriseOf('s3://models/fraud/6.18.6/'), surpriseOf('s3://elsewhere/fraud/6.18.6/')];
  assert.ok(other > 2, `${other}`);
  assert.ok(same < 0.5 * other, `${same} beside ${other}`);
});
