/**
 * Learns who writes by being asked before each write. Starts the thread that answers, registers it with the API server for the kinds that
 * are watched, and hands over what it saw. States, of which `#state` is the only record:
 *
 *   starting    no certificate, thread or registration yet; tried again after a pause
 *   registered  the API server asks us
 *   idle        nothing to ask about: no kind is watched
 *   withdrawn   we took too long (p99 above the limit), so the configuration is gone; back after a pause
 *   refused     the API server does not let us register; the thread waits, and we try again after a pause
 *   stopped     the configuration is gone with us
 *
 * It never stands in the way: failurePolicy is Ignore, every answer allows, and it withdraws by itself.
 */
import { randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Clock } from '../../domain/clock.ts';
import type { Claim } from '../../domain/who/claim.ts';
import { type KubeClient, KubeStatusError } from '../../kube/kube-client.ts';
import { ADMISSION_CONFIGURATION } from '../../kube/rbac-rules.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { KindCoverage, Sink, Source } from '../source.ts';
import type { AdmissionCertificate } from './admission-certificate.ts';
import {
  type AdmissionAddress,
  admissionConfiguration,
  CONFIGURATION_PATH,
  namesOf,
  renewalMs,
} from './admission-configuration.ts';
import { AdmissionShared } from './admission-shared.ts';
import type { AdmissionNotice, AdmissionOrder, AdmissionThreadData } from './admission-thread.ts';

export type AdmissionState = 'starting' | 'registered' | 'idle' | 'withdrawn' | 'refused' | 'stopped';

export interface AdmissionWebhookOptions {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  listen: { host: string; port: number };
  address: AdmissionAddress;
  /** Of which writes are asked about. */
  coverage: () => KindCoverage[];
  status: boolean;
  ownNamespace: string | undefined;
  /** Only these namespaces; undefined: all. */
  namespaces: readonly string[] | undefined;
  timing?: Partial<AdmissionTiming>;
  limits?: AdmissionThreadData['limits'];
}

export interface AdmissionTiming {
  /** How often what the thread saw is handed over when no change comes that would fetch it. */
  deliverMs: number;
  /** How often kinds, latency and certificate are looked at. */
  lookMs: number;
  /** After a withdrawal. */
  pauseMs: number;
  /** The configuration is written again this often, in case somebody removed it. */
  renewMs: number;
  p99MaxMs: number;
  certificateMs: number;
  /** How long an API server may still know the former authority only. */
  propagationMs: number;
}

const TIMING: AdmissionTiming = {
  deliverMs: 250,
  lookMs: 1_000,
  pauseMs: 600_000,
  renewMs: 600_000,
  p99MaxMs: 100,
  certificateMs: 90 * 86_400_000,
  propagationMs: 15_000,
};
/** Fewer say nothing about a 99th percentile. */
const SAMPLES_MIN = 50;
const QUEUE_MAX = 10_000;
const DRAIN_MAX = 5_000;
const THREAD_HEAP_MB = 160;
/** How soon we ask again when we may not register: somebody may just be granting it. */
const REFUSED_MS = 10_000;

export class AdmissionWebhook implements Source {
  readonly name = 'admission webhook';
  readonly shared = new AdmissionShared();
  readonly #options: AdmissionWebhookOptions;
  readonly #timing: AdmissionTiming;
  /** Our end of the queue. A thread that began anew has a new one. */
  #claims: MessagePort | undefined;
  readonly #path = `/admission/${randomBytes(24).toString('base64url')}`;
  #state: AdmissionState = 'starting';
  #detail = 'starting';
  #withdrawals = 0;
  #worker: Worker | undefined;
  #certificate: AdmissionCertificate | undefined;
  /** The authority of the certificate to come, which API servers learn first. */
  #coming: string | undefined;
  /** Of a thread that ended. */
  #left: Claim[] = [];
  /** Our configuration may be with the API server, also after a request of which no answer came. */
  #mayExist = false;
  #registered = '';
  #registeredMs = 0;
  #againMs = 0;

  constructor(options: AdmissionWebhookOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
  }

  get cluster(): string {
    return this.#options.client.cluster;
  }

  get state(): AdmissionState {
    return this.#state;
  }

  /** In words, for people. */
  get detail(): string {
    return this.#detail;
  }

  get withdrawals(): number {
    return this.#withdrawals;
  }

  /** Where the thread listens; undefined until it does. */
  port: number | undefined;

  /** What the thread saw by now. Before it answered, and so before any watch could tell of the write, the claim was here. */
  drain(): Claim[] {
    const claims = this.#left.splice(0);
    while (this.#claims !== undefined && claims.length < DRAIN_MAX) {
      const message = receiveMessageOnPort(this.#claims) as { message: Claim } | undefined;
      if (message === undefined) break;
      this.shared.taken();
      claims.push(message.message);
    }
    return claims;
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let lookedMs = Number.NEGATIVE_INFINITY;
    try {
      while (!signal.aborted) {
        if (clock.nowMs() - lookedMs >= this.#timing.lookMs) {
          await this.#look(signal);
          lookedMs = clock.nowMs();
        }
        // An empty batch makes ingest fetch what waits.
        if (this.shared.queued() > 0) await sink({ observations: [] });
        await clock.sleep(this.#timing.deliverMs, signal).catch(() => {});
      }
    } finally {
      await this.#stop();
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    if (this.#worker === undefined && clock.nowMs() < this.#againMs) return;
    try {
      if (this.#worker === undefined) await this.#startThread();
      await this.#renewCertificate(signal);
      const { samples, p99Ms, delayMs } = this.shared.times();
      // Both waits are the API server's.
      const waitMs = p99Ms + delayMs;
      if (this.#state === 'registered' && samples >= SAMPLES_MIN && waitMs > this.#timing.p99MaxMs) {
        await this.#withdraw(`the 99th percentile of answers was ${Math.round(waitMs)} ms`);
      } else if ((this.#state !== 'withdrawn' && this.#state !== 'refused') || clock.nowMs() >= this.#againMs)
        await this.#register();
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      const refused = error instanceof KubeStatusError && error.status === 403;
      if (this.#detail !== reason) logger.warn({ reason }, 'the admission webhook cannot be registered');
      this.#set(refused ? 'refused' : 'starting', reason);
      this.#registered = '';
      this.#againMs = clock.nowMs() + Math.min(REFUSED_MS, this.#timing.pauseMs);
    }
  }

  async #startThread(): Promise<void> {
    const { client, clock, listen, limits, logger } = this.#options;
    this.#certificate = await this.#newCertificate(clock.nowMs());
    const { cert, key } = this.#certificate;
    this.#left = this.drain();
    this.#claims?.close();
    this.shared.emptied();
    const { port1, port2 } = new MessageChannel();
    this.#claims = port1;
    // What is queued is fetched, not announced, and keeps no process alive.
    port1.unref();
    const data: AdmissionThreadData = {
      ...{ cluster: client.cluster, path: this.#path, ...listen, shared: this.shared.buffer, queueMax: QUEUE_MAX },
      ...{ tls: { cert, key }, claims: port2, ...(limits === undefined ? {} : { limits }) },
    };
    const worker = new Worker(new URL('./admission-thread.ts', import.meta.url), {
      workerData: data,
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    });
    this.#worker = worker;
    this.port = await new Promise<number>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the admission thread ended with code ${code}`)));
      worker.on('message', (notice: AdmissionNotice) => {
        if (notice.type === 'listening') resolve(notice.port);
        else reject(new Error(notice.message));
      });
    }).catch(async (error: unknown) => {
      this.#worker = undefined;
      await worker.terminate();
      throw error;
    });
    const left = (why: string) => {
      if (this.#worker !== worker || this.#state === 'stopped') return;
      this.#worker = undefined;
      this.#set('starting', `the thread ended: ${why}`);
      logger.error({ why }, 'the admission thread ended and begins anew');
    };
    worker.on('error', (error) => left(error instanceof Error ? error.message : String(error)));
    worker.on('exit', (code) => left(`code ${code}`));
  }

  async #newCertificate(nowMs: number): Promise<AdmissionCertificate> {
    // A large package, wanted by few.
    const { createAdmissionCertificate } = await import('./admission-certificate.ts');
    return createAdmissionCertificate(namesOf(this.#options.address), nowMs, this.#timing.certificateMs);
  }

  /** First the API servers learn both authorities, then the thread changes its certificate, then the former authority goes. */
  async #renewCertificate(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const known = this.#certificate;
    if (known === undefined || clock.nowMs() < renewalMs(known.cert)) return;
    const next = await this.#newCertificate(clock.nowMs());
    this.#coming = next.authority;
    if (this.#state === 'registered') {
      await this.#register();
      await clock.sleep(this.#timing.propagationMs, signal);
    }
    this.#certificate = next;
    this.#coming = undefined;
    this.#order({ type: 'certificate', tls: { cert: next.cert, key: next.key } });
    logger.info('the certificate of the admission webhook was renewed');
  }

  async #register(): Promise<void> {
    const { client, clock, coverage, status, ownNamespace, namespaces, address, logger } = this.#options;
    const authorities = [this.#certificate?.authority, this.#coming].filter((pem) => pem !== undefined);
    const kinds = coverage().filter(({ state }) => state !== 'gone' && state !== 'forbidden' && state !== 'excluded');
    const body = admissionConfiguration({ address, path: this.#path, authorities, kinds, status, ownNamespace, namespaces });
    if (body === undefined) {
      if (this.#mayExist) await this.#remove();
      this.#set('idle', 'no kind is watched yet');
      return;
    }
    const text = JSON.stringify(body);
    const isFresh = clock.nowMs() - this.#registeredMs < this.#timing.renewMs;
    if (this.#state === 'registered' && text === this.#registered && isFresh) return;
    this.#mayExist = true;
    await client.request('PATCH', CONFIGURATION_PATH, {
      query: { fieldManager: 'crowsnest', force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body,
    });
    if (this.#state !== 'registered')
      logger.info({ configuration: ADMISSION_CONFIGURATION }, 'the admission webhook is registered');
    this.#registered = text;
    this.#registeredMs = clock.nowMs();
    this.#set('registered', `${kinds.length} kinds`);
  }

  async #withdraw(why: string): Promise<void> {
    const { clock, logger } = this.#options;
    await this.#remove();
    this.#withdrawals += 1;
    this.#againMs = clock.nowMs() + this.#timing.pauseMs;
    logger.warn({ why, pauseMs: this.#timing.pauseMs }, 'the admission webhook withdrew, so that writes do not wait for it');
    this.#set('withdrawn', `${why}; who writes is told by audit and managedFields until it is registered again`);
  }

  async #remove(): Promise<void> {
    this.#registered = '';
    try {
      await this.#options.client.request('DELETE', CONFIGURATION_PATH);
    } catch (error) {
      if (!(error instanceof KubeStatusError) || error.status !== 404) throw error;
    }
    this.#mayExist = false;
  }

  async #stop(): Promise<void> {
    if (this.#mayExist && this.#state !== 'refused')
      await this.#remove().catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        const todo = `kubectl delete validatingwebhookconfiguration ${ADMISSION_CONFIGURATION}`;
        this.#options.logger.warn({ reason, todo }, 'the admission webhook could not be withdrawn; remove it by hand');
      });
    this.#set('stopped', 'stopped');
    const worker = this.#worker;
    if (worker !== undefined) {
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      this.#order({ type: 'stop' });
      await ended;
    }
    this.#claims?.close();
  }

  #order(order: AdmissionOrder): void {
    this.#worker?.postMessage(order);
  }

  #set(state: AdmissionState, detail: string): void {
    this.#state = state;
    this.#detail = detail;
  }
}
