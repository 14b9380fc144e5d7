/**
 * The alerts that Alertmanager should know about now, read from the store. The store is the outbox: an alert that cannot be delivered stays
 * in it. This module adds one promise to that: an alert that nobody has taken yet does not resolve. Its hold is prolonged until a peer has
 * taken it and for a grace after that, so that a pager's group_wait cannot swallow it; a restart remembers which ones these are.
 */
import type { Clock } from '../domain/clock.ts';
import type { AlertRecord, Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';

const UNDELIVERED_STATE = 'alertmanager.undelivered';
const REJECTED_STATE = 'alertmanager.rejected';
/** How long after its start an alert that nobody took is kept firing. */
const UNDELIVERED_MS_MAX = 24 * 3_600_000;
const GRACE_MS = 300_000;
const REJECTED_KEPT = 50;

export interface RejectedAlert {
  id: string;
  findingId: string;
  peer: string;
  message: string;
  atMs: number;
}

export type OutboxStore = Pick<Store, 'alertsActive' | 'putAlert' | 'getState' | 'putState'>;

export class AlertOutbox {
  readonly #store: OutboxStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #keepResolvedMs: number;
  /** Ids whose delivery failed everywhere so far. */
  readonly #undelivered: Set<string>;
  /** Opening of an alert (id and start) → taken by a peer. Entries go when the alert is forgotten. */
  readonly #taken = new Set<string>();
  #rejected: RejectedAlert[];

  constructor(options: { store: OutboxStore; clock: Clock; logger: Logger; keepResolvedMs: number }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#keepResolvedMs = options.keepResolvedMs;
    this.#undelivered = new Set(listOf<string>(options.store.getState(UNDELIVERED_STATE)));
    this.#rejected = listOf<RejectedAlert>(options.store.getState(REJECTED_STATE));
  }

  /** Firing alerts, and resolved ones still to be repeated. */
  active(): AlertRecord[] {
    const nowMs = this.#clock.nowMs();
    // Undelivered ones may have resolved while the process was down.
    const keepMs = this.#undelivered.size > 0 ? UNDELIVERED_MS_MAX : this.#keepResolvedMs;
    const alerts: AlertRecord[] = [];
    const known = new Set<string>();
    for (const alert of this.#store.alertsActive(nowMs, keepMs)) {
      const current = this.#undelivered.has(alert.id) ? this.#prolong(alert, nowMs) : alert;
      if (current.endsMs <= nowMs - this.#keepResolvedMs) continue;
      alerts.push(current);
      known.add(alert.id).add(openingOf(alert));
    }
    for (const opening of this.#taken) if (!known.has(opening)) this.#taken.delete(opening);
    this.#forget([...this.#undelivered].filter((id) => !known.has(id)));
    return alerts;
  }

  /** A peer took these. */
  taken(alerts: readonly AlertRecord[]): void {
    for (const alert of alerts) this.#taken.add(openingOf(alert));
    const late = alerts.filter((alert) => this.#undelivered.has(alert.id));
    for (const alert of late) this.#prolong(alert, this.#clock.nowMs());
    this.#forget(late.map((alert) => alert.id));
  }

  /** A peer could not be asked. */
  missed(alerts: readonly AlertRecord[]): void {
    const nowMs = this.#clock.nowMs();
    const before = this.#undelivered.size;
    for (const alert of alerts) if (alert.endsMs > nowMs && !this.#taken.has(openingOf(alert))) this.#undelivered.add(alert.id);
    if (this.#undelivered.size > before) this.#put(UNDELIVERED_STATE, [...this.#undelivered]);
  }

  /** A peer finds this one invalid: it will not be waited for, and the record says so. */
  rejected(alert: AlertRecord, peer: string, message: string): void {
    const entry = { id: alert.id, findingId: alert.findingId, peer, message, atMs: this.#clock.nowMs() };
    this.#rejected = [entry, ...this.#rejected.filter((old) => old.id !== alert.id || old.peer !== peer)].slice(0, REJECTED_KEPT);
    this.#put(REJECTED_STATE, this.#rejected);
    this.#forget([alert.id]);
  }

  /** The newest rejected alerts, newest first. */
  rejections(): readonly RejectedAlert[] {
    return this.#rejected;
  }

  #prolong(alert: AlertRecord, nowMs: number): AlertRecord {
    // Half the grace between two writes is plenty.
    if (alert.endsMs - nowMs > GRACE_MS / 2 || nowMs - alert.startsMs > UNDELIVERED_MS_MAX) return alert;
    const prolonged = { ...alert, endsMs: nowMs + GRACE_MS };
    this.#write(() => this.#store.putAlert(prolonged));
    return prolonged;
  }

  #forget(ids: readonly string[]): void {
    const gone = ids.filter((id) => this.#undelivered.delete(id));
    if (gone.length > 0) this.#put(UNDELIVERED_STATE, [...this.#undelivered]);
  }

  #put(key: string, value: unknown): void {
    this.#write(() => this.#store.putState(key, JSON.stringify(value)));
  }

  /** A full disk must not stop alerts from going out; what is lost is only memory of deliveries. */
  #write(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#logger.warn({ err: error }, 'the state of alert delivery could not be stored');
    }
  }
}

/** One firing of an alert: the same labels may fire again later. */
export function openingOf(alert: Pick<AlertRecord, 'id' | 'startsMs'>): string {
  return `${alert.id} ${alert.startsMs}`;
}

function listOf<T>(saved: string | undefined): T[] {
  return saved === undefined ? [] : (JSON.parse(saved) as T[]);
}
