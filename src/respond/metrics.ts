import { Counter, Gauge, type Registry } from 'prom-client';
import type { EffectRecord } from '../store/store.ts';

export const SEND_RESULTS = ['accepted', 'rejected', 'failed'] as const;

export interface AlertMetrics {
  sent(result: (typeof SEND_RESULTS)[number], count: number): void;
  firing(count: number): void;
  up(peer: number, up: boolean): void;
}

/** Metrics of the pushes; peers go by their position in the configuration, which is few. Without a registry they count for nobody. */
export function createAlertMetrics(registry: Registry | undefined, peers: number): AlertMetrics {
  const registers = registry === undefined ? [] : [registry];
  const sent = new Counter({
    name: 'crowsnest_alerts_sent_total',
    help: 'Alerts sent to Alertmanager peers, repeats included, by what became of them.',
    labelNames: ['result'],
    registers,
  });
  const firing = new Gauge({ name: 'crowsnest_alerts_firing', help: 'Alerts firing now.', registers });
  const up = new Gauge({
    name: 'crowsnest_alertmanager_up',
    help: '1 while the last exchange with the Alertmanager peer succeeded.',
    labelNames: ['peer'],
    registers,
  });
  for (const result of SEND_RESULTS) sent.inc({ result }, 0);
  for (let peer = 0; peer < peers; peer++) up.set({ peer: String(peer) }, 0);
  return {
    sent: (result, count) => sent.inc({ result }, count),
    firing: (count) => firing.set(count),
    up: (peer, isUp) => up.set({ peer: String(peer) }, isUp ? 1 : 0),
  };
}

const MARK_TYPES: readonly EffectRecord['type'][] = ['event', 'annotate'];
const MARK_RESULTS: readonly EffectRecord['state'][] = ['done', 'pending', 'failed'];

/** Counts attempts to mark an object; `pending` is one that will be repeated. */
export function createMarkCounter(
  registry: Registry | undefined,
): (type: EffectRecord['type'], result: EffectRecord['state']) => void {
  const counter = new Counter({
    name: 'crowsnest_marks_total',
    help: 'Attempts to mark an object in its cluster, by type and what became of them.',
    labelNames: ['type', 'result'],
    registers: registry === undefined ? [] : [registry],
  });
  for (const type of MARK_TYPES) for (const result of MARK_RESULTS) counter.inc({ type, result }, 0);
  return (type, result) => counter.inc({ type, result });
}
