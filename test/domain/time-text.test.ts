import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeOf } from '../../src/domain/time-text.ts';

const taken: [string, string][] = [
  ['2026-10-01', '2026-10-01T00:00:00.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['2026-10-01T09:30Z', '2026-10-01T09:30:00.000Z'],
  ['2026-10-01T09:30:00.25+02:00', '2026-10-01T07:30:00.250Z'],
];
for (const [text, expected] of taken) {
  test(`${text} is a time`, () => assert.equal(new Date(timeOf(text) ?? Number.NaN).toISOString(), expected));
}

for (const text of [
  '',
  'today',
  '2026-02-31',
  '2025-02-29T10:00:00Z',
  '2026-13-01',
  '2026-10-01T25:00:00Z',
  '2026-10-01T09:30',
  '2026-10-01x',
]) {
  test(`"${text}" is none`, () => assert.equal(timeOf(text), undefined));
}
