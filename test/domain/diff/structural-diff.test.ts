import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyChanges } from '../../../src/domain/diff/apply-changes.ts';
import { type StructuralChange, structuralDiff } from '../../../src/domain/diff/structural-diff.ts';
import { canonicalJson, type Json } from '../../../src/domain/json.ts';
import { readKindSchema } from '../../../src/domain/kind-schema.ts';

const short = (changes: StructuralChange[]) =>
  changes.map(({ op, pointer, from, path }) => [op, from === undefined ? pointer : `${from} → ${pointer}`, path].join(' '));

test('an item put in front of a named list is one addition, and nothing else', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, port: 1 }));
  assert.deepEqual(short(structuralDiff({ l: [a!, b!] }, { l: [c!, a!, b!] })), ['add /l/0 /l/[name=c]']);
});

test('an item that moved is told apart from one that was edited', () => {
  const before = [
    { name: 'a', port: 1 },
    { name: 'b', port: 2 },
    { name: 'c', port: 3 },
  ];
  const after = [
    { name: 'c', port: 3 },
    { name: 'a', port: 1 },
    { name: 'b', port: 9 },
  ];
  assert.deepEqual(short(structuralDiff(before, after)), ['move /2 → /0 /[name=c]', 'set /2/port /[name=b]/port']);
});

test('lists without names: equal items are found again, what moved is said, neighbours are edits', () => {
  const cases: [Json, Json, string[]][] = [
    [['a', 'b', 'c'], ['b', 'c'], ['remove /0 /[0]']],
    [['a', 'b', 'c'], ['a', 'x', 'c'], ['set /1 /[1]']],
    [['a', 'b', 'c'], ['c', 'a', 'b'], ['move /2 → /0 /[0]']],
    [[{ a: 1, b: 1 }], [{ z: 0 }, { a: 1, b: 2 }], ['add /0 /[0]', 'add /1 /[1]', 'remove /0 /[0]']],
    [[{ a: 1, b: 1 }], [{ a: 1, b: 2 }, { z: 0 }], ['set /0/b /[0]/b', 'add /1 /[1]']],
    [[], ['a'], ['add /0 /[0]']],
    [[1, 1, 1], [1, 1], ['remove /2 /[2]']],
  ];
  for (const [before, after, expected] of cases) assert.deepEqual(short(structuralDiff(before, after)), expected);
});

test('the keys that the schema names come before the usual ones, several together too', () => {
  const list = { type: 'array', 'x-kubernetes-list-map-keys': ['port', 'protocol'], items: { type: 'object' } };
  const schema = { properties: { spec: { properties: { ports: list }, additionalProperties: {} } } };
  const { mergeKeys } = readKindSchema(schema);
  const before = {
    spec: {
      ports: [
        { name: 'dns', port: 53, protocol: 'TCP' },
        { name: 'dns-udp', port: 53, protocol: 'UDP' },
      ],
    },
  };
  const after = {
    spec: {
      ports: [
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  };
  assert.deepEqual(short(structuralDiff(before, after, { mergeKeys })), [
    'set /spec/ports/0/name /spec/ports/[port=53,protocol=TCP]/name',
    'set /spec/ports/1/name /spec/ports/[port=53,protocol=UDP]/name',
  ]);
  assert.match(short(structuralDiff(before, after)).join(), /add .*name=dns-tcp/, 'by name, one would be new');
});

test('where the keys of the schema do not tell items apart, the usual ones are tried', () => {
  const { mergeKeys } = readKindSchema({ properties: { l: { 'x-kubernetes-list-map-keys': ['port'] } } });
  const [before, after] = [
    {
      l: [
        { name: 'a', port: 1 },
        { name: 'b', port: 1 },
      ],
    },
    { l: [{ name: 'b', port: 1 }] },
  ];
  assert.deepEqual(short(structuralDiff(before, after, { mergeKeys })), ['remove /l/0 /l/[name=a]']);
});

test('a document in a string is compared as a document', () => {
  const readDocument = (text: string) =>
    text.startsWith('{') ? { format: 'json' as const, value: JSON.parse(text) as Json } : undefined;
  const changes = structuralDiff({ c: '{"a":1,"b":[1]}' }, { c: '{"b":[1,2],"a":1}' }, { readDocument });
  assert.equal(changes.length, 1);
  assert.equal(changes[0]!.document?.format, 'json');
  assert.deepEqual(short(changes[0]!.document!.changes), ['add /b/1 /b/[1]']);
  assert.equal(structuralDiff({ c: 'x' }, { c: '{}' }, { readDocument })[0]!.document, undefined);
});

test('a key inherited from Object is a key like any other', () => {
  const after = JSON.parse('{"constructor":1,"__proto__":{"a":1}}') as Json;
  const changes = structuralDiff({}, after);
  assert.deepEqual(short(changes), ['add /constructor /constructor', 'add /__proto__ /__proto__']);
  assert.equal(canonicalJson(applyChanges({}, changes)), canonicalJson(after));
});

const key = fc.constantFrom('name', 'key', 'a', 'b', '0', '1', 'x/y', '~', '__proto__', '');
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>('a', 'b', 'c', 0, 1, true, null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.record({ name: fc.constantFrom('p', 'q', 'r', 's', 't'), v: tie('value') }), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));
const related = fc.tuple(value, value, fc.array(value, { maxLength: 3 })).map(([a, b, more]): [Json, Json] => [
  { shared: a, list: [a, b, ...more] },
  { shared: a, list: [b, ...more, a] },
]);

test('a diff applied to the state before gives the state after, whatever the states', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(value, value), related), ([before, after]) => {
      const untouched = canonicalJson(before);
      assert.equal(canonicalJson(applyChanges(before, structuralDiff(before, after))), canonicalJson(after));
      assert.equal(canonicalJson(before), untouched);
    }),
    { numRuns: 3_000 },
  );
});

test('equal states have no diff', () => {
  fc.assert(fc.property(value, (one) => assert.deepEqual(structuralDiff(one, structuredClone(one)), [])));
});
