import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsHalfCharacter } from '../../src/domain/json.ts';

test('half a character is found wherever it stands, and nothing else is taken for one', () => {
  const halves = [
    '"\\ud83e"',
    '"\\uDD80"',
    '{"\\ud800":1}',
    '"a\\ud83e\\u0041"',
    '"\\ud83e\\ud83e\\udd80"',
    '"\\\\\\ud800"',
    '"\\udd80\\ud83e"',
  ];
  const sound = [
    '"\\ud83e\\udd80"',
    '"\\uD83E\\uDD80\\ud83e\\udd80"',
    '"\\\\ud800"',
    '"🦀"',
    '"\\u00e9\\ufffd"',
    '"ud800"',
    '{"a":"\\n\\"\\\\"}',
  ];
  for (const json of halves) {
    assert.equal(holdsHalfCharacter(json), true, json);
    assert.match(JSON.stringify(JSON.parse(json)), /\\ud[89a-f]/, 'as the engine has it');
  }
  for (const json of sound) assert.equal(holdsHalfCharacter(json), false, json);
});
