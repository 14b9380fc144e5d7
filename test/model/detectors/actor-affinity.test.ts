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

test('who brings nearly all that is new is hardly news at one more new kind; a colleague who never did is', () => {
  const detector = new ActorAffinity();
  const stream = new Stream();
  let n = 0;
  const edit = (actor: string, kind: string): ChangeEvent => {
    const change = stream.change({ atMs: MONDAY_MS + n * HOUR_MS, actor, kind, name: 'main', spec: { n: n++ } });
    return eventOf(change, { name: kind, row: Number(kind.slice(4)), known: true });
  };
  for (let i = 0; i < 600; i++) {
    const isNew = i % 50 === 0;
    const event = edit(isNew || i % 2 === 0 ? 'user:ann' : 'user:ben', `Kind${isNew ? 1 + i / 50 : 1}`);
    detector.learn(event, groupOf(event));
  }
  const [ann, ben] = ['user:ann', 'user:ben'].map((actor) => detector.score(edit(actor, 'Kind99'))?.surprise ?? 0);
  assert.ok((ann as number) < 2, `${ann}`);
  assert.ok((ben as number) > 3, `${ben}`);
});

test('what comes of somebody in a tenth of their visits is passed over', () => {
  const detector = new ActorAffinity();
  const stream = new Stream();
  const edit = (n: number, row: number, actor: string): ChangeEvent => {
    const change = stream.change({ atMs: MONDAY_MS + n * HOUR_MS, actor, name: `topic-${row}`, spec: { n } });
    return eventOf(change, { name: `${row}`, row, known: true });
  };
  for (let i = 0; i < 600; i++) {
    const event = edit(i, i % 10 === 0 ? i : 1, i % 2 === 0 ? 'user:ann' : 'user:ben');
    detector.learn(event, groupOf(event));
  }
  assert.equal(detector.score(edit(600, 600, 'user:ann')), undefined);
  assert.ok((detector.score(edit(601, 601, 'user:mallory'))?.surprise ?? 0) > 4);
});
