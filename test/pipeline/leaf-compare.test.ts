/** What is told of a section by its moved scalars is what parsing, masking and comparing it tells; and secrets are always left to that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBookkeepingPath } from '../../src/domain/diff/bookkeeping.ts';
import { diffValues, type FieldDiff, makePatch } from '../../src/domain/diff/field-diff.ts';
import { escapeSegment } from '../../src/domain/field-path.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../src/domain/json.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';
import type { Section } from '../../src/domain/scan/object-scan.ts';
import { innerOf, type ListKeys } from '../../src/domain/schema-tree.ts';
import { LeafCompare } from '../../src/pipeline/leaf-compare.ts';

const hash = keyedHash(Buffer.from('k'));
const secretText = { type: 'string', format: 'password' };
const { secrets } = readKindSchema({
  properties: {
    spec: { properties: { told: secretText, list: { items: { properties: { told: secretText } } } } },
    status: { properties: { part: { additionalProperties: secretText } } },
  },
});
/** Every list, however deep, with these merge keys. */
function listsBy(...keys: string[]): ListKeys {
  let below: JsonObject = {};
  for (let depth = 0; depth < 8; depth++)
    below = { 'x-kubernetes-list-map-keys': keys, items: below, additionalProperties: below };
  return readKindSchema({ additionalProperties: below }).mergeKeys as ListKeys;
}
/** One usual key and not the first of them, one that is not usual, several, of several types. */
const KEYS: (ListKeys | undefined)[] = [
  undefined,
  ...[['type'], ['status'], ['value'], ['type', 'status'], ['name', 'value'], ['status', 'name', 'type']].map((keys) =>
    listsBy(...keys),
  ),
];
// In two, so that no scanner takes it for a leak.
const TOKEN = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');

const name = fc.constantFrom(
  ...['a', 'b', 'c/d', 'e~f', '[g]', 'ü', 'told', 'list', 'name', 'type', 'key', 'host', 'path', 'kind', 'apiVersion', 'data'],
  ...[
    'password',
    'passwords',
    'token',
    'auth',
    'value',
    'default',
    'env',
    'path',
    'authorization',
    'credentials',
    'secretKey',
    'remoteRef',
    'image',
    'encryptedData',
    '7',
  ],
  ...['observedGeneration', 'lastProbeTime', '__proto__', 'constructor', TOKEN],
);
const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.integer(),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
  fc.constantFrom(2n ** 63n - 1n, 2n ** 63n - 2n, 2 ** 53, 2n ** 53n + 1n),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    'Ready',
    'True',
    'x "quoted" \\ text',
    '<&>',
    'a longer text without anything',
    '2026-01-01T00:00:00Z',
    '',
    'Secret',
  ),
  fc.constantFrom(
    'v1',
    'hunter2hunter2',
    `has ${TOKEN} in it`,
    'https://u:secretpass@host/x',
    '{"token":"inner secret"}',
    'user:password',
  ),
);
/** As a text holds it: there is no -0 in one. */
const asWritten = (given: Json): Json => parseJson(JSON.stringify(given));

const value = fc.letrec<{ any: Json }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.array(
      fc.record(
        { type: fc.constantFrom('A', 'B', 'C', 'D'), status: leaf, name: leaf, value: leaf },
        { requiredKeys: ['status'] },
      ),
      { maxLength: 4 },
    ) as fc.Arbitrary<Json>,
    // As lists that a schema gives keys: the keys mostly told apart, and what is edited mostly beside them.
    fc.uniqueArray(
      fc.record({
        type: fc.constantFrom('A', 'B', 'a,b', 'ü'),
        status: fc.constantFrom(80, 81, '80', true, 1e21, -1),
        name: fc.constantFrom('x', 'y'),
        x: leaf,
        y: leaf,
      }),
      { maxLength: 4, selector: ({ type, status }) => `${type} ${status}` },
    ) as fc.Arbitrary<Json>,
    fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;

/** Some of the scalars replaced, in the order they come. */
function withLeaves(node: Json, next: (old: Json) => Json): Json {
  if (Array.isArray(node)) return node.map((item) => withLeaves(item, next));
  if (!isJsonObject(node)) return next(node);
  // Through text, as a member called __proto__ is one like any other.
  const members = Object.keys(node).map((key) => `${JSON.stringify(key)}:${JSON.stringify(withLeaves(node[key] as Json, next))}`);
  return parseJson(`{${members.join(',')}}`);
}

/** As the API server writes it. */
function asGo(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026');
}

let nextId = 0;
const ids = new Map<string, number>();
function sectionOf(top: string, key: string | undefined): Pick<Section, 'id' | 'top' | 'key'> {
  const path = `${top} ${key}`;
  const id = ids.get(path) ?? nextId++;
  ids.set(path, id);
  return { id, top, key };
}

function maskedPart(part: Json, { top, key }: Pick<Section, 'top' | 'key'>): Json {
  const masked = mask({ [top]: key === undefined ? part : { [key]: part } } as JsonObject, hash, { secrets })[top] as Json;
  return key === undefined ? masked : ((masked as JsonObject)[key] as Json);
}

function below(lists: ListKeys | undefined, { top, key }: Pick<Section, 'top' | 'key'>): ListKeys | undefined {
  const within = lists && innerOf(lists, top);
  return within === undefined || key === undefined ? within : innerOf(within, key);
}

const section = fc
  .record({
    top: fc.constantFrom('spec', 'status', 'metadata', 'data'),
    key: fc.constantFrom('part', 'told', 'list', 'a/b', 'password', 'generation', undefined),
  })
  .map(({ top, key }) => sectionOf(top, key));

test('told by leaves is as told by values, masked and in order', () => {
  const leaves = new LeafCompare(hash);
  let byLeaves = 0;
  let runs = 0;
  fc.assert(
    fc.property(
      section,
      value,
      fc.array(fc.option(leaf), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      fc.constantFrom(...KEYS),
      (where, made, edits, go, lists) => {
        runs += 1;
        const masked = maskedPart(made, where);
        if (masked === undefined) return;
        let turn = 0;
        const before = asWritten(masked);
        const raw = asWritten(withLeaves(before, (old) => edits[turn++ % edits.length] ?? old));
        const text = go ? asGo(JSON.stringify(raw)) : JSON.stringify(raw);
        const [old, now] = [Buffer.from(`,${JSON.stringify(before)},`), Buffer.from(`,,${text},`)];
        const known: FieldDiff = { op: 'set', path: '/known', generic: '/known', old: 1, new: 2 };
        const fields = [known];
        const texts = { before: { bytes: old, from: 1, to: old.length - 1 }, after: { bytes: now, from: 2, to: now.length - 1 } };
        const found = leaves.compare(where, texts, { fields, paths: leaves.noPaths, secrets, lists });
        if (found === undefined) {
          assert.deepEqual(fields, [known]);
          return;
        }
        byLeaves += 1;
        const after = maskedPart(raw, where);
        assert.deepEqual(after, raw, 'what is masked is left to others');
        const path = where.key === undefined ? `/${where.top}` : `/${where.top}/${escapeSegment(where.key)}`;
        const diff = diffValues(before, raw, path, below(lists, where)).filter((field) => !isBookkeepingPath(field.path));
        assert.deepEqual(fields.slice(1), diff);
        assert.deepEqual(
          [...found.paths.paths],
          diff.map((field) => field.path),
        );
        const patch = makePatch(before, raw);
        const whole = patch !== undefined && Object.hasOwn(patch, 'w');
        assert.equal(found.patch, patch === undefined ? '' : JSON.stringify(whole ? raw : patch));
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(byLeaves * 5 > runs, `only ${byLeaves} of ${runs} were told by leaves, so little was shown`);
});

for (const [what, before, after] of [
  ['a member that came', '{"a":1}', '{"a":1,"b":2}'],
  ['a member that went', '{"a":1,"b":2}', '{"a":1}'],
  ['members in another order', '{"a":1,"b":2}', '{"b":2,"a":1}'],
  ['an item that came', '[{"a":1}]', '[{"a":1},{"a":2}]'],
  ['an item of a list of scalars', '["a"]', '["b"]'],
  ['another type', '{"a":1}', '{"a":"1"}'],
  ['an empty object that was filled', '{"a":{}}', '{"a":{"b":1}}'],
  ['null', '{"a":null}', '{"a":1}'],
  ['blanks', '{"a":1}', '{"a": 2}'],
  ['blanks behind', '{"a":1}', '{"a":2 }'],
  ['a name written with escapes', '{"a":1}', '{"\\u0061":2}'],
  ['a word that is none', '{"a":true}', '{"a":trux}'],
  ['a number that is none', '{"a":1}', '{"a":01}'],
  ['a secret by its name', '{"password":"masked:0123456789abcdef"}', '{"password":"hunter2hunter2"}'],
  ['a secret by its looks', '{"a":"x"}', `{"a":"${TOKEN}"}`],
  ['a secret by the path beside it', '{"path":"/spec/host","value":"a"}', '{"path":"/spec/password","value":"a"}'],
  ['what stands behind a scheme', '{"authorization":"none"}', '{"authorization":"Basic abc"}'],
  ['a secret by the name beside it', '{"name":"DB_HOST","value":"a"}', '{"name":"DB_PASSWORD","value":"a"}'],
  ['a member that names items', '[{"name":"a","x":1}]', '[{"name":"b","x":1}]'],
] as const) {
  test(`leaves ${what} to the comparison of values`, () => {
    const leaves = new LeafCompare(hash);
    const texts = [before, after].map((text) => ({ bytes: Buffer.from(text), from: 0, to: Buffer.byteLength(text) }));
    const [old, now] = texts as [(typeof texts)[number], (typeof texts)[number]];
    const given = { fields: [], paths: leaves.noPaths, secrets: undefined, lists: undefined };
    assert.equal(leaves.compare(sectionOf('status', 'x'), { before: old, after: now }, given), undefined);
    assert.deepEqual(given.fields, []);
  });
}

test('a moved value that is not JSON, or out of range, is refused as a parser refuses it', () => {
  const leaves = new LeafCompare(hash);
  const given = { fields: [], paths: leaves.noPaths, secrets: undefined, lists: undefined };
  const place = (text: string) => ({ bytes: Buffer.from(text), from: 0, to: Buffer.byteLength(text) });
  for (const [old, wrong] of [
    ['"a"', '"\\x"'],
    ['"a"', '"a\tb"'],
    ['"a"', '"\\u12"'],
    ['1', '1e999'],
  ] as const)
    assert.throws(
      () => leaves.compare(sectionOf('status', 'y'), { before: place(old), after: place(wrong) }, given),
      SyntaxError,
    );
});

for (const [what, keys, item, name] of [
  ['a number', ['port'], '{"port":53,"x":1}', '[port=53]'],
  ['a boolean', ['on'], '{"on":true,"x":1}', '[on=true]'],
  ['several, in the order of the schema', ['port', 'protocol'], '{"protocol":"UDP","port":53,"x":1}', '[port=53,protocol=UDP]'],
  ['one that is usual, before those that come first by habit', ['type'], '{"name":"a","type":"B","x":1}', '[type=B]'],
  ['a text with a comma, alone', ['id'], '{"id":"a,b","x":1}', '[id=a,b]'],
  ['a text with a slash', ['id'], '{"id":"a/b","x":1}', '[id=a~1b]'],
  ['several with a comma in one: by habit', ['id', 'port'], '{"id":"a,b","name":"c","port":1,"x":1}', '[name=c]'],
  ['one that is lacking: by habit', ['port', 'protocol'], '{"name":"c","port":1,"x":1}', '[name=c]'],
  ['null: by habit', ['port'], '{"name":"c","port":null,"x":1}', '[name=c]'],
] as const)
  test(`names an item by the keys of the schema: ${what}`, () => {
    const leaves = new LeafCompare(hash);
    const [old, now] = [`[${item}]`, `[${item.replace('"x":1', '"x":2')}]`];
    const place = (text: string) => ({ bytes: Buffer.from(text), from: 0, to: Buffer.byteLength(text) });
    const lists = listsBy(...keys);
    const fields: FieldDiff[] = [];
    const where = sectionOf('spec', 'ports');
    const found = leaves.compare(
      where,
      { before: place(old), after: place(now) },
      { fields, paths: leaves.noPaths, secrets: undefined, lists },
    );
    assert.deepEqual(
      fields.map(({ path }) => path),
      [`/spec/ports/${name}/x`],
    );
    assert.deepEqual(fields, diffValues(parseJson(old), parseJson(now), '/spec/ports', below(lists, where)));
    assert.deepEqual(found?.paths.paths, [`/spec/ports/${name}/x`]);
  });

test('leaves a merge key of the schema that moved, and a number written in another way, to the comparison of values', () => {
  const leaves = new LeafCompare(hash);
  const place = (text: string) => ({ bytes: Buffer.from(text), from: 0, to: Buffer.byteLength(text) });
  for (const [old, now] of [
    ['[{"port":53,"x":1}]', '[{"port":54,"x":1}]'],
    ['[{"port":53.0,"x":1}]', '[{"port":53.0,"x":2}]'],
    ['[{"port":5e1,"x":1}]', '[{"port":5e1,"x":2}]'],
    ['[{"port":-0,"x":1}]', '[{"port":-0,"x":2}]'],
    ['[{"port":9223372036854775807,"x":1}]', '[{"port":9223372036854775807,"x":2}]'],
  ] as const) {
    const given = { fields: [], paths: leaves.noPaths, secrets: undefined, lists: listsBy('port') };
    assert.equal(leaves.compare(sectionOf('spec', 'ports'), { before: place(old), after: place(now) }, given), undefined, now);
  }
});

test('one tree of paths serves kinds whose schemas differ', () => {
  const leaves = new LeafCompare(hash);
  const place = (text: string) => ({ bytes: Buffer.from(text), from: 0, to: Buffer.byteLength(text) });
  const [byPort, byId] = [listsBy('port'), listsBy('id')];
  const named = (lists: ListKeys | undefined) => {
    const fields: FieldDiff[] = [];
    const texts = {
      before: place('[{"name":"a","id":"b","port":1,"x":1}]'),
      after: place('[{"name":"a","id":"b","port":1,"x":2}]'),
    };
    leaves.compare(sectionOf('spec', 'ports'), texts, { fields, paths: leaves.noPaths, secrets: undefined, lists });
    return fields.map(({ path }) => path).join();
  };
  const inTurn = [byPort, undefined, byId, byPort, undefined, byId].map(named);
  const [port, habit, id] = ['/spec/ports/[port=1]/x', '/spec/ports/[name=a]/x', '/spec/ports/[id=b]/x'];
  assert.deepEqual(inTurn, [port, habit, id, port, habit, id]);
});
