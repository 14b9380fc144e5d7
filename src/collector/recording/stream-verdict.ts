/**
 * The line of what a person said of a finding, or took back:
 *
 *   {"type":"VERDICT","ts","cluster","verdict":{id, finding, verdict, scope, by, why?, given, expires, clock?, change?, withdrawn?}}
 *
 * It weighs on the lines behind it. `ts` is event time like that of any line; `given` and `withdrawn.at` are by the wall clock.
 */
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { ObjectRef } from '../../domain/object-ref.ts';
import { type ToldVerdict, VERDICTS, type VerdictScope, type VerdictWord } from '../../domain/verdict.ts';
import { faultOf, type Shape } from './stream-shape.ts';
import { formatTime, parseTime } from './stream-time.ts';

export function formatVerdict(told: ToldVerdict, ts: string): string {
  const { findingId, scope, givenMs, expiresMs, clockMs, change, withdrawn, ...rest } = told;
  const { cluster, ...within } = scope;
  return JSON.stringify({
    type: 'VERDICT',
    ts,
    cluster,
    verdict: {
      ...rest,
      finding: findingId,
      scope: within,
      given: formatTime(givenMs),
      expires: formatTime(expiresMs),
      clock: clockMs === undefined ? undefined : formatTime(clockMs),
      change: change === undefined ? undefined : changeView(change),
      withdrawn: withdrawn === undefined ? undefined : { by: withdrawn.by, at: formatTime(withdrawn.ms) },
    },
  });
}

function changeView({ ref, ...version }: NonNullable<ToldVerdict['change']>) {
  const { cluster: _, ...object } = ref;
  return { ...object, ...version };
}

const SHAPE: Record<string, Shape> = {
  ...{ id: 'said', finding: 'said', verdict: VERDICTS, by: 'said', why: 'said?' },
  ...{ given: 'time', expires: 'time', clock: 'time?' },
};
const SCOPE = ['detector', 'group', 'kind', 'namespace', 'name', 'actor', 'controller', 'path'] as const;
const CHANGE: Record<string, Shape> = {
  ...{ group: 'text0', version: 'text', kind: 'text', namespace: 'text0', name: 'text' },
  ...{ uid: 'text', resourceVersion: 'text', type: ['ADDED', 'MODIFIED', 'DELETED'] },
};

/** The entry, or what is wrong with it. */
export function readVerdict(
  said: Json | undefined,
  cluster: string,
  atMs: number,
): { verdict: ToldVerdict; atMs: number } | string {
  if (!isJsonObject(said)) return 'verdict is missing or not a JSON object';
  const { scope, change, withdrawn } = said;
  const wrong =
    faultOf(said, SHAPE, 'verdict.') ??
    scopeFault(scope) ??
    (change === undefined ? undefined : faultOf(change, CHANGE, 'verdict.change.')) ??
    (withdrawn === undefined ? undefined : faultOf(withdrawn, { by: 'said', at: 'time' }, 'verdict.withdrawn.'));
  if (wrong !== undefined) return wrong;
  const { id, finding, verdict, by, why, given, expires, clock } = said as unknown as Line;
  const told: ToldVerdict = {
    ...{ id, findingId: finding, verdict, by, scope: { cluster, ...(scope as Partial<VerdictScope>) } },
    ...{ givenMs: parseTime(given)!, expiresMs: parseTime(expires)! },
    ...(why === undefined ? {} : { why }),
    ...(clock === undefined ? {} : { clockMs: parseTime(clock)! }),
    ...(isJsonObject(change) ? { change: readChange(change as unknown as ChangeLine, cluster) } : {}),
    ...(isJsonObject(withdrawn) ? { withdrawn: { by: String(withdrawn.by), ms: parseTime(String(withdrawn.at))! } } : {}),
  };
  return { verdict: told, atMs };
}

/** Members that are not known would widen what it speaks of if they were passed over. */
function scopeFault(scope: Json | undefined): string | undefined {
  if (!isJsonObject(scope)) return 'verdict.scope is missing or not a JSON object';
  const foreign = Object.keys(scope).find((name) => !SCOPE.some((known) => known === name));
  if (foreign !== undefined) return `verdict.scope has a member that is none of ${SCOPE.join(', ')}`;
  // The core group and what has no namespace are named by nothing.
  const shapes = Object.keys(scope).map((name) => [name, scope[name] === '' ? 'text0' : 'said'] as const);
  return faultOf(scope, Object.fromEntries(shapes), 'verdict.scope.');
}

interface Line {
  id: string;
  finding: string;
  verdict: VerdictWord;
  by: string;
  why?: string;
  given: string;
  expires: string;
  clock?: string;
}

interface ChangeLine extends Omit<ObjectRef, 'cluster'> {
  uid: string;
  resourceVersion: string;
  type: NonNullable<ToldVerdict['change']>['type'];
}

function readChange({ group, version, kind, namespace, name, uid, resourceVersion, type }: ChangeLine, cluster: string) {
  return { ref: { cluster, group, version, kind, namespace, name }, uid, resourceVersion, type };
}
