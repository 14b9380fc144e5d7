import type { FieldPath } from './field-path.ts';

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
