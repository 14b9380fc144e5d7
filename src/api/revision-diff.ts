/** The difference of two states of an object as the API tells it: structured, without noise, and as text. */
import { applyChanges } from '../domain/diff/apply-changes.ts';
import { isNoise } from '../domain/diff/diff-noise.ts';
import { type StructuralChange, structuralDiff } from '../domain/diff/structural-diff.ts';
import { unifiedDiff } from '../domain/diff/unified-diff.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import { readDocument } from './read-document.ts';
import { stateYaml } from './state-yaml.ts';

export interface RevisionDiff {
  changes: StructuralChange[];
  /** How many differences were left out as noise. */
  noise: number;
}

export function revisionDiff(
  before: KubeObject,
  after: KubeObject,
  options: { lists: ListKeys | undefined; keepNoise: boolean },
): RevisionDiff {
  const all = structuralDiff(before, after, { mergeKeys: options.lists, readDocument });
  const changes = options.keepNoise ? all : all.filter((change) => !isNoise(after.kind, change));
  return { changes, noise: all.length - changes.length };
}

/** The same as `diff -u` of the two states in YAML, which has what `changes` has and nothing else. */
export function unifiedText(
  before: KubeObject,
  changes: readonly StructuralChange[],
  names: { before: string; after: string },
): string {
  const after = applyChanges(before, changes) as KubeObject;
  return unifiedDiff({
    before: stateYaml(before),
    after: stateYaml(after),
    beforeName: names.before,
    afterName: names.after,
  });
}
