import type { Finding } from '../domain/finding.ts';

/** What a finding is called outside: chosen at build time, CamelCase, few. Alert rules and silences are written against these. */
export type FindingFamily =
  | 'UnusualChange'
  | 'UnusualActor'
  | 'UnusualTime'
  | 'ChangeBurst'
  | 'MissingChange'
  | 'RiskyChange'
  | 'RuleMatch'
  | 'ReconcileTrouble';

/** By the start of the detector's name; what is not listed is an unusual change. */
const FAMILY_BY_START: readonly (readonly [string, FindingFamily])[] = [
  ['rule', 'RuleMatch'],
  ['fact', 'RiskyChange'],
  ['privilege', 'RiskyChange'],
  ['actor', 'UnusualActor'],
  ['hand-edit', 'UnusualActor'],
  ['hour', 'UnusualTime'],
  ['burst', 'ChangeBurst'],
  ['pace', 'ChangeBurst'],
  ['wave', 'ChangeBurst'],
  ['mass-', 'ChangeBurst'],
  ['status-loop', 'ChangeBurst'],
  ['two-writers', 'ChangeBurst'],
];

export function familyOf(finding: Pick<Finding, 'subject' | 'detector'>): FindingFamily {
  if (finding.subject.type === 'series') return 'ReconcileTrouble';
  if (finding.subject.type === 'silence') return 'MissingChange';
  return FAMILY_BY_START.find(([start]) => finding.detector.startsWith(start))?.[1] ?? 'UnusualChange';
}
