/**
 * Proves the way from a write in the cluster to the record, end to end: a Lease of our own is renewed every minute, and has to come back through
 * a watch and be durable. Watches can look alive and tell nothing; this cannot. Renewals of a lease are heartbeats for the record, so the
 * canary costs a count a minute and no change.
 *
 *   waiting ──came back──> seen ──not back in time, not written──> missing ──came back──> seen
 */
import type { Clock } from '../../domain/clock.ts';
import { isJsonObject } from '../../domain/json.ts';
import { CANARY_LEASE, FIELD_MANAGER } from '../../domain/who/own-writes.ts';
import { type KubeClient, KubeStatusError } from '../../kube/kube-client.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CanaryStatus, Sink, Source, SourceBatch } from '../source.ts';
import type { CanaryMetrics } from './canary-metrics.ts';
import type { PlannedKind } from './kind-plan.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

export interface CanaryOptions extends Pick<ReflectorOptions, 'known' | 'cursors' | 'timing'> {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  /** Where the lease is kept. */
  namespace: string;
  metrics: CanaryMetrics;
  /** How often it is renewed; default 60 s. */
  everyMs?: number | undefined;
  /** How long a renewal may take to come back; default 20 s. */
  missMs?: number | undefined;
}

export interface Canary extends Source {
  status(): CanaryStatus;
}

const LEASES: PlannedKind = {
  ...{ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true },
  // By name alone, so that a right on this one lease is enough.
  fieldSelector: `metadata.name=${CANARY_LEASE}`,
};

export function createCanary(options: CanaryOptions): Canary {
  return new LeaseCanary(options);
}

const AWAITED_MAX = 60;

class LeaseCanary implements Canary {
  readonly name: string;
  readonly #options: CanaryOptions;
  readonly #missMs: number;
  #seen: { atMs: number; latencyMs: number | undefined } | undefined;
  /** Renewals that are to come back, oldest first: renewTime → when it was written. */
  readonly #awaited = new Map<string, number>();
  #refusal: { reason: string; sinceMs: number } | undefined;

  constructor(options: CanaryOptions) {
    this.name = `canary of ${options.client.cluster}`;
    this.#options = options;
    this.#missMs = options.missMs ?? 20_000;
    options.metrics.watch(() => this.status());
  }

  status(): CanaryStatus {
    const nowMs = this.#options.clock.nowMs();
    const seen = this.#seen;
    const last = seen === undefined ? {} : { lastSeenMs: seen.atMs };
    const latency = seen?.latencyMs === undefined ? {} : { latencyMs: seen.latencyMs };
    if (this.#refusal !== undefined) return { state: 'missing', ...this.#refusal, ...last, ...latency };
    const [writtenMs = nowMs] = this.#awaited.values();
    if (nowMs - writtenMs > this.#missMs)
      return { state: 'missing', sinceMs: writtenMs, reason: lateReason(nowMs - writtenMs), ...last, ...latency };
    return { state: seen === undefined ? 'waiting' : 'seen', sinceMs: seen?.atMs ?? nowMs, ...last, ...latency };
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { client, clock, logger, known, cursors, timing, namespace } = this.#options;
    // Written once before anybody looks, so that the record knows the lease as one that was there.
    await this.#renew(signal);
    const reflector = new Reflector({ client, clock, logger, known, cursors, timing, namespace, kind: LEASES, parsesAll: true });
    await Promise.all([this.#keepRenewing(signal), reflector.run((batch) => this.#pass(batch, sink), signal)]);
  }

  async #keepRenewing(signal: AbortSignal): Promise<void> {
    const { clock, everyMs = 60_000 } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => {});
      if (!signal.aborted) await this.#renew(signal);
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { client, clock, logger, namespace } = this.#options;
    const writtenMs = clock.nowMs();
    const renewTime = new Date(writtenMs).toISOString().replace('Z', '000Z');
    // The oldest tells since when nothing came back; beyond an hour of them the number tells no more.
    if (this.#awaited.size < AWAITED_MAX) this.#awaited.set(renewTime, writtenMs);
    const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases/${CANARY_LEASE}`;
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: CANARY_LEASE, namespace },
      spec: { holderIdentity: FIELD_MANAGER, renewTime },
    };
    const query = { fieldManager: FIELD_MANAGER, force: 'true' };
    try {
      await client.request('PATCH', path, { query, body, contentType: 'application/apply-patch+yaml', signal });
      this.#refusal = undefined;
    } catch (error) {
      if (signal.aborted) return;
      this.#awaited.delete(renewTime);
      const reason = refusalOf(error, namespace);
      if (reason !== this.#refusal?.reason) logger.warn({ namespace, reason }, 'the canary cannot be renewed');
      this.#refusal = { reason, sinceMs: this.#refusal?.sinceMs ?? writtenMs };
    }
  }

  /** Hands on what the watch brought; once it is durable, the renewal has come back. */
  async #pass(batch: SourceBatch, sink: Sink): Promise<void> {
    await sink(batch);
    for (const { object, origin } of batch.observations) {
      const renewTime = isJsonObject(object.spec) ? String(object.spec.renewTime) : '';
      const writtenMs = this.#awaited.get(renewTime);
      if (writtenMs === undefined) continue;
      const nowMs = this.#options.clock.nowMs();
      // What the first list brings was as long on its way as the start took.
      const latencyMs = origin === 'watch' ? Math.max(0, nowMs - writtenMs) : undefined;
      if (latencyMs !== undefined) this.#options.metrics.latency(latencyMs);
      this.#seen = { atMs: nowMs, latencyMs };
      this.#comeBack(renewTime);
    }
  }

  /** One that came back stands for those before it, which a list or a busy server may have folded into it. */
  #comeBack(renewTime: string): void {
    for (const earlier of [...this.#awaited.keys()]) {
      this.#awaited.delete(earlier);
      if (earlier === renewTime) return;
    }
  }
}

function lateReason(ms: number): string {
  return `what was written ${Math.round(ms / 1000)} s ago has not come back through the watch`;
}

function refusalOf(error: unknown, namespace: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof KubeStatusError && error.status === 403)
    return (
      `not allowed; add to a role in namespace ${namespace}: {apiGroups: ["coordination.k8s.io"], resources: ["leases"], ` +
      `resourceNames: ["${CANARY_LEASE}"], verbs: ["get", "list", "watch", "create", "patch"]}`
    );
  return `it cannot be written: ${message}`;
}
