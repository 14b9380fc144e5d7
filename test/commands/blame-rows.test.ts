import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blameRows } from '../../src/commands/blame.ts';

test('a field whose change is no longer kept says so, and one that may be older too', () => {
  const actor = { name: 'ann', source: 'audit' as const, confidence: 1 };
  const changes = [{ seq: 9, type: 'MODIFIED' as const, time: '2026-01-05T08:01:00.000Z', actor, own: false }];
  const fields = [
    { path: '/spec/a', value: 1, seq: 9 },
    { path: '/spec/b', value: 2, seq: 3, gone: true as const },
    { path: '/spec/c', value: 3, notAfter: 9 },
  ];
  assert.deepEqual(blameRows({ fields, changes }), [
    ['9', '2026-01-05T08:01:00.000Z', 'ann', '/spec/a: 1'],
    ['3', 'no longer kept', '', '/spec/b: 2'],
    ['≤9', '2026-01-05T08:01:00.000Z', 'ann', '/spec/c: 3'],
  ]);
});
