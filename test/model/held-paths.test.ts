import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { Json } from '../../src/domain/json.ts';
import { HeldPaths } from '../../src/model/held-paths.ts';
import { isBookkeeping } from '../../src/model/path-names.ts';

const expected = (state: Json) =>
  [...new Set(leavesOf(state).map(({ generic }) => generic))].filter((path) => !isBookkeeping(path));
const changed = (state: Json) => ({ type: 'MODIFIED' as const, diff: [], state: () => state });

test('an object holds the generic paths of its leaves, in their order and bookkeeping aside, whatever was seen before', () => {
  const key = fc.constantFrom(
    'spec',
    'status',
    'metadata',
    'kind',
    'name',
    'a/b',
    'c~d',
    '[x]',
    '[y]',
    'labels',
    'managedFields',
  );
  const { node } = fc.letrec<{ node: Json }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<Json>(1, 'x', null, true),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(key, tie('node'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(fc.dictionary(key, node), { maxLength: 6 }), (states) => {
      const held = new HeldPaths();
      for (const state of states) assert.deepEqual([...held.of('g/Kind', changed(state as Json))], expected(state as Json));
    }),
    { seed: 5, numRuns: 300 },
  );
});

test('of a new object they are the paths of its diff', () => {
  const state = { kind: 'Cache', metadata: { name: 'a', labels: { app: 'x' } }, spec: { ports: [{ port: 1 }, { port: 2 }] } };
  const held = new HeldPaths().of('g/Cache', { type: 'ADDED', diff: leavesOf(state), state: () => assert.fail('not asked for') });
  assert.deepEqual(held, ['/metadata/labels/app', '/spec/ports/[*]/port']);
});

test('objects that hold the same are given the same list', () => {
  const held = new HeldPaths();
  const first = held.of('g/Cache', changed({ spec: { size: 1, image: 'a' } }));
  assert.equal(held.of('g/Cache', changed({ spec: { size: 2, image: 'b' } })), first);
  assert.notEqual(held.of('g/Cache', changed({ spec: { size: 2 } })), first);
});

test('more paths than may be kept are found all the same', () => {
  const held = new HeldPaths();
  for (let round = 0; round < 8; round++) {
    const spec = Object.fromEntries(Array.from({ length: 3_500 }, (_, i) => [`key-${round}-${i}`, i]));
    assert.equal(held.of('g/Cache', changed({ spec })).length, 3_500);
  }
});
