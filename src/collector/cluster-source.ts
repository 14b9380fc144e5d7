/**
 * All custom resources of one cluster as a Source: discovers kinds, runs one reflector for each (and namespace, where only some are
 * watched), begins with new ones within moments of their CRD and ends those that are gone. What happens to one kind stays there.
 */
import type { Clock } from '../domain/clock.ts';
import { type Discovery, discoverKinds, kindKey, type ResourceKind } from '../kube/discovery.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import { backOffMs, jittered } from './back-off.ts';
import { mergeCoverage } from './coverage.ts';
import { watchCrds } from './crd-trigger.ts';
import { createKindSelector, type KindSelection } from './kind-selector.ts';
import type { KnownObjects } from './list-comparison.ts';
import { type CollectorMetrics, NO_METRICS } from './metrics.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import type { KindCoverage, Sink, Source } from './source.ts';
import { createStartGate } from './start-gate.ts';

export interface ClusterSourceOptions extends KindSelection {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  known: KnownObjects;
  cursors: ReflectorOptions['cursors'];
  /** Only these namespaces, without any right beyond them; cluster-scoped kinds are then left out. */
  namespaces?: string[] | undefined;
  /**
   * How often discovery is asked even when no CRD changed: aggregated APIs come and go without one. Default 8 s, so that
   * a new kind is seen within 10 s even where CRDs may not be watched.
   */
  rediscoverMs?: number | undefined;
  /** How long a kind that is no longer served may go on telling of its last deletions. Default 2 s. */
  retireMs?: number | undefined;
  /** Kinds that connect and list at the same time. Default 8. */
  startsAtOnce?: number | undefined;
  metrics?: CollectorMetrics | undefined;
  random?: (() => number) | undefined;
  /** Handed to every reflector. */
  reflector?: Pick<ReflectorOptions, 'timing' | 'pageLimit' | 'objectBytesMax' | 'observationsMax'> | undefined;
}

export interface ClusterSource extends Source {
  /** Every kind known, with how well it is seen; sorted by group and plural. */
  coverage(): KindCoverage[];
  /** API groups whose kinds could not be learnt at the last discovery. */
  failedGroups(): Discovery['failedGroups'];
}

/** A CRD is announced before discovery shows it, so an announcement is followed by several looks. */
const LOOKS_AFTER_CHANGE_MS = [200, 800, 2_000, 5_000];
const RESTART_MS = 30_000;

export function createClusterSource(options: ClusterSourceOptions): ClusterSource {
  return new KubeClusterSource(options);
}

interface WatchedKind {
  kind: ResourceKind;
  stop: AbortController;
  parts: { namespace: string | undefined; reflector: Reflector }[];
  /** Never rejects. */
  done: Promise<void>;
  /** No longer served. */
  retired: boolean;
}

class KubeClusterSource implements ClusterSource {
  readonly name: string;
  readonly #options: ClusterSourceOptions;
  readonly #metrics: CollectorMetrics;
  readonly #random: () => number;
  readonly #isSelected: (kind: ResourceKind) => boolean;
  readonly #shared: Pick<ReflectorOptions, 'gate' | 'streamingLists'>;
  readonly #kinds = new Map<string, WatchedKind>();
  #failedGroups: Discovery['failedGroups'] = [];
  /** Delays before the next looks at discovery; empty means `rediscoverMs`. */
  #looks: number[] = [];
  #wake = () => {};

  constructor(options: ClusterSourceOptions) {
    const { client, clock, startsAtOnce = 8 } = options;
    this.name = `cluster ${client.cluster}`;
    this.#options = options;
    this.#metrics = options.metrics ?? NO_METRICS;
    this.#random = options.random ?? Math.random;
    this.#isSelected = createKindSelector(options);
    this.#shared = {
      gate: createStartGate({ places: startsAtOnce, leaseMs: 10_000, clock }),
      streamingLists: { supported: true },
    };
    this.#metrics.watchCoverage(() => this.coverage());
  }

  coverage(): KindCoverage[] {
    const all = [...this.#kinds.values()].map(({ parts, retired }) => {
      const merged = mergeCoverage(parts.map(({ namespace, reflector }) => ({ namespace, coverage: reflector.coverage() })));
      return retired ? { ...merged, state: 'gone' as const, reason: 'the API server no longer serves it' } : merged;
    });
    return all.sort((a, b) => (kindKey(a) < kindKey(b) ? -1 : 1));
  }

  failedGroups(): Discovery['failedGroups'] {
    return this.#failedGroups;
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const trigger = watchCrds({ client, clock, signal, random: this.#random, onChange: () => this.#crdsChanged() });
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this.#discover(sink, signal)) ? 0 : failures + 1;
      const pauseMs = this.#looks.shift() ?? jittered(this.#options.rediscoverMs ?? 8_000, 0.1, this.#random);
      await this.#pause(
        failures === 0 ? pauseMs : backOffMs(failures, { baseMs: 500, msMax: 10_000, random: this.#random }),
        signal,
      );
    }
    await Promise.all([trigger, ...[...this.#kinds.values()].map((watched) => watched.done)]);
  }

  #crdsChanged(): void {
    this.#looks = [...LOOKS_AFTER_CHANGE_MS];
    this.#wake();
  }

  /** Sleeps, or less if CRDs change; then still as long as the first look allows, so that a burst of them costs few looks. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await clock.sleep(ms, AbortSignal.any([signal, woken.signal])).catch(() => {});
    this.#wake = () => {};
    if (woken.signal.aborted) await clock.sleep(this.#looks.shift() ?? 0, signal).catch(() => {});
  }

  async #discover(sink: Sink, signal: AbortSignal): Promise<boolean> {
    const { client, logger } = this.#options;
    try {
      const discovery = await discoverKinds(client, signal);
      for (const { group, reason } of discovery.failedGroups) {
        const known = this.#failedGroups.some((failed) => failed.group === group);
        if (!known) logger.warn({ group, reason }, 'the kinds of an API group cannot be learnt');
      }
      this.#failedGroups = discovery.failedGroups;
      await this.#adopt(discovery, sink, signal);
      return true;
    } catch (error) {
      if (!signal.aborted) logger.warn({ reason: error instanceof Error ? error.message : String(error) }, 'discovery failed');
      return false;
    }
  }

  /** Starts what is new, restarts what moved to another version, retires what is gone. */
  async #adopt(discovery: Discovery, sink: Sink, signal: AbortSignal): Promise<void> {
    const { namespaces } = this.#options;
    const wanted = discovery.kinds.filter((kind) => this.#isSelected(kind) && (namespaces === undefined || kind.namespaced));
    const served = new Set(wanted.map(kindKey));
    const failed = new Set(discovery.failedGroups.map(({ group }) => group));
    for (const [key, watched] of this.#kinds) {
      if (!served.has(key) && !failed.has(watched.kind.group) && !watched.retired) this.#retire(watched, signal);
    }
    for (const kind of wanted) {
      const watched = this.#kinds.get(kindKey(kind));
      if (watched !== undefined && !watched.retired && isSame(watched.kind, kind)) continue;
      if (watched !== undefined) {
        watched.stop.abort();
        await watched.done;
      }
      if (!signal.aborted) this.#start(kind, sink, signal);
    }
  }

  #start(kind: ResourceKind, sink: Sink, signal: AbortSignal): void {
    const stop = new AbortController();
    const either = AbortSignal.any([stop.signal, signal]);
    const watched: WatchedKind = { kind, stop, parts: [], done: Promise.resolve(), retired: false };
    const namespaces: (string | undefined)[] = this.#options.namespaces ?? [undefined];
    watched.parts = namespaces.map((namespace) => ({ namespace, reflector: this.#reflector(kind, namespace) }));
    watched.done = Promise.all(watched.parts.map((part) => this.#keepRunning(part, kind, sink, either))).then(() => {});
    this.#kinds.set(kindKey(kind), watched);
    this.#options.logger.info({ group: kind.group, version: kind.version, kind: kind.kind }, 'watching a kind');
  }

  /** A reflector ends only when told to or by a mistake of ours; then it alone begins anew. */
  async #keepRunning(part: WatchedKind['parts'][number], kind: ResourceKind, sink: Sink, signal: AbortSignal): Promise<void> {
    const { logger, clock } = this.#options;
    while (!signal.aborted) {
      try {
        await part.reflector.run(sink, signal);
      } catch (error) {
        logger.error({ group: kind.group, kind: kind.kind, err: error }, 'a reflector failed and begins anew');
        await clock.sleep(RESTART_MS, signal).catch(() => {});
        part.reflector = this.#reflector(kind, part.namespace);
      }
    }
  }

  #reflector(kind: ResourceKind, namespace: string | undefined): Reflector {
    const { client, clock, logger, known, cursors, reflector } = this.#options;
    const { metrics, random } = { metrics: this.#metrics, random: this.#random };
    return new Reflector({
      ...reflector,
      ...this.#shared,
      client,
      clock,
      logger,
      known,
      cursors,
      metrics,
      random,
      kind,
      namespace,
    });
  }

  /** The last deletions may still be on their way when discovery already has no trace of the kind. */
  #retire(watched: WatchedKind, signal: AbortSignal): void {
    const { clock, logger, retireMs = 2_000 } = this.#options;
    watched.retired = true;
    logger.info({ group: watched.kind.group, kind: watched.kind.kind }, 'a kind is no longer served');
    const running = watched.done;
    const either = AbortSignal.any([signal, watched.stop.signal]);
    const drained = clock
      .sleep(retireMs, either)
      .catch(() => {})
      .then(() => watched.stop.abort());
    watched.done = Promise.all([running, drained]).then(() => {});
  }
}

function isSame(a: ResourceKind, b: ResourceKind): boolean {
  return a.version === b.version && a.kind === b.kind && a.namespaced === b.namespaced;
}
