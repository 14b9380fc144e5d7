import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteBoth } from '../../src/model/words.ts';

test('both sides of a change are quoted so that the difference shows', () => {
  const long = 'https://raw.example.org/team/charts/main/connect/';
  const cases: [unknown, unknown, [string, string]][] = [
    ['a', 'b', ['a', 'b']],
    [1, undefined, ['1', 'nothing']],
    [
      `${long}stable/index.yaml`,
      `${long}mirror/index.yaml`,
      ['…ts/main/connect/stable/index.yaml', '…ts/main/connect/mirror/index.yaml'],
    ],
    [`x${long}stable/index.yaml`, `y${long}stable/index.yaml`, [`x${long}stable/…`, `y${long}stable/…`]],
    [`${long}${'a'.repeat(20)}`, `${long}${'a'.repeat(20)}b`, ['…aaaaaaaaaaaaaaaa', '…aaaaaaaaaaaaaaaab']],
  ];
  for (const [old, next, expected] of cases) assert.deepEqual(quoteBoth(old as never, next as never), expected);
});
