import { createHash } from 'node:crypto';
import { canonicalJson, isJsonObject, type JsonObject } from './json.ts';

/** Set or moved by the API server between a validating webhook's look at an object and the event of a watch. */
const MOVING_METADATA: ReadonlySet<string> = new Set(['managedFields', 'resourceVersion', 'generation', 'selfLink']);

/**
 * Tells whether the object that a webhook was shown is the one that a watch tells of. Over the unmasked content, so it is held in memory
 * for as long as a claim waits and never stored.
 */
export function contentHash(object: JsonObject): string {
  const { metadata } = object;
  const kept = isJsonObject(metadata)
    ? Object.fromEntries(Object.entries(metadata).filter(([key]) => !MOVING_METADATA.has(key)))
    : {};
  return createHash('sha256')
    .update(canonicalJson({ ...object, metadata: kept }))
    .digest('base64url');
}
