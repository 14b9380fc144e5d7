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

test('half a character is refused: on disk it would be another text', () => {
  for (const text of ['{"spec":{"\\ud800":1,"\\ud801":2}}', '"\\udd80"']) {
    const parsed = read(text);
    assert.ok('fault' in parsed, text);
    assert.equal(parsed.fault.reason, 'encoding');
    assert.match(parsed.fault.what, /half a character/);
  }
  assert.deepEqual(read('"\\ud83e\\udd80"'), { value: '🦀' });
});
