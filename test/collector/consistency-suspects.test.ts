import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWithRecord, type Listed } from '../../src/collector/watch/consistency-suspects.ts';
import { type KnownHead, keyOf } from '../../src/collector/watch/list-comparison.ts';

const AT = '100';
/** uid@resourceVersion on each side, '' for none. */
const CASES: [what: string, listed: string, recorded: string, verdict: 'same' | 'suspect' | 'ahead'][] = [
  ['recorded as it is', 'a@50', 'a@50', 'same'],
  ['recorded older than it is', 'a@60', 'a@50', 'suspect'],
  ['changed since the list', 'a@60', 'a@101', 'same'],
  ['recorded newer than the list shows, though before it', 'a@60', 'a@70', 'ahead'],
  ['not recorded', 'a@60', '', 'suspect'],
  ['gone', '', 'a@60', 'suspect'],
  ['created since the list', '', 'a@101', 'same'],
  ['re-created before the list', 'b@60', 'a@50', 'suspect'],
  ['re-created since the list', 'a@60', 'b@101', 'same'],
  ['another life recorded than the list shows, though before it', 'a@60', 'b@70', 'ahead'],
];

for (const [what, listed, recorded, verdict] of CASES) {
  test(`an object ${what} is ${verdict}`, async () => {
    const at = (text: string) => ({ uid: text.split('@')[0] as string, resourceVersion: text.split('@')[1] as string });
    const shown = new Map<string, Listed>();
    if (listed !== '') shown.set(keyOf('n', 'x'), { namespace: 'n', name: 'x', ...at(listed) });
    const ref = { cluster: 'c', group: 'g', version: 'v1', kind: 'K', namespace: 'n', name: 'x' };
    const heads: KnownHead[] = recorded === '' ? [] : [{ ref, ...at(recorded) }];
    for (let pass = 0; pass < 2; pass++) {
      const { suspects, ahead } = await compareWithRecord(shown, heads, AT);
      assert.deepEqual([suspects.length, ahead.length], [verdict === 'suspect' ? 1 : 0, verdict === 'ahead' ? 1 : 0]);
    }
  });
}
