/**
 * The alert that nothing can be recorded, or too little: the disk is full or read-only, or writes are refused most of the time. All other alerts lie in the
 * store, which is what fails here, so this one is kept in memory and laid beside those when Alertmanager is told what fires. It resolves by itself when
 * writing works again, and does not come and go where that does.
 */
import type { Clock } from '../domain/clock.ts';
import type { AlertRecord, Store } from '../store/store.ts';
import { alertId } from './alert.ts';
import type { OutboxStore } from './alert-outbox.ts';
import { LATELY_MS, Refusals, type Trouble } from './refusals.ts';

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
/** What was told to be full is not told to be writable for a moment; and where it was, and was full again soon, not before that would have shown. */
const KEEP_FIRING_MS = 15_000;
const KEEP_AGAIN_MS = LATELY_MS;
/** Announced for this long ahead; Crowsnest gone, it resolves by itself. */
const HOLD_MS = 900_000;
const LABELS = { alertname: 'CrowsnestStoreReadOnly', severity: 'critical', detector: 'store', generator: 'crowsnest' };
const ID = alertId(LABELS);

export function createStoreAlarm({ store, clock, externalUrl, wake }: StoreAlarmOptions): StoreAlarm {
  let firing: { startsMs: number; endedMs: number | undefined; how: Trouble['how']; keepMs: number } | undefined;
  const refusals = new Refusals(CHECK_MS);
  let calmSinceMs: number | undefined;

  /** The only place where it begins and ends. */
  const look = (): boolean => {
    const nowMs = clock.nowMs();
    const trouble = refusals.look(nowMs, store.readOnly);
    if (trouble !== undefined) calmSinceMs = undefined;
    // Set back, the clock counts from there.
    else if (calmSinceMs === undefined || nowMs < calmSinceMs) calmSinceMs = nowMs;
    if (firing?.endedMs !== undefined && nowMs < firing.endedMs) firing.endedMs = nowMs;
    const isFiring = firing !== undefined && firing.endedMs === undefined;
    if (trouble !== undefined && !isFiring) {
      const isAgain = firing?.endedMs !== undefined && nowMs - firing.endedMs < KEEP_AGAIN_MS;
      const keepMs = isAgain ? KEEP_AGAIN_MS : KEEP_FIRING_MS;
      firing = { startsMs: trouble.sinceMs, endedMs: undefined, how: trouble.how, keepMs };
      return true;
    }
    if (isFiring && trouble?.how === 'lasting' && firing?.how === 'often') {
      firing.how = 'lasting';
      return true;
    }
    if (!isFiring || firing === undefined || store.readOnly || calmSinceMs === undefined) return false;
    if (nowMs - calmSinceMs < firing.keepMs) return false;
    firing.endedMs = nowMs;
    return true;
  };

  const alertAt = (nowMs: number, keepMs: number): AlertRecord[] => {
    if (firing === undefined) return [];
    const endsMs = firing.endedMs ?? nowMs + HOLD_MS;
    if (endsMs <= nowMs - keepMs) return [];
    // Alertmanager takes none that begins after it ends, as one would where the clock was set back.
    return [alertOf({ ...firing, startsMs: Math.min(firing.startsMs, nowMs), endsMs }, externalUrl())];
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

const WORDS: Record<Trouble['how'], { summary: string; description: string }> = {
  lasting: {
    summary: 'Crowsnest cannot write its database, so it records and judges nothing.',
    description:
      'The disk is full or read-only, or nothing can be let go of under the cap. Nothing that was recorded is lost; watches wait where they are, and what the API server forgets meanwhile becomes a gap. Free space, make the volume writable or raise --db-max-bytes: recording goes on by itself.',
  },
  often: {
    summary: 'Crowsnest can write its database only now and then, so what it records and judges falls behind.',
    description:
      'Again and again, and for half of the last five minutes at least, writes were refused: the disk is all but full, or more comes than room can be made for under --db-max-bytes. Nothing that was recorded is lost; watches wait meanwhile, and what the API server forgets before they go on becomes a gap. Free space, raise --db-max-bytes, or exclude kinds that change without end.',
  },
};

function alertOf(
  { startsMs, endsMs, how }: { startsMs: number; endsMs: number; how: Trouble['how'] },
  externalUrl: string,
): AlertRecord {
  const link = `${externalUrl.replace(/\/$/, '')}/#/coverage`;
  return {
    id: ID,
    labels: LABELS,
    annotations: { ...WORDS[how], runbook_url: link },
    generatorURL: link,
    startsMs,
    endsMs,
    findingId: '',
  };
}
