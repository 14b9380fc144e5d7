/** What a promoted network has to say of a change, in words. */
import type { Change } from '../../domain/change.ts';
import type { Judgement } from '../../domain/finding.ts';
import { onceInOf, reasonOf } from '../explain.ts';
import type { OddCompany } from './odd-company.ts';

export const NETWORK = 'network';

/** `version` is kept with the finding, so that it can be told later which network said so. */
export function networkJudgement(
  change: Pick<Change, 'seq' | 'resourceVersion' | 'type' | 'ref' | 'uid' | 'observedMs' | 'actor'>,
  {
    found,
    bits,
    version,
  }: { found: OddCompany & { name: string | undefined }; bits: number; version: { id: number; trainedOn: number } },
): Judgement {
  const { seq, resourceVersion, type: changeType, ref, uid, observedMs: tsMs, actor } = change;
  const { name } = found;
  const sentence = found.missing
    ? 'Something that nearly always comes along with the rest of this change is missing.'
    : `${name ?? 'One part of it'} seldom comes with the rest of this change.`;
  const reason = reasonOf(NETWORK, bits, {
    sentence,
    ...(name?.startsWith('/') === true && { path: name }),
    samples: version.trainedOn,
    scope: `network ${version.id}`,
  });
  return {
    ...{ tsMs, subject: { type: 'change', seq, resourceVersion, changeType, ref, uid }, actor },
    ...{ score: bits, onceIn: onceInOf(bits), detector: NETWORK, reasons: [reason] },
    ...{ mature: true, deterministic: false, severity: 'info' },
  };
}
