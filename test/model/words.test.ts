import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote, quoteBoth } from '../../src/model/words.ts';

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

test('a cut never leaves half a character: readers of JSON would refuse the finding', () => {
  for (const lead of ['', 'a']) {
    const crabs = lead + '🦀'.repeat(40);
    assert.ok(quote(crabs).isWellFormed(), quote(crabs));
    for (const said of quoteBoth(`${crabs}🔥`, `${crabs}b`)) assert.ok(said.isWellFormed(), said);
  }
  assert.equal(quote(`a${'🦀'.repeat(40)}`), `a${'🦀'.repeat(28)}…`);
});
