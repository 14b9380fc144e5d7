import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareResourceVersions, type VersionOrder } from '../../src/domain/resource-version.ts';

const CASES: [a: string, b: string, order: VersionOrder][] = [
  ['9', '10', 'older'],
  ['10', '9', 'newer'],
  ['10', '10', 'same'],
  ['99999999999999999999999998', '99999999999999999999999999', 'older'],
  ['9007199254740993', '9007199254740992', 'newer'],
  ['opaque', 'opaque', 'same'],
  ['opaque', '5', 'unknown'],
  ['05', '6', 'unknown'],
  ['0', '6', 'unknown'],
  ['1e3', '6', 'unknown'],
  ['', '6', 'unknown'],
];

for (const [a, b, order] of CASES) {
  test(`${JSON.stringify(a)} is ${order} beside ${JSON.stringify(b)}`, () => {
    assert.equal(compareResourceVersions(a, b), order);
  });
}
