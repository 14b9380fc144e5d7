/** A new object is judged by its peers from its first minute: by what it is born with, and by its very first change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Judgement } from '../../src/domain/finding.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { createModel } from '../../src/model/ensemble.ts';
import type { Model } from '../../src/model/model.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, makeRandom, Stream } from './stream.ts';

const NAMESPACES = ['checkout', 'search', 'billing'];
const DAYS = 42;

function usual(next: () => number): JsonObject {
  const image = `registry.corp.example/app:1.${Math.floor(next() * 9)}.${Math.floor(next() * 9)}`;
  return { image, replicas: 2 + Math.floor(next() * 3), mode: 'rolling' };
}

/** Six weeks in which two objects a day are made and a few are edited, by one pipeline; the model has learnt them. */
function afterWeeks(): { model: Model; stream: Stream; next: () => number } {
  const model = createModel();
  const stream = new Stream();
  const next = makeRandom(5);
  const made: { name: string; namespace: string }[] = [];
  for (let day = 0; day < DAYS; day++) {
    for (let i = 0; i < 6; i++) {
      const atMs = MONDAY_MS + day * DAY_MS + (8 + i) * HOUR_MS;
      const namespace = NAMESPACES[Math.floor(next() * NAMESPACES.length)] as string;
      const old = i < 2 ? undefined : made[Math.floor(next() * made.length)];
      const object = old ?? { name: `app-${day}-${i}`, namespace };
      if (old === undefined) made.push(object);
      model.observe(stream.change({ atMs, actor: 'pipeline-bot', kind: 'App', ...object, spec: usual(next) }));
    }
  }
  return { model, stream, next };
}

const AT = MONDAY_MS + DAYS * DAY_MS + 9 * HOUR_MS;
const about = (found: Judgement[]) => found.find(({ subject }) => subject.type === 'change');

describe('a new object', () => {
  it('with an odd value is told as it is made, beside its peers; an ordinary one is not', () => {
    for (const [image, odd] of [
      ['registry.corp.example/app:1.4.7', false],
      ['docker.evil.example/app:1.4.7', true],
    ] as const) {
      const { model, stream, next } = afterWeeks();
      const spec = { ...usual(next), image };
      const made = { atMs: AT, actor: 'pipeline-bot', kind: 'App', namespace: 'search', name: 'newcomer' };
      const judged = about(model.observe(stream.change({ ...made, spec })));
      assert.equal((judged?.score ?? 0) >= 2, odd, `${image}: ${judged?.score}`);
      if (!odd) continue;
      assert.equal(judged?.mature, true);
      const [lead] = judged?.reasons ?? [];
      assert.deepEqual([lead?.detector, lead?.path], ['new-origin', '/spec/image']);
      const value = judged?.reasons.find(({ detector }) => detector === 'new-value');
      assert.match(value?.sentence ?? '', /not seen in \d+ values of this field on App objects/);
      assert.deepEqual([value?.scope, value?.path, (value?.samples ?? 0) >= 50], ['kind', '/spec/image', true]);
    }
  });

  it('that first changes to an odd value is told at that very change; to a usual one it is not', () => {
    for (const [image, odd] of [
      ['registry.corp.example/app:1.6.2', false],
      ['docker.evil.example/app:1.6.2', true],
    ] as const) {
      const { model, stream, next } = afterWeeks();
      const object = { actor: 'pipeline-bot', kind: 'App', namespace: 'search', name: 'newcomer' };
      const spec = usual(next);
      model.observe(stream.change({ ...object, atMs: AT, spec }));
      const changed = stream.change({ ...object, atMs: AT + MINUTE_MS, spec: { ...spec, image } });
      const judged = about(model.observe(changed));
      assert.equal((judged?.score ?? 0) >= 2, odd, `${image}: ${judged?.score}`);
      if (odd) assert.ok(judged?.reasons.some(({ detector, path }) => detector === 'new-value' && path === '/spec/image'));
    }
  });

  it('says nothing of values of a field that no peer has', () => {
    const { model, stream } = afterWeeks();
    const first = { atMs: AT, actor: 'pipeline-bot', kind: 'Brand', namespace: 'search', name: 'first' };
    const judged = about(model.observe(stream.change({ ...first, spec: { color: 'mauve', size: 7 } })));
    assert.deepEqual(
      judged?.reasons.map(({ detector }) => detector),
      ['actor-affinity'],
    );
  });
});
