/** The difference of two states of an object as the API tells it: structured, without noise, and as text. */
import { stringify } from 'yaml';
import { applyChanges } from '../domain/apply-changes.ts';
import { isBookkeepingPath } from '../domain/bookkeeping.ts';
import { isNoise } from '../domain/diff-noise.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { KindSchema } from '../domain/kind-schema.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { type StructuralChange, structuralDiff } from '../domain/structural-diff.ts';
import { unifiedDiff } from '../domain/unified-diff.ts';
import { readDocument } from './read-document.ts';

export interface RevisionDiff {
  changes: StructuralChange[];
  /** How many differences were left out as noise. */
  noise: number;
}

export function revisionDiff(
  before: KubeObject,
  after: KubeObject,
  options: { schema: KindSchema | undefined; keepNoise: boolean },
): RevisionDiff {
  const all = structuralDiff(before, after, { mergeKeys: options.schema?.mergeKeys, readDocument });
  const changes = options.keepNoise ? all : all.filter((change) => !isNoise(after.kind, change));
  return { changes, noise: all.length - changes.length };
}

/** The same as `diff -u` of the two states in YAML, which has what `changes` has and nothing else. */
export function unifiedText(
  before: KubeObject,
  changes: readonly StructuralChange[],
  names: { before: string; after: string },
): string {
  const after = applyChanges(before, changes);
  return unifiedDiff({
    before: yamlOf(before),
    after: yamlOf(after),
    beforeName: names.before,
    afterName: names.after,
  });
}

function yamlOf(state: Json): string {
  // Keys in order, since a rebuilt state may have them in another one.
  return stringify(isJsonObject(state) ? withoutBookkeeping(state) : state, { sortMapEntries: true, lineWidth: 0 });
}

/** Kind and name stay: they say which object it is. */
function withoutBookkeeping(state: JsonObject): JsonObject {
  if (!isJsonObject(state.metadata)) return state;
  const kept = Object.entries(state.metadata).filter(
    ([key]) => key !== 'managedFields' && (!isBookkeepingPath(`/metadata/${key}`) || key === 'name' || key === 'namespace'),
  );
  return { ...state, metadata: Object.fromEntries(kept) };
}
