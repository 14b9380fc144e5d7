import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Change, GitopsTool } from '../../src/domain/change.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type ChangeEvent, EventBook, eventOf, savedEvent } from '../../src/model/features.ts';
import { putAway } from '../../src/model/waiting-fields.ts';
import { MONDAY_MS, ONLY, Stream } from './stream.ts';

/** First sight and edit of objects: nothing to be told beside their fields, a version, a value in other words, a tool that keeps it. */
function eventsOfAllSorts(): ChangeEvent[] {
  const edit = (before: JsonObject, after: JsonObject, keeper?: GitopsTool): Change[] => {
    const stream = new Stream();
    const first = stream.change({ actor: 'user:ada', atMs: MONDAY_MS, spec: before });
    const second = stream.change({ actor: 'user:ada', atMs: MONDAY_MS + 60_000, spec: after });
    return [first, Object.assign(second, { keeper: () => keeper })];
  };
  return [
    ...edit({ replicas: 1 }, { replicas: 2 }),
    ...edit({ image: 'registry.corp.example/app:1.2.3' }, { image: 'registry.corp.example/app:1.2.4' }),
    ...edit({ timeout: '60s', replicas: 1 }, { timeout: '1m', replicas: 2 }),
    ...edit({ replicas: 1 }, { replicas: 2 }, 'flux'),
  ].map((change) => eventOf(change, { ...ONLY, known: change.type !== 'ADDED' }));
}

describe('the shape of an event', () => {
  it('is one for all, whatever there is to be told of them', () => {
    const [first, ...others] = eventsOfAllSorts();
    const told = (name: 'keeper' | 'artifacts' | 'reworded') => others.filter((event) => event[name] !== undefined).length;
    for (const name of ['keeper', 'artifacts', 'reworded'] as const) assert.ok(told(name) > 0, `some have a ${name}`);
    for (const event of others) assert.deepEqual(Reflect.ownKeys(event), Reflect.ownKeys(first as ChangeEvent));
  });

  it('stays that when its fields wait to be learnt', () => {
    const [event] = eventsOfAllSorts() as [ChangeEvent];
    const keys = Reflect.ownKeys(event);
    putAway(event, new EventBook().paths);
    assert.deepEqual(Reflect.ownKeys(event), keys);
  });

  it('leaves out in a snapshot what there is none of', () => {
    for (const event of eventsOfAllSorts()) {
      const saved = savedEvent(event);
      for (const name of ['keeper', 'artifacts', 'reworded'] as const) {
        assert.equal(Object.hasOwn(saved, name), event[name] !== undefined, name);
        assert.equal(saved[name], event[name]);
      }
    }
  });
});
