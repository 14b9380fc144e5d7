/** Who wrote, told by a known form of managedFields, is who is told by parsing them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FieldDiff } from '../../../src/domain/diff/field-diff.ts';
import type { Json, JsonObject } from '../../../src/domain/json.ts';
import { MovedPathsTree } from '../../../src/domain/moved-paths.ts';
import { PathTree } from '../../../src/domain/scan/path-node.ts';
import { attribute } from '../../../src/domain/who/attribution.ts';
import { managedFormOf, managedTimes, newestWriters } from '../../../src/domain/who/managed-writers.ts';

const time = fc.constantFrom(
  ...['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z', '2026-02-30T00:00:00Z', '2026-03-01T00:00:00Z'],
  ...['2026-01-01T00:00:00.5Z', '2026-99-01T00:00:00Z', 'never'],
);
const writer = fc.record(
  {
    manager: fc.constantFrom<Json>('flux', 'kubectl "x" ,"time":"', 7),
    operation: fc.constantFrom('Apply', 'Update'),
    apiVersion: fc.constant('v1'),
    time,
    fieldsType: fc.constant('FieldsV1'),
    fieldsV1: fc.constantFrom<JsonObject>(
      {},
      { 'f:spec': { 'f:a': {} } },
      { 'f:status': {} },
      { 'f:spec': {}, 'f:status': { 'f:b': {} } },
    ),
    subresource: fc.constant('status'),
  },
  { requiredKeys: ['manager', 'time', 'fieldsV1'] },
) as fc.Arbitrary<JsonObject>;

const tree = new PathTree();
const moved = new MovedPathsTree();
const SECTIONS = [
  { id: 0, top: 'spec', key: 'a' },
  { id: 1, top: 'spec', key: 'c' },
  { id: 2, top: 'status', key: 'b' },
];

test('the same writers, candidates and confidence as by parsing', () => {
  let byForm = 0;
  fc.assert(
    fc.property(fc.array(writer, { maxLength: 4 }), fc.subarray(SECTIONS, { minLength: 1 }), (managedFields, sections) => {
      const text = Buffer.from(`xx${JSON.stringify(managedFields)}x`);
      const form = managedFormOf(text, 2, text.length - 1);
      const newest = form === undefined ? undefined : newestWriters(form, text, 2);
      if (form === undefined || newest === undefined) return;
      byForm += 1;
      const nodes = sections.map((section) => tree.section(section));
      const paths = nodes.reduce((sum, node) => moved.with(sum, node), moved.none);
      const diff = nodes.map(({ path }): FieldDiff => ({ op: 'set', path, generic: path, old: 1, new: 2 }));
      const object = { apiVersion: 'v1', kind: 'Widget', metadata: { name: 'a', managedFields } };
      assert.deepEqual(paths.namedBy(form, newest), attribute(object, diff, undefined, false));
      assert.deepEqual(
        [...diff.map(({ path }) => path)].sort(),
        paths.order.map((i) => paths.paths[i]),
      );
    }),
    { numRuns: 3_000 },
  );
  assert.ok(byForm > 100, `only ${byForm} were told by their form, so nothing was shown`);
});

test('text that is not JSON is refused', () => {
  const text = Buffer.from('[{"manager":"flux","time":"2026-01-01T00:00:00Z","fieldsV1":{]}]');
  assert.throws(() => managedFormOf(text, 0, text.length), SyntaxError);
});

test('a time is what the parser of dates makes of it, or none', () => {
  const digits = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, '0'));
  const year = fc.nat(9_999).map((n) => String(n).padStart(4, '0'));
  const written = fc
    .tuple(year, digits(14), digits(33), digits(26), digits(62), digits(62))
    .map(([y, mo, d, h, mi, s]) => `${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  const spoilt = fc
    .tuple(written, fc.nat(19), fc.constantFrom(...'0 9:-TZtz/'))
    .map(([text, at, byte]) => text.slice(0, at) + byte + text.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(written, spoilt), (text) => {
      const parsed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
      assert.deepEqual(managedTimes({ times: [2] }, Buffer.from(`"""${text}`), 1), Number.isNaN(parsed) ? undefined : [parsed]);
    }),
    { numRuns: 3_000 },
  );
});
