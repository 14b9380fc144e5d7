/** What could be loosened of an object: switches of its kind's schema, and of the pods in a chart's values. */
import { readFileSync } from 'node:fs';
import type { Life, StreamObject } from './world.ts';

type Leaf = string | number | boolean;

/**
 * By kind, switches whose own description in the published schema warns (of a check that is skipped, a namespace that is crossed, credentials that are passed
 * on), each with what is not its default. Found by a search of the descriptions, and so no list of what a detector looks for; some of them loosen nothing.
 */
const LOOSENING: { [kind: string]: [path: string, value: boolean][] } = JSON.parse(
  readFileSync(new URL('./loosening.json', import.meta.url), 'utf8'),
);

/** What the Pod Security Standards forbid, as charts' values have it. */
const LOOSE_PODS: [path: string, value: Leaf][] = [
  ['spec/values/securityContext/privileged', true],
  ['spec/values/securityContext/allowPrivilegeEscalation', true],
  ['spec/values/securityContext/runAsNonRoot', false],
  ['spec/values/podSecurityContext/runAsUser', 0],
  ['spec/values/containerSecurityContext/runAsUser', 0],
  ['spec/values/hostNetwork', true],
  ['spec/values/hostPID', true],
  ['spec/values/securityContext/seccompProfile/type', 'Unconfined'],
];

/** Paths with the values that would loosen the object, those that it has already left out. */
export function loosened({ kind, object }: Pick<Life, 'kind' | 'object'>): [path: string, value: Leaf][] {
  const { spec } = object;
  const hasValues = typeof spec === 'object' && spec !== null && 'values' in spec;
  const all = [...(LOOSENING[kind] ?? []), ...(hasValues ? LOOSE_PODS : [])];
  return all.filter(([path, value]) => withPath(object, path, value) !== undefined);
}

/** A copy of the object with that value, the parents it lacks made; `[]` is the first of a list. Undefined where it has it already or has no such list. */
export function withPath(object: StreamObject, path: string, value: Leaf): StreamObject | undefined {
  const copy = structuredClone(object);
  const names = path.split('/');
  const last = names.pop() as string;
  let at = copy as unknown as Record<string, unknown>;
  for (const name of names) {
    const next = name === '[]' ? (Array.isArray(at) ? at[0] : undefined) : (at[name] ?? {});
    if (typeof next !== 'object' || next === null) return undefined;
    if (name !== '[]') at[name] = next;
    at = next as Record<string, unknown>;
  }
  if (at[last] === value) return undefined;
  at[last] = value;
  return copy;
}
