import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffValues } from '../../../src/domain/diff/field-diff.ts';
import { isHeartbeat } from '../../../src/domain/diff/heartbeat-paths.ts';
import type { JsonObject } from '../../../src/domain/json.ts';

const T1 = '2026-03-01T10:00:00Z';
const T2 = '2026-03-01T10:00:30.123456Z';
const condition = (fields: JsonObject) => ({ status: { conditions: [{ type: 'Ready', status: 'True', ...fields }] } });

const CASES: [what: string, kind: string, before: JsonObject, after: JsonObject, heartbeat: boolean][] = [
  ['a condition was looked at again', 'Node', condition({ lastHeartbeatTime: T1 }), condition({ lastHeartbeatTime: T2 }), true],
  ['a condition was probed again', 'Widget', condition({ lastProbeTime: T1 }), condition({ lastProbeTime: T2 }), true],
  [
    'a condition was stamped again',
    'Widget',
    condition({ lastUpdateTime: T1, message: 'fine' }),
    condition({ lastUpdateTime: T2, message: 'fine' }),
    true,
  ],
  ['a sync time moved', 'Widget', { status: { lastSyncTime: T1 } }, { status: { lastSyncTime: T2 } }, true],
  ['nested status', 'Widget', { status: { a: { refreshTime: T1 } } }, { status: { a: { refreshTime: T2 } } }, true],
  ['a lease was renewed', 'ShardLease', { spec: { renewTime: T1 } }, { spec: { renewTime: T2 } }, true],
  ['nothing at all', 'Widget', {}, {}, true],
  [
    'a lease changed hands',
    'Lease',
    { spec: { renewTime: T1, holderIdentity: 'a' } },
    { spec: { renewTime: T2, holderIdentity: 'b' } },
    false,
  ],
  ['renewTime in the spec of something else', 'Certificate', { spec: { renewTime: T1 } }, { spec: { renewTime: T2 } }, false],
  [
    'a condition turned',
    'Widget',
    condition({ lastTransitionTime: T1, lastUpdateTime: T1 }),
    { status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: T2, lastUpdateTime: T2 }] } },
    false,
  ],
  ['a condition turned and back', 'Widget', condition({ lastTransitionTime: T1 }), condition({ lastTransitionTime: T2 }), false],
  ['the same name in the spec', 'Widget', { spec: { lastSyncTime: T1 } }, { spec: { lastSyncTime: T2 } }, false],
  ['something that is no time', 'Widget', { status: { lastSyncTime: 'never' } }, { status: { lastSyncTime: T1 } }, false],
  ['the first stamp', 'Widget', { status: {} }, { status: { lastSyncTime: T1 } }, false],
  ['a stamp taken away', 'Widget', { status: { lastSyncTime: T1, a: 1 } }, { status: { a: 1 } }, false],
];

for (const [what, kind, before, after, heartbeat] of CASES) {
  test(`${what}: ${heartbeat ? 'a heartbeat' : 'a change'}`, () => {
    assert.equal(isHeartbeat(kind, diffValues(before, after)), heartbeat);
  });
}
