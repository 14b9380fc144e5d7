import type { OutboxStore } from '../../src/respond/alert-outbox.ts';
import type { AlertRecord } from '../../src/store/store.ts';

/** The part of the store that the pusher uses, in memory; a second pusher on the same one is a restart. */
export class MemoryOutbox implements OutboxStore {
  readonly alerts = new Map<string, AlertRecord>();
  readonly state = new Map<string, string>();

  alertsActive(nowMs: number, keepMs: number): AlertRecord[] {
    return [...this.alerts.values()].filter((alert) => alert.endsMs > nowMs - keepMs).map((alert) => structuredClone(alert));
  }
  putAlert(alert: AlertRecord): void {
    this.alerts.set(alert.id, structuredClone(alert));
  }
  getState(key: string): string | undefined {
    return this.state.get(key);
  }
  putState(key: string, value: string): void {
    this.state.set(key, value);
  }
}
