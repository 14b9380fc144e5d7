/**
 * Which updates say no more than "still here": an operator that stamps the time of its last look into the status, a lease that is renewed.
 * They are counted on the object and not recorded as changes. Only a moved time counts as such, and only under a name that means nothing
 * else; lastTransitionTime is not among them, because it says that a condition turned.
 */

import type { Json } from '../json.ts';
import type { FieldDiff } from './field-diff.ts';

/** Names of fields under status that hold when something was last looked at, as operators and Kubernetes itself write them. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  'heartbeatTime',
  'lastCheckTime',
  'lastCheckedTime',
  'lastChecked',
  'lastHeartbeatTime',
  'lastObservedTime',
  'lastPollTime',
  'lastProbeTime',
  'lastReconcileTime',
  'lastReconciledTime',
  'lastRefreshTime',
  'lastSeenTime',
  'lastSyncTime',
  'lastSyncedTime',
  'lastUpdateTime',
  'lastUpdated',
  'refreshTime',
  'renewTime',
]);

/** RFC 3339, as metav1.Time and metav1.MicroTime are written. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** True when all that a diff of an object of this kind tells is that time passed. */
export function isHeartbeat(kind: string, diff: readonly FieldDiff[]): boolean {
  return diff.every((field) => isRenewal(kind, field));
}

function isRenewal(kind: string, { op, path, old, new: now }: FieldDiff): boolean {
  if (op !== 'set' || !isTime(old) || !isTime(now)) return false;
  if (path === '/spec/renewTime') return kind.endsWith('Lease');
  return path.startsWith('/status/') && LOOKED_AT.has(path.slice(path.lastIndexOf('/') + 1));
}

function isTime(value: Json | undefined): boolean {
  return typeof value === 'string' && TIME.test(value);
}
