import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, hashOfBoth } from '../../src/model/hash.ts';

test('two texts have the hash of both put together', () => {
  const texts = ['', 'a', 'apps/Deployment/spec/replicas', '"quay.io/app:1.2"', '\u0000', 'ä€😀'];
  for (const first of texts) {
    for (const second of texts) assert.equal(hashOfBoth(first, second), hashOf(`${first}\u0000${second}`), `${first} ${second}`);
  }
});
