/**
 * Combination of dependent tail probabilities: the weighted harmonic mean, which agrees with the weighted Cauchy combination in the
 * far tail and so stays valid under any dependence there (Wilson 2019; Liu and Xie 2020). One strong reason is enough; several add up.
 */
import type { Severity } from '../../domain/finding.ts';

/** Share of the false-alarm budget per detector; chosen on incidents planted in nine clusters and on the streams ops-a and ops-c, see docs/benchmarks-history.md. */
export const WEIGHTS: Record<string, number> = {
  'actor-affinity': 2,
  'stable-field': 2,
  structure: 0.1,
  'new-value': 0.5,
  'new-origin': 0.5,
  leap: 3,
  'hour-of-week': 3,
  burst: 0.06,
  pace: 0.03,
  'mass-delete': 5,
  wave: 0.05,
  'co-change': 5,
  company: 3,
  drift: 2,
  fact: 2.5,
  'sensitive-field': 0.25,
  'two-writers': 2,
  'hand-edit': 1,
  sequence: 0.2,
  silence: 8,
  'status-loop': 0.5,
  'user-rule': 1,
};

/** How much a finding of this detector usually matters, facts and rules aside, which bring their own. */
export const IMPACT: Record<string, Severity> = {
  'mass-delete': 'critical',
  structure: 'info',
  pace: 'info',
  'hour-of-week': 'warning',
};

/** -log10 of the combined tail probability; 0 where nothing spoke. */
export function combine(parts: readonly { weight: number; p: number }[]): number {
  let sum = 0;
  for (const { weight, p } of parts) sum += weight / Math.max(p, 1e-30);
  return sum <= 1 ? 0 : Math.log10(sum);
}
