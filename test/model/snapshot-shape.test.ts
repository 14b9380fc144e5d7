/** Ties the shape of what is saved to SNAPSHOT_VERSION: an older snapshot of another shape must not be restored. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { deserialize } from 'node:v8';
import { zstdDecompressSync } from 'node:zlib';
import { createModel, SNAPSHOT_VERSION } from '../../src/model/ensemble.ts';
import { DAY_MS, HOUR_MS, habit, MONDAY_MS, Stream } from './stream.ts';

/** Of the version that goes with it. A shape that changes needs a new version first, and then this is its digest. */
const DIGEST_OF_VERSION = [29, 'fb972b16d44b8f79'] as const;

test('what is saved has the shape that its version stands for', () => {
  const digest = createHash('sha256').update(shapeOf(saved())).digest('hex').slice(0, 16);
  assert.deepEqual(
    [SNAPSHOT_VERSION, digest],
    DIGEST_OF_VERSION,
    'the shape of the saved state is another: raise SNAPSHOT_VERSION, then note both here',
  );
});

test('a field more, a field less, a Map for an object and another type are each another shape', () => {
  const shapes = [
    { a: 1, b: new Map([['x', { n: 1 }]]) },
    { a: 1, b: new Map([['x', { n: 1, m: 2 }]]) },
    { b: new Map([['x', { n: 1 }]]) },
    { a: 1, b: { x: { n: 1 } } },
    { a: '1', b: new Map([['x', { n: 1 }]]) },
  ].map(shapeOf);
  assert.equal(new Set(shapes).size, shapes.length);
  assert.equal(shapeOf(new Map([['other', { n: 7 }]])), shapeOf(new Map([['x', { n: 1 }]])));
});

/** Three weeks of habit, then strangers, odd hours, deletions and a beat that stops, so that little of the state is empty. */
function saved(): unknown {
  const model = createModel();
  const stream = new Stream();
  for (const change of habit(stream, { seed: 7, days: 21, objects: 4 })) model.observe(change);
  for (let i = 0; i < 80; i++) {
    const name = `kafka-${i % 4}`;
    const atMs = MONDAY_MS + 21 * DAY_MS + i * HOUR_MS;
    const actor = ['alice', 'mallory', 'flux'][i % 3] as string;
    const spec = { replicas: i % 9, image: `registry.example/kafka:1.${i % 5}.0`, [`f${i % 7}`]: { privileged: i % 2 === 0 } };
    model.observe(stream.change(i % 20 === 19 ? { atMs, actor, name, type: 'DELETED' } : { atMs, actor, name, spec }));
    model.observe(stream.change({ atMs, actor: 'kafka-operator', name: 'kafka-9', status: { n: i } }));
  }
  return deserialize(zstdDecompressSync(model.snapshot()));
}

/** Names and types, whatever the values: of lists and Maps the sorts of members they have, whole numbers of any width as one. */
function shapeOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (ArrayBuffer.isView(value)) return value instanceof Float64Array || value instanceof Float32Array ? 'floats' : 'wholes';
  if (value instanceof Map) return `Map<${sortsOf([...value.keys()])},${sortsOf([...value.values()])}>`;
  if (value instanceof Set) return `Set<${sortsOf([...value])}>`;
  if (Array.isArray(value)) return `[${sortsOf(value)}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, member]) => `${name}:${shapeOf(member)}`).join(',')}}`;
}

function sortsOf(members: readonly unknown[]): string {
  return [...new Set(members.map(shapeOf))].sort().join('|');
}
