import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, holdsHalfCharacter, type Json, jsonEqual, NumberRangeError, parseJson } from '../../src/domain/json.ts';

/** Texts of numbers with more digits than a double holds, and of those it does hold. */
const numberText = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.constantFrom('9223372036854775807', '-9223372036854775808', '9007199254740993', '9007199254740992', '1000000000000000000'),
  fc.stringMatching(/^-?[1-9]\d{0,60}$/),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);
/** Canonical texts; strings hold what looks like numbers outside of them. */
const canonicalText = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    numberText,
    fc.constantFrom('true', 'null', '""'),
    fc.oneof(fc.string(), numberText, fc.constantFrom('a: 9223372036854775807,', '1e400}')).map((text) => JSON.stringify(text)),
    fc.array(tie('any'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', '7', '__proto__', 'toJSON'), tie('any')), {
        selector: ([key]) => key,
        maxLength: 4,
      })
      .map((members) => `{${members.sort(byKey).map(([key, value]) => `"${key}":${value}`)}}`),
  ),
})).any;

function byKey([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}

test('what is parsed has the canonical text that it came from, digit by digit', () => {
  fc.assert(
    fc.property(canonicalText, (text) => {
      const value = parseJson(text);
      assert.equal(canonicalJson(value), text);
      assert.ok(jsonEqual(parseJson(JSON.stringify(value, undefined, 2)), value));
    }),
    { numRuns: 3_000 },
  );
});

test('a number is a bigint only where a double does not hold its digits', () => {
  const cases: [string, Json][] = [
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740992', 2 ** 53],
    ['9007199254740993', 2n ** 53n + 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['[ 1000000000000000000 ,\n1000000000000000001]', [1e18, 10n ** 18n + 1n]],
    ['{"a":1.12345678901234567,"b":1E+21}', { a: 1.1234567890123457, b: 1e21 }],
    ['{"a":"9223372036854775807"}', { a: '9223372036854775807' }],
    ['{"a":9223372036854775806,"a":9223372036854775807}', { a: 2n ** 63n - 1n }],
  ];
  for (const [text, value] of cases) assert.deepEqual(parseJson(text), value, text);
});

test('two whole numbers that a double cannot tell apart differ', () => {
  assert.equal(jsonEqual(parseJson('{"a":9223372036854775806}'), parseJson('{"a":9223372036854775807}')), false);
  assert.equal(jsonEqual(parseJson('[9007199254740993]'), parseJson('[9007199254740992]')), false);
  assert.equal(jsonEqual(parseJson('[9007199254740993]'), parseJson('[9007199254740993]')), true);
});

test('a number that is out of range is no Infinity and no null', () => {
  for (const text of ['1e400', '-1e400', '{"a":[1,2E+0400]}', '[1.5e309 ]', `[${'9'.repeat(310)}]`])
    assert.throws(() => parseJson(text), NumberRangeError, text);
  for (const text of ['1e308', '"1e400"', '{"a":"sha256:1e400"}', '1e-400', '{"uid":"4e1000,"}']) parseJson(text);
  assert.throws(() => parseJson('{"a":9223372036854775807'), SyntaxError);
});

test('what is nested too deep to be read digit by digit is read', () => {
  const levels = 100_000;
  assert.doesNotThrow(() => parseJson(`${'['.repeat(levels)}9223372036854775807${']'.repeat(levels)}`));
});

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
