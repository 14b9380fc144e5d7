import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isBookkeepingPath } from '../../src/domain/diff/bookkeeping.ts';
import { leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { attribute, attributeFirst } from '../../src/domain/who/attribution.ts';

const key = fc.constantFrom('a', 'b', 'name', '[a]', 'x/y', '~0', '__proto__');
const value = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>('p', 'q', 1, null, {}, []),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }) as fc.Arbitrary<Json>,
    fc.uniqueArray(fc.constantFrom('p', 'q', 'r'), { maxLength: 3 }).map((names) => names.map((name) => ({ name, b: 1 }))),
  ),
})).value;

const owned = fc.letrec<{ set: JsonObject }>((tie) => ({
  set: fc.oneof(
    { maxDepth: 5 },
    fc.constant<JsonObject>({}),
    fc.dictionary(
      fc.oneof(
        key.map((name) => `f:${name}`),
        fc.constantFrom('f:spec', 'f:status', 'f:metadata', 'f:labels', '.', 'i:0', 'k:{"name":"p"}', 'k:{"name":"q"}'),
      ),
      tie('set'),
      { maxKeys: 4 },
    ) as fc.Arbitrary<JsonObject>,
  ),
})).set;

const entry = fc.record({
  manager: fc.constantFrom('one', 'two'),
  operation: fc.constant('Update'),
  time: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', undefined),
  subresource: fc.constantFrom('status', undefined),
  fieldsV1: owned,
});

describe('attributeFirst', () => {
  it('names the writer of a first sight as the list of all its leaves would', () => {
    const given = fc.record({ spec: value, status: value, labels: value, managedFields: fc.array(entry, { maxLength: 3 }) });
    fc.assert(
      fc.property(given, ({ spec, status, labels, managedFields }) => {
        const metadata = { name: 'n', namespace: 's', uid: 'u', resourceVersion: '1', generation: 2, labels };
        const state: KubeObject = { apiVersion: 'g/v1', kind: 'K', metadata, spec, status };
        const object = { ...state, metadata: { ...metadata, managedFields: managedFields as unknown as Json } };
        const leaves = leavesOf(state).filter(({ path }) => !isBookkeepingPath(path));
        assert.deepEqual(attributeFirst(object, state, undefined), attribute(object, leaves, undefined, false));
      }),
      { numRuns: 2_000 },
    );
  });
});
