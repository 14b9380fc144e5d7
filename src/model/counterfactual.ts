/** What would have been ordinary, for reasons whose detector did not say it: the nearest thing to what was seen that would not have been flagged. */
import { fieldName } from '../domain/field-path.ts';
import type { Reason } from '../domain/finding.ts';
import { quote } from './words.ts';

type Told = Pick<Reason, 'path' | 'usual'>;

const ORDINARY: Record<string, (reason: Told) => string> = {
  'actor-affinity': () => 'the same change by somebody who makes such changes',
  burst: () => 'the same edit at the usual pace of this object',
  pace: () => 'the same edit at the usual pace of this object',
  'new-value': setTo,
  leap: setTo,
  'sensitive-field': () => 'an edit that leaves this field alone',
  structure: ({ path }) => `an edit that neither adds nor removes ${path === undefined ? 'a field' : fieldName(path)}`,
  fact: ({ path, usual }) =>
    path === undefined
      ? 'the same change without what is said here'
      : `the same change with ${fieldName(path)} ${usual === undefined ? 'not set' : `left at ${quote(usual)}`}`,
  'user-rule': () => 'a change that the rule does not describe',
  silence: () => 'a change by that time',
  'status-loop': () => 'a status that stays as it is for a while',
  'two-writers': () => 'the same edit left standing by the other writer',
  wave: () => 'the same change on as many objects as usual',
};

/** The reason with a counterfactual, where there is one to tell. */
export function withCounterfactual(reason: Reason): Reason {
  if (reason.counterfactual !== undefined) return reason;
  const counterfactual = counterfactualOf(reason);
  return counterfactual === undefined ? reason : { ...reason, counterfactual };
}

function counterfactualOf(reason: Reason): string | undefined {
  const { detector, usual } = reason;
  if (Object.hasOwn(ORDINARY, detector)) return ORDINARY[detector]?.(reason);
  // Readings of series: what is usual is the reading that would have been ordinary.
  return usual === undefined ? undefined : `a reading of about ${quote(usual)}`;
}

function setTo({ path, usual }: Told): string {
  const field = path === undefined ? 'the field' : fieldName(path);
  return usual === undefined ? `an edit that leaves ${field} alone` : `${field} at a value seen before, such as ${quote(usual)}`;
}
