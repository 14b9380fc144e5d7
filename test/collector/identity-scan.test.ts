import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scanIdentity } from '../../src/collector/watch/identity-scan.ts';

const OBJECT = {
  apiVersion: 'test.dev/v1',
  kind: 'Widget',
  metadata: {
    annotations: { name: 'not this', note: 'a "quoted" \\ name' },
    managedFields: [{ manager: 'm', fieldsV1: { 'f:metadata': { name: 'nor this' } } }],
    name: 'w',
    namespace: 'team-a',
    ownerReferences: [{ name: 'nor that', uid: 'other' }],
    resourceVersion: '12',
    uid: 'u-1',
  },
  spec: { name: 'no', metadata: { name: 'no', uid: 'no' }, template: { metadata: { name: 'no' } }, blob: 'x'.repeat(100) },
};
const IDENTITY = { name: 'w', namespace: 'team-a', resourceVersion: '12', uid: 'u-1' };

describe('identity scan', () => {
  it('names the object of a watch event', () => {
    assert.deepEqual(scanIdentity(Buffer.from(JSON.stringify({ type: 'MODIFIED', object: OBJECT }))), {
      type: 'MODIFIED',
      ...IDENTITY,
    });
  });

  it('names an object of a list', () => {
    assert.deepEqual(scanIdentity(Buffer.from(JSON.stringify(OBJECT))), IDENTITY);
  });

  it('tells nothing wrong at any cut, and everything once the metadata is there', () => {
    const text = JSON.stringify({ type: 'DELETED', object: OBJECT });
    const all: Record<string, string> = { type: 'DELETED', ...IDENTITY };
    for (let end = 0; end <= text.length; end++) {
      const found = Object.entries(scanIdentity(Buffer.from(text.slice(0, end))));
      for (const [field, value] of found) assert.equal(value, all[field], `${field} at ${end}`);
      if (end >= text.indexOf('"spec"')) assert.equal(found.length, 5);
    }
  });

  for (const bytes of ['', 'not json', '}}]]{{"a', '[{"metadata":{"name":"n"}}]', '{"metadata":"name"}', '\u0000\u0001']) {
    it(`survives ${JSON.stringify(bytes)}`, () => assert.equal(scanIdentity(Buffer.from(bytes)).uid, undefined));
  }
});
