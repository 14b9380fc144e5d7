/**
 * States that were recorded under older rules, compared with new ones: that a rule of masking has come, or has grown finer, is no change of the
 * object, nor is it that whole numbers are no longer rounded.
 */
import { diffValues, type FieldDiff } from '../domain/diff/field-diff.ts';
import { type KeyedHash, type MaskOptions, mask } from '../domain/masking/redact.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import type { ListKeys } from '../domain/schema-tree.ts';

/** `diff` of two states without what only masking moved. */
export function withoutRemasking(
  diff: FieldDiff[],
  {
    before,
    after,
    hash,
    secrets,
    lists,
  }: { before: KubeObject; after: KubeObject; hash: KeyedHash; secrets: MaskOptions['secrets']; lists: ListKeys | undefined },
): FieldDiff[] {
  if (!diff.some(({ old, new: now }) => isMasked(old) !== isMasked(now))) return diff;
  const known = mask(before, hash, { secrets });
  const moved = known === before ? diff : diffValues(known, after, '', lists);
  return moved.filter(({ old, new: now }) => typeof old !== 'string' || typeof now !== 'string' || old !== `masked:${hash(now)}`);
}

/** Whether all that a look at the very version that is recorded tells is the digits of whole numbers that were rounded as it was. */
export function isUnrounding(diff: readonly FieldDiff[]): boolean {
  return diff.every(({ old, new: now }) => typeof old === 'number' && typeof now === 'bigint' && Number(now) === old);
}

function isMasked(value: FieldDiff['old']): boolean {
  return typeof value === 'string' && value.includes('masked:');
}
