/** Naming the writer of thousands of fields looks through the names of a set of fields once, not once for each. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ownsPath } from '../../src/domain/who/attribution.ts';

it('looks through a wide set of fields once, for owned fields and others', () => {
  let looks = 0;
  const members = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f:k${i}`, {}]));
  const wide = new Proxy(members, {
    ownKeys: (of) => {
      looks += 1;
      return Reflect.ownKeys(of);
    },
  });
  for (let i = 0; i < 1_000; i++) {
    assert.equal(ownsPath({ 'f:spec': wide }, `/spec/k${i}`), true);
    assert.equal(ownsPath({ 'f:spec': wide }, `/spec/other${i}`), false);
  }
  assert.equal(ownsPath({ 'f:spec': {} }, '/spec/k/deep'), true);
  assert.ok(looks <= 1, `${looks} looks`);
});
