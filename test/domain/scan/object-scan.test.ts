import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/domain/json.ts';
import { type ScannedObject, scanObject, textKey } from '../../../src/domain/scan/object-scan.ts';

const METADATA = { name: 'a', namespace: 'team', uid: 'u-1', resourceVersion: '7', generation: 3 };

function scan(object: JsonObject, before = ''): ScannedObject | undefined {
  const text = Buffer.from(`${before}${JSON.stringify(object)}}`);
  return scanObject(text, Buffer.byteLength(before));
}

function widget(rest: JsonObject): JsonObject {
  return { apiVersion: 'example.test/v1', kind: 'Widget', metadata: METADATA, ...rest };
}

test('says who an object is, and where it ends', () => {
  const object = widget({ spec: { replicas: 3, name: 'not this one' } });
  const scanned = scan(object, '{"type":"MODIFIED","object":');
  assert.ok(scanned);
  const { apiVersion, kind, name, namespace, uid, resourceVersion, generation } = scanned;
  assert.deepEqual(
    { apiVersion, kind, name, namespace, uid, resourceVersion, generation },
    { apiVersion: 'example.test/v1', kind: 'Widget', ...METADATA },
  );
  assert.equal(scanned.bytes.toString('utf8', scanned.start, scanned.end), JSON.stringify(object));
});

test('a uid is found by the same number whether it is read from bytes or given as text', () => {
  for (const uid of ['u-1', '00000000-0000-4000-8000-000000014162', 'ü-1', '\u{1F642}'])
    assert.equal(scan(widget({ metadata: { ...METADATA, uid } }))?.uidKey, textKey(uid), uid);
  assert.equal(scan(widget({ note: 'ü' }))?.uidKey, textKey('u-1'));
});

test('each section is where its value is, and managedFields apart', () => {
  const managedFields = [{ manager: 'a "quoted" one\\', fieldsV1: { 'f:spec': {} } }];
  const object = widget({ metadata: { ...METADATA, managedFields, labels: { a: '}{' } }, spec: { list: [1, [2]] }, data: 'x' });
  const scanned = scan(object);
  assert.ok(scanned);
  const values = scanned.sections.map(({ top, key }, i) => [
    key === undefined ? top : `${top}.${key}`,
    JSON.parse(scanned.bytes.toString('utf8', scanned.places[2 * i], scanned.places[2 * i + 1])) as Json,
  ]);
  assert.deepEqual(Object.fromEntries(values), {
    apiVersion: 'example.test/v1',
    kind: 'Widget',
    'metadata.name': 'a',
    'metadata.namespace': 'team',
    'metadata.uid': 'u-1',
    'metadata.labels': { a: '}{' },
    'spec.list': [1, [2]],
    data: 'x',
  });
  assert.deepEqual(JSON.parse(scanned.bytes.toString('utf8', scanned.managedStart, scanned.managedEnd)), managedFields);
});

for (const [what, text] of [
  ['text that ends in the middle', JSON.stringify(widget({ spec: { a: 1 } })).slice(0, -2)],
  ['an escaped key', JSON.stringify(widget({ spec: { a: 1 } })).replace('"a":1', '"\\u0061":1')],
  ['a member twice', JSON.stringify(widget({ spec: { a: 1 } })).replace('"a":1', '"a":1,"a":2')],
  ['a top-level member twice', JSON.stringify(widget({ spec: { a: 1 } })).replace('"spec"', '"spec":{"a":1},"spec"')],
  ['an empty object, which is a leaf of its own', JSON.stringify(widget({ spec: {} }))],
  ['blanks between members', JSON.stringify(widget({ spec: { a: 1 } }), null, 1)],
  ['no uid', JSON.stringify(widget({ metadata: { name: 'a', resourceVersion: '1' } }))],
  ['a backslash outside of a string', JSON.stringify(widget({ spec: { a: 1 } })).replace('"a":1', '"a":[1\\\\]')],
  ['a list', '[1]'],
  ['nothing', ''],
] as const) {
  test(`leaves ${what} to a parser`, () => {
    assert.equal(scanObject(Buffer.from(text), 0), undefined);
  });
}

test('equal values have equal fingerprints wherever they stand in memory, others do not', () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(json, json, fc.nat(40), (one, other, shift) => {
      const a = scan(widget({ spec: { field: one } }));
      const b = scan(widget({ spec: { field: one } }), ' '.repeat(shift));
      const c = scan(widget({ spec: { field: other } }));
      assert.ok(a !== undefined && b !== undefined && c !== undefined);
      assert.deepEqual(a.prints, b.prints);
      assert.equal(JSON.stringify(one) === JSON.stringify(other), a.prints.at(-1) === c.prints.at(-1));
    }),
  );
});

test('one bit anywhere in a long text shows, at every length around the borders of the sum', () => {
  for (const length of [1, 2, 3, 11, 12, 13, 12_285, 12_286, 12_287, 12_288, 12_289, 12_299, 12_300, 12_301, 40_000]) {
    const text = 'a'.repeat(length);
    const print = scan(widget({ spec: { text } }))?.prints.at(-1);
    for (const at of [0, 1, length >> 1, length - 2, length - 1].filter((i) => i >= 0 && i < length)) {
      const changed = `${text.slice(0, at)}b${text.slice(at + 1)}`;
      assert.notEqual(scan(widget({ spec: { text: changed } }))?.prints.at(-1), print, `byte ${at} of ${length}`);
    }
  }
});

const AWKWARD = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '{', '}', '[', ']', ',', ':', 'é', '😀', '\u0001'),
  maxLength: 90,
});

test('values are found behind any string, at every place within the blocks that are looked at together', () => {
  const value = fc.oneof(AWKWARD, fc.array(AWKWARD, { maxLength: 4 }), fc.dictionary(AWKWARD, AWKWARD, { maxKeys: 4 }));
  fc.assert(
    fc.property(fc.nat(130), fc.array(value, { minLength: 1, maxLength: 6 }), (length, values) => {
      const spec = Object.fromEntries(values.map((one, i) => [`field-${i}`, one]));
      const scanned = scan(widget({ before: 'x'.repeat(length), spec }));
      assert.ok(scanned);
      const found = scanned.sections.flatMap(({ top, key }, i) =>
        top === 'spec'
          ? [[key, JSON.parse(scanned.bytes.toString('utf8', scanned.places[2 * i], scanned.places[2 * i + 1]))]]
          : [],
      );
      assert.deepEqual(Object.fromEntries(found), JSON.parse(JSON.stringify(spec)));
      assert.equal(scanned.isAscii, !/[^\0-\x7f]/.test(JSON.stringify(spec)));
    }),
    { numRuns: 1_000 },
  );
});

test('a text with bytes changed is no JSON where its sections are, or it is left to a parser', () => {
  const byte = fc.constantFrom(...Buffer.from('"\\{}[],: 1a\n'));
  const text = Buffer.from(JSON.stringify(widget({ spec: { a: [{ b: '"' }, 2], c: { d: 'x' }, e: 'y\\"' }, data: 'z' })));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(text.length - 1), byte), { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = Buffer.from(text);
      for (const [at, to] of changes) bytes[at] = to;
      const scanned = scanObject(bytes, 0);
      if (scanned === undefined || scanned.end !== bytes.length) return;
      const parts = scanned.sections.map((_, i) => bytes.toString('utf8', scanned.places[2 * i], scanned.places[2 * i + 1]));
      if (scanned.managedEnd > 0) parts.push(bytes.toString('utf8', scanned.managedStart, scanned.managedEnd));
      if (parts.every(isJson)) assert.ok(isJson(bytes.toString('utf8')), bytes.toString('utf8'));
    }),
    { numRuns: 5_000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('in an object of any size a value has the fingerprint that it has in a small one', () => {
  const note = { text: 'b'.repeat(5_000), list: [1, 2] };
  const print = (size: number) => {
    const scanned = scan(widget({ spec: { note, large: 'a'.repeat(size) } }));
    return scanned?.prints[scanned.sections.findIndex(({ key }) => key === 'note')];
  };
  assert.ok(print(1) !== undefined);
  for (const size of [100_000, 300_000, 2_000_000, 3_000_000, 10]) assert.equal(print(size), print(1));
});

test('all objects that etcd takes are scanned in one memory', (t) => {
  const memories = t.mock.method(WebAssembly, 'Memory');
  for (const size of [10, 300_000, 1_500_000, 300_000]) assert.ok(scan(widget({ spec: { large: 'a'.repeat(size) } })));
  assert.equal(memories.mock.callCount(), 0);
});

test('a name is of its own place: the same names under others are other sections', () => {
  const names = (object: JsonObject) => scan(object)?.sections.map(({ top, key }) => `${top}.${key}`);
  const one = names(widget({ a: { b: 1, c: 1 }, d: 1 }));
  assert.deepEqual(names(widget({ a: { b: 1 }, c: 1, d: 1 }))?.slice(-3), ['a.b', 'c.undefined', 'd.undefined']);
  assert.deepEqual(one?.slice(-3), ['a.b', 'a.c', 'd.undefined']);
  assert.deepEqual(names(widget({ a: 1, b: { c: 1, d: 1 } }))?.slice(-3), ['a.undefined', 'b.c', 'b.d']);
});
