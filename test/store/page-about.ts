import type { Change } from '../../src/domain/change.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { FLUX } from './new-changes.ts';

/** What a page that was sent about a change rests on. */
export function pageAbout({ seq, ref, uid, resourceVersion, observedMs }: Change): Finding {
  return {
    ...{
      id: 'f',
      cluster: 'test',
      tsMs: observedMs,
      actor: FLUX,
      score: 9,
      onceIn: 1e9,
      detector: 'd',
      reasons: [],
      mature: true,
    },
    ...{ deterministic: false, severity: 'critical', summary: '', decision: { verdict: 'page', why: '' }, episode: 'e' },
    subject: { type: 'change', seq, resourceVersion, changeType: 'MODIFIED', ref, uid },
  };
}
