import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlace, OriginBook, originIn } from '../../src/model/origin.ts';

const CASES: [tokens: string[], origin: string | undefined][] = [
  [['repo:ghcr.io/acme/web', 'tag-version:v', 'type:tag-version'], 'ghcr.io'],
  [['repo:acme/web'], 'docker.io'],
  [['url:https://eu.api.Example.com:8443', 'base:eu.api.example.com/v1'], 'example.com'],
  [['host:example.org', 'type:host'], 'example.org'],
  [['word:blue', 'type:word'], undefined],
  [['base:example.com'], undefined],
];

test('a book of origins says what is read off the tokens, the first time and later', () => {
  const book = new OriginBook();
  for (let round = 0; round < 2; round++) {
    for (const [tokens, origin] of CASES) {
      assert.equal(originIn(tokens), origin, String(tokens));
      assert.equal(book.in(tokens), origin, String(tokens));
    }
  }
});

test('what names a place is told from what only has its type', () => {
  assert.ok(isPlace('repo:acme/web') && isPlace('base:x/y'));
  assert.ok(!isPlace('type:repo') && !isPlace('word:host:x'));
});
