import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { applyPatch, diffValues, leavesOf, makePatch, valueAt } from '../../../src/domain/diff/field-diff.ts';
import { mergeKeyOf } from '../../../src/domain/diff/list-items.ts';
import { genericPath } from '../../../src/domain/field-path.ts';
import { canonicalJson, type Json, jsonEqual } from '../../../src/domain/json.ts';
import { readKindSchema } from '../../../src/domain/kind-schema.ts';
import type { ListKeys } from '../../../src/domain/schema-tree.ts';

const json = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<Json>;
/** Lists of named items, as most lists of custom resources are. */
const named = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c/d', 'e=f', '~'), value: json }), {
  selector: ({ name }) => name,
});
const value = fc.oneof(json, fc.record({ spec: fc.record({ items: named, other: json }) })) as fc.Arbitrary<Json>;
/** Lists as a schema with merge keys has them, and some in which an item lacks one, or shares them with another. */
const port = fc.constantFrom<Json>(53, 80, '80', true, null, 'a,proto=b');
const proto = fc.constantFrom('TCP', 'UDP', 'a,b', 'x=y,port=1', 'c/d', '');
const keyed = fc.array(
  fc.record({ port, proto, name: fc.constantFrom('a', 'b', 'c'), value: json }, { requiredKeys: ['port', 'value'] }),
  { maxLength: 5 },
);
const keyedValue = fc.record({ spec: fc.record({ ports: keyed, other: json }) }) as fc.Arbitrary<Json>;
const listsBy = (...keys: string[]): ListKeys =>
  readKindSchema({ properties: { spec: { properties: { ports: { 'x-kubernetes-list-map-keys': keys } } } } })
    .mergeKeys as ListKeys;
const lists = fc
  .constantFrom(...[['port'], ['proto'], ['name'], ['port', 'proto'], ['proto', 'port', 'name']])
  .map((keys) => listsBy(...keys));

describe('diffValues', () => {
  const table: { name: string; before: Json; after: Json; expected: [op: string, path: string, old?: Json, now?: Json][] }[] = [
    { name: 'a changed leaf', before: { a: 1 }, after: { a: 2 }, expected: [['set', '/a', 1, 2]] },
    { name: 'nothing', before: { a: [1, { b: null }] }, after: { a: [1, { b: null }] }, expected: [] },
    {
      name: 'members that came and went',
      before: { a: 1 },
      after: { b: 2 },
      expected: [
        ['add', '/b', undefined, 2],
        ['remove', '/a', 1],
      ],
    },
    {
      name: 'a scalar that became an object',
      before: { a: 1 },
      after: { a: { b: 2 } },
      expected: [
        ['remove', '/a', 1],
        ['add', '/a/b', undefined, 2],
      ],
    },
    {
      name: 'an object that became empty',
      before: { a: { b: 1 } },
      after: { a: {} },
      expected: [
        ['remove', '/a/b', 1],
        ['add', '/a', undefined, {}],
      ],
    },
    {
      name: 'a slash and a tilde in a key',
      before: {},
      after: { 'x/y~z': 1 },
      expected: [
        ['remove', '', {}],
        ['add', '/x~1y~0z', undefined, 1],
      ],
    },
    {
      name: 'a named item that moved and changed',
      before: {
        env: [
          { name: 'A', v: 1 },
          { name: 'B', v: 2 },
        ],
      },
      after: {
        env: [
          { name: 'B', v: 3 },
          { name: 'A', v: 1 },
        ],
      },
      expected: [['set', '/env/[name=B]/v', 2, 3]],
    },
    {
      name: 'items without names, by index',
      before: { list: [1, 2, 3] },
      after: { list: [1, 9] },
      expected: [
        ['set', '/list/[1]', 2, 9],
        ['remove', '/list/[2]', 3],
      ],
    },
  ];
  for (const { name, before, after, expected } of table) {
    it(`finds ${name}`, () => {
      const found = diffValues(before, after).map(({ op, path, old, new: now }) => [op, path, old, now]);
      assert.deepEqual(
        found,
        expected.map(([op, path, old, now]) => [op, path, old, now]),
      );
    });
  }

  it('names every item of a list alike in the generic path', () => {
    const [diff] = diffValues({ c: [{ name: 'app', image: 'v1' }] }, { c: [{ name: 'app', image: 'v2' }] });
    assert.deepEqual([diff?.path, diff?.generic], ['/c/[name=app]/image', '/c/[*]/image']);
  });

  it('says for each leaf what was there before and what is there after', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        for (const { op, path, old, new: now } of diffValues(before, after)) {
          if (op !== 'add') assert.ok(jsonEqual(valueAt(before, path), old), `${op} ${path} before`);
          if (op !== 'remove') assert.ok(jsonEqual(valueAt(after, path), now), `${op} ${path} after`);
        }
      }),
    );
  });

  it('says the same where a schema names the items, loses nothing, and gives no place two names', () => {
    fc.assert(
      fc.property(keyedValue, keyedValue, lists, (before, after, by) => {
        const diff = diffValues(before, after, '', by);
        for (const { op, path, old, new: now } of diff) {
          if (op !== 'add') assert.ok(jsonEqual(valueAt(before, path), old), `${op} ${path} before`);
          if (op !== 'remove') assert.ok(jsonEqual(valueAt(after, path), now), `${op} ${path} after`);
        }
        for (const ops of [
          ['add', 'set'],
          ['remove', 'set'],
        ]) {
          const paths = diff.filter(({ op }) => ops.includes(op)).map(({ path }) => path);
          assert.equal(new Set(paths).size, paths.length, paths.join());
        }
        for (const { path, generic } of diff) assert.equal(generic, genericPath(path));
        assert.deepEqual(diffValues(before, structuredClone(before), '', by), []);
        if (diff.length > 0) return;
        // At most the order of items differs.
        const sorted = (state: Json) =>
          leavesOf(state, by)
            .map((leaf) => canonicalJson(leaf as unknown as Json))
            .sort();
        assert.deepEqual(sorted(before), sorted(after));
      }),
      { numRuns: 2_000 },
    );
  });

  for (const [what, keys, before, after, expected] of [
    [
      'a port whose name became another, and the other protocol of its number',
      ['port', 'proto'],
      [
        { name: 'dns', port: 53, proto: 'TCP' },
        { name: 'dns-udp', port: 53, proto: 'UDP' },
      ],
      [
        { name: 'dns-tcp', port: 53, proto: 'TCP' },
        { name: 'dns', port: 53, proto: 'UDP' },
      ],
      ['set [port=53,proto=TCP]/name', 'set [port=53,proto=UDP]/name'],
    ],
    [
      'items in another order',
      ['port'],
      [
        { port: 1, x: 1 },
        { port: 2, x: 2 },
      ],
      [
        { port: 2, x: 2 },
        { port: 1, x: 3 },
      ],
      ['set [port=1]/x'],
    ],
    [
      'a number of many digits, told by all of them',
      ['port'],
      [{ port: 9223372036854775807n, x: 1 }, { port: 9223372036854775806n }],
      [{ port: 9223372036854775807n, x: 2 }, { port: 9223372036854775806n }],
      ['set [port=9223372036854775807]/x'],
    ],
    ['a key that became text', ['port'], [{ port: 80 }], [{ port: '80' }], ['set [port=80]/port']],
    [
      'a default that the server filled in: by the usual rule on both sides',
      ['port', 'proto'],
      [{ name: 'a', port: 1 }],
      [{ name: 'a', port: 1, proto: 'TCP' }],
      ['add [name=a]/proto'],
    ],
    [
      'two items with the same keys: by their places',
      ['port'],
      [
        { port: 1, x: 1 },
        { port: 1, x: 1 },
      ],
      [
        { port: 1, x: 1 },
        { port: 1, x: 2 },
      ],
      ['set [1]/x'],
    ],
    [
      'the first item of a list',
      ['port', 'proto'],
      [],
      [{ port: 1, proto: 'UDP' }],
      ['remove ', 'add [port=1,proto=UDP]/port', 'add [port=1,proto=UDP]/proto'],
    ],
  ] as [string, string[], Json[], Json[], string[]][])
    it(`finds ${what}`, () => {
      const diff = diffValues({ spec: { ports: before } }, { spec: { ports: after } }, '', listsBy(...keys));
      assert.deepEqual(
        diff.map(({ op, path }) => `${op} ${path.replace(/^\/spec\/ports\/?/, '')}`),
        expected,
      );
    });

  it('is empty for equal values and otherwise only where items of named lists moved', () => {
    fc.assert(fc.property(value, (same) => assert.deepEqual(diffValues(same, structuredClone(same)), [])));
    fc.assert(
      fc.property(json, json, (before, after) => {
        if (diffValues(before, after).length === 0) assert.deepEqual(unordered(before), unordered(after));
      }),
    );
  });

  it('shows a new object as every leaf added', () => {
    fc.assert(
      fc.property(value, (all) => {
        for (const { op, path, new: now } of leavesOf(all)) {
          assert.equal(op, 'add');
          assert.ok(jsonEqual(valueAt(all, path), now), path);
        }
      }),
    );
  });
});

describe('makePatch and applyPatch', () => {
  it('lead from any value to any other, exactly, through JSON text, and leave the old one alone', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const text = canonicalJson(before);
        const patch = makePatch(before, after);
        assert.equal(patch === undefined, jsonEqual(before, after));
        if (patch === undefined) return;
        const result = applyPatch(before, JSON.parse(JSON.stringify(patch)));
        assert.equal(canonicalJson(result), canonicalJson(after));
        assert.equal(canonicalJson(before), text);
      }),
      { numRuns: 500 },
    );
  });

  it('lead along any chain', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 8 }), (states) => {
        let rebuilt = states[0] as Json;
        for (const next of states.slice(1)) {
          const patch = makePatch(rebuilt, next);
          if (patch !== undefined) rebuilt = applyPatch(rebuilt, patch);
          assert.equal(canonicalJson(rebuilt), canonicalJson(next));
        }
      }),
    );
  });

  it('hold only what changed', () => {
    const before = { spec: { a: 1, list: [{ x: 1 }, { x: 2 }], big: 'z'.repeat(100) } };
    const after = { spec: { a: 1, list: [{ x: 1 }, { x: 3 }, 4], big: 'z'.repeat(100) } };
    assert.deepEqual(makePatch(before, after), {
      d: { spec: { d: { list: { s: { 2: 4 }, d: { 1: { s: { x: 3 } } }, n: 3 } } } },
    });
  });

  it('take a key called __proto__ for a key', () => {
    const after = JSON.parse('{"__proto__": {"polluted": 1}, "a": {"__proto__": 2}}') as Json;
    const patch = makePatch({ a: {} }, after);
    const result = applyPatch({ a: {} }, JSON.parse(JSON.stringify(patch)));
    assert.equal(canonicalJson(result), canonicalJson(after));
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
});

describe('mergeKeyOf', () => {
  it('takes a key only when it tells all items apart', () => {
    assert.equal(mergeKeyOf([{ name: 'a' }, { name: 'b' }]), 'name');
    assert.equal(mergeKeyOf([{ name: 'a' }, { name: 'a' }]), undefined);
    assert.equal(
      mergeKeyOf([
        { name: 'a', type: 'x' },
        { name: 'a', type: 'y' },
      ]),
      'type',
    );
    assert.equal(mergeKeyOf([{ name: 1 }]), undefined);
    assert.equal(mergeKeyOf([{ name: 'a' }, 3]), undefined);
    assert.equal(mergeKeyOf([]), undefined);
  });
});

/** The value with lists that have a merge key sorted by it: what the diff sees. */
function unordered(node: Json): Json {
  if (Array.isArray(node)) {
    const items = node.map(unordered);
    return mergeKeyOf(node) === undefined ? items : items.sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
  }
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.keys(node)
      .sort()
      .map((key) => [key, unordered(node[key] as Json)]),
  );
}

it('keys that every object inherits are members like any other', () => {
  const after = JSON.parse('{"a":1,"constructor":"x","toString":{"y":2},"__proto__":"z"}') as Json;
  const diff = diffValues({ a: 1 }, after);
  assert.deepEqual(
    diff.map(({ op, path, new: value }) => [op, path, value]),
    [
      ['add', '/constructor', 'x'],
      ['add', '/toString/y', 2],
      ['add', '/__proto__', 'z'],
    ],
  );
});
