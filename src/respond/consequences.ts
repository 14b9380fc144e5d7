import type { Change } from '../domain/change.ts';
import type { Clock } from '../domain/clock.ts';
import type { Finding } from '../domain/finding.ts';
import type { AlertRecord, EffectRecord, Store } from '../store/store.ts';
import { alertsFor } from './alert.ts';
import { type Allow, effectsFor } from './effects.ts';

export interface ConsequencesOptions {
  store: Pick<Store, 'alertsActive'>;
  clock: Clock;
  /** Base of links; asked at each finding, as it is known only once the API listens. */
  externalUrl: () => string;
  holdMs: number;
  allow: Allow;
}

/**
 * What follows from a finding: alerts to open, prolong or resolve, and marks to set. Alerts that fire are kept at hand, because every member
 * of an open episode prolongs its alert and a hot loop has many a second.
 */
export function createConsequences(
  options: ConsequencesOptions,
): (finding: Finding, change?: Change) => { alerts: AlertRecord[]; effects: EffectRecord[] } {
  const { clock, holdMs, allow } = options;
  const firing = new Map(options.store.alertsActive(clock.nowMs(), 0).map((alert) => [alert.id, alert]));
  return (finding, change) => {
    const wallNowMs = clock.nowMs();
    for (const [id, alert] of firing) if (alert.endsMs <= wallNowMs) firing.delete(id);
    if (finding.decision.verdict === 'record' && firing.size === 0) return { alerts: [], effects: [] };
    const alerts = alertsFor(finding, [...firing.values()], { externalUrl: options.externalUrl(), wallNowMs, holdMs, change });
    for (const alert of alerts) firing.set(alert.id, alert);
    return { alerts, effects: effectsFor(finding, allow) };
  };
}
