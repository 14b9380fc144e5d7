import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JoinedTexts } from '../../src/model/joined-texts.ts';

test('two texts are joined as they are, whatever was joined before', () => {
  const texts = new JoinedTexts('/');
  assert.equal(texts.of('', ''), '/');
  assert.equal(texts.of('apps', 'Deployment'), 'apps/Deployment');
  assert.equal(texts.of('apps', 'Deployment'), 'apps/Deployment');
  assert.equal(texts.of('apps', 'StatefulSet'), 'apps/StatefulSet');
  assert.equal(texts.of('', 'StatefulSet'), '/StatefulSet');
  assert.equal(texts.of('', ''), '/');
});
