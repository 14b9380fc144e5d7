import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Run, Runs } from '../../../src/model/habits/runs.ts';

const run = (over: Partial<Run> = {}): Run => ({
  ...{
    up: true,
    steps: 1,
    rate: 0.25,
    edits: 300,
    ups: 0,
    downs: 70_000,
    firstMs: 1_700_000_000_000,
    lastMs: 1_700_000_000_001,
    from: -1.5,
  },
  ...over,
});

test('a run comes back as it was put, by object and path', () => {
  const runs = new Runs();
  runs.put(1, '/spec/replicas', run());
  runs.put(1, '/spec/size', run({ up: false }));
  runs.put(0, '/spec/replicas', run({ steps: 4 }));
  runs.put(1, '/spec/replicas', run({ steps: 500 }));
  assert.deepEqual(runs.get(1, '/spec/replicas'), run({ steps: 500 }));
  assert.deepEqual(runs.get(1, '/spec/size'), run({ up: false }));
  assert.deepEqual(runs.get(0, '/spec/replicas'), run({ steps: 4 }));
  assert.equal(runs.get(0, '/spec/size'), undefined);
  assert.equal(runs.count(1), 2);
});

test('the place of a forgotten run goes to the next, also in a copy', () => {
  const runs = new Runs();
  runs.put(0, '/a', run());
  runs.put(1, '/a', run({ steps: 2 }));
  runs.forget(0);
  assert.equal(runs.get(0, '/a'), undefined);
  assert.equal(runs.count(0), 0);
  const copy = new Runs();
  copy.load(structuredClone(runs.save()));
  copy.put(2, '/b', run({ steps: 3 }));
  assert.equal(copy.save().used, 2);
  assert.deepEqual(copy.get(1, '/a'), run({ steps: 2 }));
  assert.deepEqual(copy.get(2, '/b'), run({ steps: 3 }));
});
