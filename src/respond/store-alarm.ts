/**
 * The alert that nothing can be recorded: the disk is full or read-only. All other alerts lie in the store, which is what fails here, so this one
 * is kept in memory and laid beside those when Alertmanager is told what fires. It resolves by itself when a write succeeds again.
 */
import type { Clock } from '../domain/clock.ts';
import type { AlertRecord, Store } from '../store/store.ts';
import { alertId } from './alert.ts';
import type { OutboxStore } from './alert-outbox.ts';

export interface StoreAlarmOptions {
  store: OutboxStore & Pick<Store, 'readOnly'>;
  clock: Clock;
  externalUrl: () => string;
  /** Called when it fires or resolves: wakes the senders. */
  wake: () => void;
}

export interface StoreAlarm {
  /** The store with this alert among its own. */
  readonly outbox: OutboxStore;
  /** Looks whether writing works, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const CHECK_MS = 1_000;
/** A disk that is full stays full; under a cap that is made room for, a flood finds none for some seconds, time and again. */
const FOR_MS = 10_000;
/** And one that was told to be full is not told to be writable for a moment. */
const KEEP_FIRING_MS = 15_000;
/** Announced for this long ahead; Crowsnest gone, it resolves by itself. */
const HOLD_MS = 900_000;
const LABELS = { alertname: 'CrowsnestStoreReadOnly', severity: 'critical', detector: 'store', generator: 'crowsnest' };
const ID = alertId(LABELS);

export function createStoreAlarm({ store, clock, externalUrl, wake }: StoreAlarmOptions): StoreAlarm {
  let firing: { startsMs: number; endedMs: number | undefined } | undefined;
  /** Since when each look found the same. */
  let same = { readOnly: false, sinceMs: clock.nowMs() };

  /** The only place where it begins and ends. */
  const look = (): boolean => {
    const nowMs = clock.nowMs();
    const { readOnly } = store;
    // Set back, the clock counts from there.
    if (readOnly !== same.readOnly || nowMs < same.sinceMs) same = { readOnly, sinceMs: nowMs };
    const isFiring = firing !== undefined && firing.endedMs === undefined;
    if (readOnly === isFiring || nowMs - same.sinceMs < (readOnly ? FOR_MS : KEEP_FIRING_MS)) return false;
    if (readOnly) firing = { startsMs: same.sinceMs, endedMs: undefined };
    else if (firing !== undefined) firing.endedMs = nowMs;
    return true;
  };

  const alertAt = (nowMs: number, keepMs: number): AlertRecord[] => {
    if (firing === undefined) return [];
    const endsMs = firing.endedMs ?? nowMs + HOLD_MS;
    if (endsMs <= nowMs - keepMs) return [];
    return [alertOf(firing.startsMs, endsMs, externalUrl())];
  };

  return {
    outbox: {
      getState: (key) => store.getState(key),
      putState: (key, value) => store.putState(key, value),
      alertsActive: (nowMs, keepMs) => [...store.alertsActive(nowMs, keepMs), ...alertAt(nowMs, keepMs)],
      putAlert: (alert) => {
        if (alert.id !== ID) store.putAlert(alert);
      },
    },
    async run(signal) {
      while (!signal.aborted) {
        if (look()) wake();
        await clock.sleep(CHECK_MS, signal).catch(() => undefined);
      }
    },
  };
}

function alertOf(startsMs: number, endsMs: number, externalUrl: string): AlertRecord {
  const link = `${externalUrl.replace(/\/$/, '')}/#/coverage`;
  return {
    id: ID,
    labels: LABELS,
    annotations: {
      summary: 'Crowsnest cannot write its database, so it records and judges nothing.',
      description:
        'The disk is full or read-only. Nothing that was recorded is lost; watches wait where they are, and what the API server forgets meanwhile becomes a gap. Free space or make the volume writable: recording goes on by itself.',
      runbook_url: link,
    },
    generatorURL: link,
    startsMs,
    endsMs,
    findingId: '',
  };
}
