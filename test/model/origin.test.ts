import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlace, OriginBook, originIn } from '../../src/model/origin.ts';
import { tokensOf } from '../../src/model/value-types.ts';

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

test('a link leads to its host, however long the user before it, and a user that looks like a host is none', () => {
  const originOf = (link: string) => originIn(tokensOf(undefined, link, '/spec/source/url'));
  for (const length of [1, 200, 201, 260, 4_000]) {
    assert.equal(originOf(`https://${'u'.repeat(length)}@git.example.com/repo`), 'example.com', `${length} characters`);
  }
  assert.equal(originOf(`https://${'good.example.org.'.repeat(20)}:x@evil.example.net/`), 'example.net');
  assert.equal(originOf('https://somebody@good.example.org:x@evil.example.net/'), 'example.net');
  assert.equal(originOf('https://good.example.org?mail=a@other.example.net'), 'example.org');
  assert.equal(originOf(`https://${'u'.repeat(10_000)}@git.example.com/`), undefined);
});
