/**
 * States that were recorded under older rules of masking, compared with new ones: that a rule has come, or has grown finer, is no change of the
 * object.
 */
import { diffValues, type FieldDiff } from '../domain/diff/field-diff.ts';
import { type KeyedHash, type MaskOptions, mask } from '../domain/masking/redact.ts';
import type { KubeObject } from '../domain/object-ref.ts';

/** `diff` of two states without what only masking moved. */
export function withoutRemasking(
  diff: FieldDiff[],
  { before, after, hash, secrets }: { before: KubeObject; after: KubeObject; hash: KeyedHash; secrets: MaskOptions['secrets'] },
): FieldDiff[] {
  if (!diff.some(({ old, new: now }) => isMasked(old) !== isMasked(now))) return diff;
  const known = mask(before, hash, { secrets });
  const moved = known === before ? diff : diffValues(known, after);
  return moved.filter(({ old, new: now }) => typeof old !== 'string' || typeof now !== 'string' || old !== `masked:${hash(now)}`);
}

function isMasked(value: FieldDiff['old']): boolean {
  return typeof value === 'string' && value.includes('masked:');
}
