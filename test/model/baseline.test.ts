import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../src/model/ensemble.ts';
import { live } from '../support/judged-record.ts';
import { kafka, observed } from '../support/objects.ts';
import { Stream } from './stream.ts';

const HOUR = 3_600_000;
const MONDAY = Date.parse('2026-01-05T00:00:00Z');

/** Four weeks: a bot moves the version each weekday at nine, ann the replicas each Friday at three. */
function learnt() {
  const life = live(':memory:');
  let revision = 0;
  const write = (spec: Record<string, unknown>, atMs: number, actor: string) => {
    const object = kafka('orders', String(++revision), spec as never);
    const observation = observed(revision === 1 ? 'ADDED' : 'MODIFIED', object, atMs, { actor, origin: 'replay' });
    life.analysis.analyze(life.ingest.record({ observations: [observation] }).changes);
  };
  write({ replicas: 3, version: '1.0.0' }, MONDAY, 'bot:bump');
  for (let day = 0; day < 28; day++) {
    const replicas = 3 + Math.floor(day / 7);
    if (day % 7 > 4) continue;
    write({ replicas, version: `1.${day + 1}.0` }, MONDAY + day * 24 * HOUR + 9 * HOUR, 'bot:bump');
    if (day % 7 === 4)
      write({ replicas: replicas + 1, version: `1.${day + 1}.0` }, MONDAY + day * 24 * HOUR + 15 * HOUR, 'user:ann');
  }
  life.analysis.advance(MONDAY + 28 * 24 * HOUR);
  return life.analysis.model;
}

test('an object, its kind and its actors are told with what is usual and the counts behind it', () => {
  const model = learnt();
  const [object] = model.baselines({ kind: 'Kafka', name: 'orders' });
  assert.ok(object !== undefined);
  assert.deepEqual([object.of.type, object.cluster, object.mature], ['object', 'test', false]);
  assert.match(
    object.summary,
    /^Changed by bot:bump \(84 %\) and user:ann \(16 %\) on 25 occasions, mostly spec\.version \(83 %\)/,
  );
  assert.match(object.summary, /on weekdays between 09:00 and 16:00 \(\d+ recent changes\), about once in 28 h/);
  const actors = object.habits.find(({ about }) => about === 'actors');
  assert.deepEqual(actors?.seen, [
    { name: 'bot:bump', count: 21 },
    { name: 'user:ann', count: 4 },
  ]);
  const [kind] = model.baselines({ kind: 'Kafka' });
  assert.match(kind?.summary ?? '', /Changed by bot:bump .* of Kafka objects/);
  const [ann] = model.baselines({ actor: 'user:ann' });
  assert.equal(ann?.summary, 'Changes Kafka.kafka.strimzi.io (100 %) on 4 occasions.');
});

test('what is not known is none, with names like it; asking changes nothing', () => {
  const model = learnt();
  const before = model.snapshot();
  assert.deepEqual(model.baselines({ kind: 'Kafka', name: 'order' }), []);
  assert.deepEqual(model.namesLike({ kind: 'Kafka', name: 'order' }), ['Kafka.kafka.strimzi.io/streaming/orders']);
  assert.deepEqual(model.namesLike({ kind: 'kaf' }), ['Kafka.kafka.strimzi.io']);
  assert.deepEqual(model.namesLike({ actor: 'bump' }), ['bot:bump']);
  assert.deepEqual(model.baselines({ kind: 'Kafka', group: 'other', name: 'orders' }), []);
  assert.deepEqual(model.baselines({ kind: 'Kafka', cluster: 'elsewhere' }), []);
  model.baselines({ kind: 'Kafka' });
  assert.deepEqual(model.snapshot(), before);
  assert.deepEqual(createModel({}).baselines({ actor: 'bot:bump' }), []);
});

test('with whom an object changes is told by how often, missed chances and all', () => {
  const model = createModel();
  const stream = new Stream();
  let atMs = MONDAY;
  const visit = (names: readonly string[]) => {
    atMs += 12 * HOUR;
    for (const name of names) model.observe(stream.change({ atMs, actor: 'alice', name, spec: { weight: atMs } }));
  };
  visit(['a', 'b', 'c']);
  for (let i = 0; i < 20; i++) visit(['a', 'b']);
  for (let i = 0; i < 5; i++) visit(['a', 'c']);
  model.advance(atMs + HOUR);
  const company = model.baselines({ kind: 'Kafka', name: 'a' })[0]?.habits.find(({ about }) => about === 'company');
  assert.equal(company?.sentence, 'together with Kafka.kafka.example/streaming/b (80 %) on 25 occasions');
  assert.deepEqual(company.seen, [{ name: 'Kafka.kafka.example/streaming/b', count: 20 }]);
});
