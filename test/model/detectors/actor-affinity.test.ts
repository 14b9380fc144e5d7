import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../src/domain/change.ts';
import { ActorAffinity } from '../../../src/model/detectors/actor-affinity.ts';
import { type ChangeEvent, eventOf } from '../../../src/model/features.ts';
import { groupOf } from '../../contract/check-detector.ts';
import { HOUR_MS, MONDAY_MS, Stream } from '../stream.ts';

const TOPICS = 0;
const BROKERS = 1;

/** How odd it is that `actor`, who came to topics 400 times, comes to brokers, where somebody else was `visits` times. */
function surpriseOf(actor: string, visits: number): number {
  const detector = new ActorAffinity();
  const stream = new Stream();
  let n = 0;
  const edit = (row: number, by: string): ChangeEvent => {
    const kind = row === TOPICS ? 'Topic' : 'Broker';
    const change: Change = stream.change({ atMs: MONDAY_MS + n * HOUR_MS, actor: by, kind, name: 'main', spec: { n: n++ } });
    return eventOf(change, { name: kind, row, known: true });
  };
  const learn = (event: ChangeEvent) => detector.learn(event, groupOf(event));
  for (let i = 0; i < 400; i++) learn(edit(TOPICS, actor));
  for (let i = 0; i < visits; i++) learn(edit(BROKERS, 'user:keeper'));
  return detector.score(edit(BROKERS, actor))?.surprise ?? 0;
}

test('a machine where hardly anybody has been is little news, where others came for long it is', () => {
  const [fresh, old] = [surpriseOf('bot:updates', 1), surpriseOf('bot:updates', 200)];
  assert.ok(fresh < 0.25 * old, `${fresh} beside ${old}`);
  assert.ok(old > 8, `${old}`);
});

test('a machine that is the first of all is told', () => {
  assert.ok(surpriseOf('bot:updates', 0) > 3 * surpriseOf('bot:updates', 1), `${surpriseOf('bot:updates', 0)}`);
});

test('a person is as odd at what one machine alone has kept as the visits say', () => {
  const [machine, person] = [surpriseOf('bot:updates', 3), surpriseOf('user:mallory', 3)];
  assert.ok(person > 2 * machine, `${person} beside ${machine}`);
});
