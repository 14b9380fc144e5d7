import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersionOf, isApiVersionOf } from '../../src/domain/object-ref.ts';
import { SharedTexts } from '../../src/domain/shared-texts.ts';

const ref = { cluster: 'here', group: 'stream.test', version: 'v1beta2', kind: 'Widget', namespace: 'streaming', name: 'orders' };

test('a ref of shared texts names the same object', () => {
  assert.deepEqual(new SharedTexts().ref(ref), ref);
});

test('texts are forgotten beyond the bound and still equal', () => {
  const texts = new SharedTexts(2);
  for (const text of ['one', 'two', 'three', 'one']) assert.equal(texts.of(text), text);
});

test('an apiVersion is told from those that differ in a character, a part or the slash', () => {
  for (const one of [ref, { ...ref, group: '' }]) {
    const apiVersion = apiVersionOf(one);
    assert.ok(isApiVersionOf(one, apiVersion));
    for (let i = 0; i < apiVersion.length; i++)
      assert.ok(!isApiVersionOf(one, `${apiVersion.slice(0, i)}_${apiVersion.slice(i + 1)}`), `at ${i}`);
    for (const other of ['', 'v1', 'v1beta2/stream.test', `${apiVersion}1`, apiVersion.slice(1), `x/${apiVersion}`])
      assert.ok(!isApiVersionOf(one, other), other);
  }
});
