import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { type DiffLine, diffLines, foldLines, isFlagged } from '../../../src/api/page/yaml-diff.ts';
import { namedLists } from '../../../src/domain/diff/named-lists.ts';
import { isJsonObject, type Json, type JsonObject, jsonEqual } from '../../../src/domain/json.ts';
import type { ListKeys } from '../../../src/domain/schema-tree.ts';

const text = (lines: DiffLine[]) => lines.map((line) => `${line.sign}${' '.repeat(line.indent)}${line.text}`);
const side = (lines: DiffLine[], without: string) =>
  lines
    .filter((line) => line.sign !== without)
    .map((line) => `${' '.repeat(line.indent)}${line.text}`)
    .join('\n');

describe('the diff', () => {
  it('reads like git on YAML, with list items matched by name', () => {
    const before: JsonObject = {
      spec: {
        replicas: 3,
        listeners: [
          { name: 'a', type: 'internal' },
          { name: 'b', port: 1 },
        ],
        old: { x: 1 },
      },
    };
    const after: JsonObject = {
      spec: {
        replicas: 2,
        listeners: [
          { name: 'b', port: 1 },
          { name: 'a', type: 'lb' },
        ],
        added: 'yes',
      },
    };
    assert.deepEqual(text(diffLines(before, after)), [
      ' spec:',
      '-  replicas: 3',
      '+  replicas: 2',
      '   listeners:',
      '     - name: b',
      '       port: 1',
      '     - name: a',
      '-      type: internal',
      '+      type: lb',
      '-  old:',
      '-    x: 1',
      '+  added: "yes"',
    ]);
  });

  it('shows a new object as added and a gone one as removed', () => {
    assert.deepEqual(text(diffLines(undefined, { a: { b: [1, { c: 2 }] } })), ['+a:', '+  b:', '+    - 1', '+    - c: 2']);
    assert.deepEqual(text(diffLines({ a: [] }, undefined)), ['-a: []']);
  });

  it('compares texts of several lines line by line', () => {
    assert.deepEqual(text(diffLines({ cfg: 'a\nb\nc' }, { cfg: 'a\nB\nc' })), [' cfg: |', '   a', '-  b', '+  B', '   c']);
  });

  it('leaves out what the API server moves by itself', () => {
    const object = (resourceVersion: string) => ({
      metadata: { name: 'a', resourceVersion, generation: Number(resourceVersion) },
    });
    assert.deepEqual(text(diffLines(object('1'), object('2'))), [' metadata:', '   name: a']);
  });

  it('marks the lines a reason names, exactly, over all items, or beneath', () => {
    const lines = diffLines({ spec: { l: [{ name: 'a', t: 1 }] } }, { spec: { l: [{ name: 'a', t: 2 }] } });
    const flagged = (path: string) => lines.filter((line) => isFlagged(line, path)).length;
    assert.deepEqual(
      ['/spec/l/[name=a]/t', '/spec/l/[*]/t', '/spec/l', '/spec/l/[name=b]/t', '/spec/other', ''].map(flagged),
      [2, 2, 2, 0, 0, 0],
    );
  });

  it('folds what is far from a change and keeps its headings', () => {
    const state = (z: number) => ({ spec: { a: 1, b: 2, c: 3, d: 4, deep: { e: 5, f: 6, g: 7, h: 8, i: 9, z } } });
    const folded = foldLines(diffLines(state(0), state(1)), 1);
    assert.deepEqual(
      folded.map((line) => ('fold' in line ? line.fold : line.text)),
      ['spec:', 4, 'deep:', 4, 'i: 9', 'z: 0', 'z: 1'],
    );
  });

  it('holds both objects whole: each side parses back to the state it shows', () => {
    const key = fc.stringMatching(/^[a-z][\w./-]{0,6}$/);
    const scalar = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('yes', '0x1', '- a', 'a: b', '1e3'),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        scalar,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const object = fc.dictionary(key, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
    fc.assert(
      fc.property(object, object, (a, b) => {
        const [before, after] = [plain(a as Json), plain(b as Json)] as [JsonObject, JsonObject];
        const lines = diffLines(before, after);
        assert.ok(jsonEqual(parse(side(lines, '-')) as Json, after), side(lines, '-'));
        // Members keep the place they have after the change, so the old side may differ in the order of keys, never in content.
        const old = parse(side(lines, '+')) as Json;
        assert.ok(sameMembers(old, before), side(lines, '+'));
      }),
      { numRuns: 500 },
    );
  });
});

/** Texts of several lines and hidden characters are shown for people, not to be parsed back; they have tests of their own. */
function plain(value: Json): Json {
  if (typeof value === 'string') return value.replaceAll(/[^\x20-\x7e]/g, '?');
  if (Array.isArray(value)) return value.map(plain);
  if (isJsonObject(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
  return value;
}

/** Equal but for the order of list items, which follows the new side where items are matched by key. */
function sameMembers(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    const rest = [...b];
    return (
      a.length === b.length &&
      a.every((item) => {
        const at = rest.findIndex((other) => sameMembers(item, other));
        if (at >= 0) rest.splice(at, 1);
        return at >= 0;
      })
    );
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return jsonEqual(a, b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((name) => name in b && sameMembers(a[name] as Json, b[name] as Json))
  );
}

it('lines have the paths that other answers name items by', () => {
  const ports = (hostPort: number) => [
    { name: 'dns', containerPort: 53, protocol: 'TCP', hostPort: 1 },
    { name: 'dns-udp', containerPort: 53, protocol: 'UDP', hostPort },
  ];
  const path = '/spec/ports/[containerPort=53,protocol=UDP]/hostPort';
  const shown = (lists: ListKeys | undefined) =>
    diffLines({ spec: { ports: ports(1) } }, { spec: { ports: ports(2) } }, lists).filter((line) => isFlagged(line, path)).length;
  assert.equal(shown(namedLists(['/spec/replicas', path])), 2);
  assert.equal(shown(namedLists(['/spec/ports/[name=a,b=c]/x'])), 0, 'what is no name by several keys harms nothing');
  assert.equal(shown(undefined), 0);
});
