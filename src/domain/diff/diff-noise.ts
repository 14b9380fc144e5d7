/** What differs between two states of an object without saying anything about it: the API server's bookkeeping, and that time passed. Pure. */
import { isBookkeepingPath } from './bookkeeping.ts';
import { isHeartbeat } from './heartbeat-paths.ts';
import type { StructuralChange } from './structural-diff.ts';

export function isNoise(kind: string, { op, path, old, new: now }: StructuralChange): boolean {
  if (isBookkeepingPath(path) || path.startsWith('/metadata/managedFields')) return true;
  if (op !== 'set' || old === undefined || now === undefined) return false;
  return isHeartbeat(kind, [{ op, path, generic: path, old, new: now }]);
}
