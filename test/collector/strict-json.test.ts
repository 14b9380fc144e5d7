import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStrictJson } from '../../src/collector/pushed/strict-json.ts';

const read = (text: string) => parseStrictJson(Buffer.from(text));

test('a number that no double holds is refused, and not taken for null', () => {
  for (const text of ['1e999', '{"spec":{"replicas":-1E+400}}', `[${'9'.repeat(310)}]`]) {
    const parsed = read(text);
    assert.ok('fault' in parsed, text);
    assert.match(parsed.fault.what, /out of range/);
  }
});

test('what only looks like one is taken', () => {
  for (const value of [{ image: 'app@sha256:1e999' }, 1e308, { digits: '9'.repeat(400) }]) {
    assert.deepEqual(read(JSON.stringify(value)), { value });
  }
});
