import type { FieldPath } from '../field-path.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/**
 * Fields that name the object or that the API server keeps for itself. They identify a revision rather than say what changed in it,
 * so neither a diff shown to people nor the model contains them; the record has them as columns of the change. apiVersion is not among
 * them: a move to another version is a change.
 */
const BOOKKEEPING_PATHS: ReadonlySet<FieldPath> = new Set([
  '/kind',
  '/metadata/creationTimestamp',
  '/metadata/generation',
  '/metadata/name',
  '/metadata/namespace',
  '/metadata/resourceVersion',
  '/metadata/uid',
]);

/** True for a path that a change's diff leaves out. */
export function isBookkeepingPath(path: FieldPath): boolean {
  return BOOKKEEPING_PATHS.has(path);
}

/** A state without them. */
export function withoutBookkeeping(state: JsonObject): JsonObject {
  return kept(state, '');
}

function kept(node: JsonObject, path: FieldPath): JsonObject {
  const out: Record<string, Json> = Object.create(null);
  for (const key of Object.keys(node)) {
    const value = node[key] as Json;
    if (key !== 'metadata' || path !== '' || !isJsonObject(value)) {
      if (!isBookkeepingPath(`${path}/${key}`)) out[key] = value;
      continue;
    }
    const metadata = kept(value, '/metadata');
    // Of an object that has nothing else there is no leaf.
    if (Object.keys(metadata).length > 0 || Object.keys(value).length === 0) out[key] = metadata;
  }
  return out;
}
