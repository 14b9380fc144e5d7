/**
 * How Crowsnest tells its own writes from everyone else's. An own write is recorded but never judged, or a mark on an object would
 * be a change worth marking.
 */

import type { FieldDiff } from '../diff/field-diff.ts';
import { segmentsOf } from '../field-path.ts';
import { isJsonObject, type Json } from '../json.ts';
import type { Managed } from './attribution.ts';

/** The field manager of every write to a cluster. */
export const FIELD_MANAGER = 'crowsnest';

/** Holds the id of the newest finding on an object. */
export const OWN_ANNOTATION = 'crowsnest.dev/finding';

/** The lease that is renewed to see it come back through a watch. */
export const CANARY_LEASE = 'crowsnest-canary';

const OWN_PREFIX = 'crowsnest.dev/';

/**
 * True when a change is our canary's, or nothing but our own annotations, set by our own field manager. `object` is the state
 * after the change with managedFields, `diff` the whole change.
 *
 * Managers and times alone would not do: managedFields times are whole seconds, so an own mark and a foreign edit in the same second
 * look alike, and a relist shows both as one change. Paths alone would not do either: anyone may write our annotation, but whoever
 * does takes its ownership from us.
 */
export function isOwnWrite(object: Managed, diff: readonly FieldDiff[]): boolean {
  if (diff.length === 0) return false;
  if (isCanary(object)) return true;
  if (!diff.every(({ path }) => path.startsWith('/metadata/annotations'))) return false;
  const owned = ownedAnnotations(object);
  return diff.every((entry) => {
    const [first, second, key, ...rest] = segmentsOf(entry.path);
    if (first !== 'metadata' || second !== 'annotations' || rest.length > 0) return false;
    // The empty map an object had before its first annotation is a leaf of its own.
    if (key === undefined) return entry.op === 'remove' && isJsonObject(entry.old) && Object.keys(entry.old).length === 0;
    return entry.op !== 'remove' && key.startsWith(OWN_PREFIX) && owned.has(key);
  });
}

/** False where what changed alone says that it is none, so that nobody needs to look at who owns what. */
export function mayBeOwnWrite(kind: string, diff: readonly FieldDiff[]): boolean {
  return kind === 'Lease' || diff.every(({ path }) => path.startsWith('/metadata/annotations'));
}

/** The canary while nobody else has had a hand in it. */
export function isCanary({ apiVersion, kind, metadata }: Managed): boolean {
  if (kind !== 'Lease' || metadata.name !== CANARY_LEASE || !apiVersion.startsWith('coordination.k8s.io/')) return false;
  const { managedFields } = metadata;
  if (!Array.isArray(managedFields) || managedFields.length === 0) return false;
  return managedFields.every((entry) => isJsonObject(entry) && entry.manager === FIELD_MANAGER);
}

/** Annotation keys that managedFields attribute to us. */
function ownedAnnotations(object: Managed): Set<string> {
  const owned = new Set<string>();
  const managers = object.metadata.managedFields;
  if (!Array.isArray(managers)) return owned;
  for (const entry of managers) {
    if (!isJsonObject(entry) || entry.manager !== FIELD_MANAGER) continue;
    const annotations = member(member(entry.fieldsV1, 'f:metadata'), 'f:annotations');
    if (!isJsonObject(annotations)) continue;
    for (const field of Object.keys(annotations)) if (field.startsWith('f:')) owned.add(field.slice(2));
  }
  return owned;
}

function member(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) ? value[key] : undefined;
}
