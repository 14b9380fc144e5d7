/**
 * Pushes alerts to every Alertmanager, each on its own: a peer that is down or slow delays nobody else.
 *
 * A peer is in one of two modes. `steady`: whatever is due goes out at once when woken, else when the next resend or resolve falls due.
 * `backing off`, after an answer that says nothing about the alerts (refused, timeout, 5xx, …): nothing goes out until the delay is over,
 * which doubles up to half a minute. What a peer has been told is known in memory only; after a restart all that is active is told again, which
 * Alertmanager merges.
 */
import type { Registry } from 'prom-client';
import type { Clock } from '../domain/clock.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import type { AlertRecord } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { AlertOutbox, type OutboxStore, openingOf, type RejectedAlert } from './alert-outbox.ts';
import { type AlertmanagerAuth, type AlertmanagerPeer, createAlertmanagerPeer, postableOf } from './alertmanager-peer.ts';
import { type AlertMetrics, createAlertMetrics } from './metrics.ts';
import { Wakeup } from './wakeup.ts';

export interface AlertmanagerPusherOptions {
  /** Every Alertmanager peer, never a load balancer in front of them. */
  urls: readonly string[];
  store: OutboxStore;
  clock: Clock;
  logger: Logger;
  registry?: Registry;
  auth?: AlertmanagerAuth | undefined;
  /** How often a firing alert is repeated; default 60 s. A firing alert is announced for four of these. */
  resendMs?: number;
  /** How long a resolved alert is repeated; default 15 min. */
  keepResolvedMs?: number;
  /** Of one request; default 10 s. */
  timeoutMs?: number;
}

export interface AlertmanagerPusher {
  /** There may be something new in the store: send it now. */
  wake(): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Alerts that a peer called invalid, newest first. */
  rejections(): readonly RejectedAlert[];
}

const BATCH_MAX = 64;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
/** A firing alert whose annotations moved is told again no sooner than this: a hot loop moves them many times a second. */
const UPDATE_MS_MIN = 5_000;
/** A rejected alert is offered again now and then; it may have been a proxy that answered. */
const REJECTED_RESENDS = 5;

export function createAlertmanagerPusher(options: AlertmanagerPusherOptions): AlertmanagerPusher {
  const { store, clock, logger, resendMs = 60_000, keepResolvedMs = 900_000, timeoutMs = 10_000 } = options;
  const outbox = new AlertOutbox({ store, clock, logger, keepResolvedMs });
  const metrics = createAlertMetrics(options.registry, options.urls.length);
  const wakeups = options.urls.map(() => new Wakeup());
  return {
    wake() {
      for (const wakeup of wakeups) wakeup.wake();
    },
    async run(signal) {
      const loops = options.urls.map(async (url, index) => {
        const peer = createAlertmanagerPeer({ url, auth: options.auth, timeoutMs });
        const wakeup = wakeups[index] as Wakeup;
        try {
          await new PeerLoop({ peer, index, wakeup, outbox, metrics, clock, logger, resendMs }).run(signal);
        } finally {
          await peer.close();
        }
      });
      await Promise.all(loops);
    },
    rejections: () => outbox.rejections(),
  };
}

interface PeerLoopOptions {
  peer: AlertmanagerPeer;
  index: number;
  wakeup: Wakeup;
  outbox: AlertOutbox;
  metrics: AlertMetrics;
  clock: Clock;
  logger: Logger;
  resendMs: number;
}

/** What a peer was last told about an alert. */
interface Told {
  atMs: number;
  opening: string;
  resolved: boolean;
  annotations: string;
  rejected: boolean;
}

class PeerLoop {
  readonly #options: PeerLoopOptions;
  readonly #told = new Map<string, Told>();
  #failures = 0;

  constructor(options: PeerLoopOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { wakeup, clock } = this.#options;
    while (!signal.aborted) {
      const failure = await this.#sendDue(signal).catch((error: unknown) => {
        if (!isCrowsnestError(error)) throw error;
        return error.message;
      });
      if (signal.aborted) return;
      if (failure === undefined) {
        await wakeup.wait(this.#msToNext(), clock, signal);
      } else {
        const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.#failures, 16));
        this.#fail(failure, delayMs);
        await clock.sleep(delayMs, signal).catch(() => undefined);
      }
    }
  }

  /** Sends all that is due; the message of the failure that ended it, or undefined. */
  async #sendDue(signal: AbortSignal): Promise<string | undefined> {
    const { outbox, metrics, clock } = this.#options;
    const nowMs = clock.nowMs();
    const active = outbox.active();
    metrics.firing(active.filter((alert) => alert.endsMs > nowMs).length);
    const ids = new Set(active.map((alert) => alert.id));
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id);
    const due = active.filter((alert) => this.#dueMs(alert, nowMs) <= nowMs);
    const suspects = due.filter((alert) => this.#told.get(alert.id)?.rejected === true);
    const sound = due.filter((alert) => !suspects.includes(alert));
    // What was called invalid before travels alone, so that it does not cost its neighbours another round.
    const batches = [...batchesOf(sound), ...suspects.map((alert) => [alert])];
    for (const batch of batches) {
      const failure = await this.#send(batch, signal);
      if (failure === undefined) continue;
      outbox.missed(due);
      return failure;
    }
    return undefined;
  }

  /** Posts a batch; halves it as long as something in it is invalid. */
  async #send(batch: readonly AlertRecord[], signal: AbortSignal): Promise<string | undefined> {
    const { peer, outbox, metrics, clock, logger, resendMs } = this.#options;
    const nowMs = clock.nowMs();
    const result = await peer.post(
      batch.map((alert) => postableOf(alert, nowMs, 4 * resendMs)),
      signal,
    );
    if (result.type === 'unavailable') {
      if (!signal.aborted) metrics.sent('failed', batch.length);
      return result.message;
    }
    this.#recover();
    if (result.type === 'invalid' && batch.length > 1) {
      const half = Math.ceil(batch.length / 2);
      return (await this.#send(batch.slice(0, half), signal)) ?? (await this.#send(batch.slice(half), signal));
    }
    const rejected = result.type === 'invalid';
    metrics.sent(rejected ? 'rejected' : 'accepted', batch.length);
    for (const alert of batch) {
      if (rejected && this.#told.get(alert.id)?.rejected !== true) {
        const fields = {
          code: 'ALERTMANAGER_REJECTED',
          peer: peer.name,
          alert: alert.id,
          finding: alert.findingId,
          answer: result.message,
        };
        logger.warn(fields, 'Alertmanager calls an alert invalid; the finding stays in the record');
        outbox.rejected(alert, peer.name, result.message);
      }
      this.#told.set(alert.id, toldOf(alert, nowMs, rejected));
    }
    if (!rejected) outbox.taken(batch);
    return undefined;
  }

  /** When the peer has to hear of the alert (again). */
  #dueMs(alert: AlertRecord, nowMs: number): number {
    const told = this.#told.get(alert.id);
    // Told in the future: the clock was set back, and waiting for it to come round again would let a firing alert lapse.
    if (told === undefined || told.atMs > nowMs) return nowMs;
    if (told.rejected) return told.atMs + REJECTED_RESENDS * this.#options.resendMs;
    if (told.opening !== openingOf(alert) || told.resolved !== alert.endsMs <= nowMs) return nowMs;
    return told.atMs + (told.annotations === annotationsKey(alert) ? this.#options.resendMs : UPDATE_MS_MIN);
  }

  #msToNext(): number {
    const { outbox, clock, resendMs } = this.#options;
    const nowMs = clock.nowMs();
    let nextMs = nowMs + resendMs;
    for (const alert of outbox.active()) {
      nextMs = Math.min(nextMs, this.#dueMs(alert, nowMs), alert.endsMs > nowMs ? alert.endsMs : Infinity);
    }
    return nextMs - nowMs;
  }

  /** It has answered; not having had anything to say is no news. */
  #recover(): void {
    const { peer, index, metrics, logger } = this.#options;
    if (this.#failures > 0) logger.info({ peer: peer.name, failures: this.#failures }, 'Alertmanager answers again');
    this.#failures = 0;
    metrics.up(index, true);
  }

  #fail(message: string, delayMs: number): void {
    const { peer, index, metrics, logger } = this.#options;
    this.#failures += 1;
    metrics.up(index, false);
    const fields = {
      code: 'ALERTMANAGER_UNREACHABLE',
      peer: peer.name,
      answer: message,
      failures: this.#failures,
      retryMs: delayMs,
    };
    // Once per outage is enough to read; the metric tells how long it lasts.
    if (this.#failures === 1) logger.warn(fields, 'Alertmanager does not take alerts; they stay in the outbox');
    else logger.debug(fields, 'Alertmanager still does not take alerts');
  }
}

function toldOf(alert: AlertRecord, atMs: number, rejected: boolean): Told {
  return { atMs, opening: openingOf(alert), resolved: alert.endsMs <= atMs, annotations: annotationsKey(alert), rejected };
}

function annotationsKey(alert: AlertRecord): string {
  return JSON.stringify(alert.annotations);
}

function batchesOf(alerts: readonly AlertRecord[]): AlertRecord[][] {
  const batches: AlertRecord[][] = [];
  for (let i = 0; i < alerts.length; i += BATCH_MAX) batches.push(alerts.slice(i, i + BATCH_MAX));
  return batches;
}
