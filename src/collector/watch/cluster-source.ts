/**
 * All custom resources of one cluster as a Source: discovers kinds, runs one reflector for each (and namespace, where only some are
 * watched), begins with new ones within moments of their CRD and ends those that are gone. What happens to one kind stays there.
 */
import type { Clock } from '../../domain/clock.ts';
import { type CoreKinds, parseCoreKinds } from '../../domain/core-kinds.ts';
import { type Discovery, discoverKinds, kindKey, type ResourceKind } from '../../kube/discovery.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CollectorMetrics, NO_METRICS } from '../metrics.ts';
import type { ClusterReach, KindCoverage, Sink, Source } from '../source.ts';
import { backOffMs, jittered } from './back-off.ts';
import { mergeCoverage } from './coverage.ts';
import { watchCrds } from './crd-trigger.ts';
import { createKindPlanner, type KindPlan, type KindPlanner, type KindSelection, type PlannedKind } from './kind-plan.ts';
import type { KindSchemas } from './kind-schemas.ts';
import type { KnownObjects } from './list-comparison.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { createStartGate } from './start-gate.ts';
import { VanishedKinds } from './vanished-kinds.ts';

export interface ClusterSourceOptions {
  /** What is watched and how; all custom kinds of worth by default. */
  selection?: KindSelection | undefined;
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  known: KnownObjects;
  /** With all of them it is found which kinds went while nobody looked. */
  cursors: ReflectorOptions['cursors'] & { cursors?(prefix: string): Record<string, string> };
  /**
   * How often discovery is asked even when no CRD changed: aggregated APIs come and go without one. Default 8 s, so that
   * a new kind is seen within 10 s even where CRDs may not be watched.
   */
  rediscoverMs?: number | undefined;
  /** How long a kind that is no longer served may go on telling of its last deletions. Default 2 s. */
  retireMs?: number | undefined;
  /** How long a kind that was watched must have been missing before its objects are recorded as deleted. Default 30 s. */
  vanishedMs?: number | undefined;
  /** Kinds that connect and list at the same time. Default 8. */
  startsAtOnce?: number | undefined;
  metrics?: CollectorMetrics | undefined;
  /** A kind begins when its schema is known, or will not be. */
  schemas?: KindSchemas | undefined;
  random?: (() => number) | undefined;
  /** Handed to every reflector. */
  reflector?: Pick<ReflectorOptions, 'timing' | 'pageLimit' | 'objectBytesMax' | 'observationsMax' | 'parsesAll'> | undefined;
}

export interface ClusterSource extends Source {
  /** Every kind known, with how well it is seen; sorted by group and plural. */
  coverage(): KindCoverage[];
  reach(): ClusterReach;
  /** API groups whose kinds could not be learnt at the last discovery. */
  failedGroups(): Discovery['failedGroups'];
}

/** A CRD is announced before discovery shows it, so an announcement is followed by several looks. */
const LOOKS_AFTER_CHANGE_MS = [400, 800, 2_000, 5_000];
/** How soon a kind that discovery no longer shows is looked for again. */
const SECOND_LOOK_MS = 1_000;
const RESTART_MS = 30_000;
/** A server that has just started shows no custom kinds, and is up by then. */
const VANISHED_MS = 30_000;
/** A kind that is gone is shown for so long: CRDs that come and go under new names must not pile up. */
const GONE_SHOWN_MS = 3_600_000;
/** How often schemas are looked at again where no CRD is known to have changed. */
const SCHEMAS_MS = 60_000;

export function createClusterSource(options: ClusterSourceOptions): ClusterSource {
  return new KubeClusterSource(options);
}

interface WatchedKind {
  kind: PlannedKind;
  stop: AbortController;
  parts: { namespace: string | undefined; reflector: Reflector }[];
  /** Never rejects. */
  done: Promise<void>;
  /** Since when it is no longer served. */
  retiredMs: number | undefined;
  /** The last look at discovery did not show it. */
  missing: boolean;
  /** It delivers no more. */
  ended: boolean;
}

class KubeClusterSource implements ClusterSource {
  readonly name: string;
  readonly #options: ClusterSourceOptions;
  readonly #metrics: CollectorMetrics;
  readonly #random: () => number;
  readonly #plan: KindPlanner;
  readonly #core: CoreKinds;
  readonly #startedMs: number;
  readonly #shared: Pick<ReflectorOptions, 'gate' | 'streamingLists'>;
  readonly #kinds = new Map<string, WatchedKind>();
  readonly #vanished: VanishedKinds;
  #leftOut: KindPlan['leftOut'] = [];
  #reach: ClusterReach;
  #failedGroups: Discovery['failedGroups'] = [];
  /** Delays before the next looks at discovery; empty means `rediscoverMs`. */
  #looks: number[] = [];
  #schemasMs: number;
  #wake = () => {};

  constructor(options: ClusterSourceOptions) {
    const { client, clock, startsAtOnce = 8 } = options;
    this.name = `cluster ${client.cluster}`;
    this.#options = options;
    this.#metrics = options.metrics ?? NO_METRICS;
    this.#random = options.random ?? Math.random;
    this.#plan = createKindPlanner(options.selection ?? {});
    this.#core = parseCoreKinds(options.selection?.coreKinds ?? []);
    this.#startedMs = clock.nowMs();
    this.#schemasMs = this.#startedMs;
    this.#reach = { cluster: client.cluster, state: 'connecting', sinceMs: this.#startedMs };
    this.#shared = {
      gate: createStartGate({
        ...{ places: startsAtOnce, leaseMs: 10_000, clock },
        onWaiting: (more) => this.#metrics.starting(more),
      }),
      streamingLists: { supported: true },
    };
    this.#vanished = new VanishedKinds({
      ...{ client, clock, logger: options.logger, metrics: this.#metrics, known: options.known, cursors: options.cursors },
      ...{ plan: this.#plan, namespaces: options.selection?.namespaces, settleMs: options.vanishedMs ?? VANISHED_MS },
    });
    this.#metrics.watchCoverage(() => this.coverage());
  }

  coverage(): KindCoverage[] {
    const vanished = this.#vanished.rows();
    const all = [...this.#kinds].map(([key, { parts, retiredMs }]): KindCoverage => {
      const merged = mergeCoverage(parts.map(({ namespace, reflector }) => ({ namespace, coverage: reflector.coverage() })));
      if (retiredMs === undefined) return merged;
      const reason = vanished.get(key)?.reason ?? 'the API server no longer serves it';
      return { ...merged, state: 'gone', reason, sinceMs: retiredMs };
    });
    for (const [key, row] of vanished) if (!this.#kinds.has(key)) all.push(row);
    const { cluster } = this.#options.client;
    for (const { kind, reason } of this.#leftOut) {
      const unseen = { sinceMs: this.#startedMs, everWatched: false, objects: 0, relists: 0 };
      all.push({ cluster, ...kind, state: 'excluded', reason, ...unseen });
    }
    return all.sort((a, b) => (kindKey(a) < kindKey(b) ? -1 : 1));
  }

  reach(): ClusterReach {
    return this.#reach;
  }

  failedGroups(): Discovery['failedGroups'] {
    return this.#failedGroups;
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { client, clock, selection } = this.#options;
    const onChange = () => this.#crdsChanged();
    // Where only some namespaces are watched there is no right on CRDs to be asked for.
    const clusterWide = selection?.namespaces === undefined;
    const trigger = clusterWide ? watchCrds({ client, clock, signal, random: this.#random, onChange }) : undefined;
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
      const discovery = await discoverKinds(client, signal, this.#core);
      this.#reached('reached');
      for (const { group, reason } of discovery.failedGroups) {
        const known = this.#failedGroups.some((failed) => failed.group === group);
        if (!known) logger.warn({ group, reason }, 'the kinds of an API group cannot be learnt');
      }
      this.#failedGroups = discovery.failedGroups;
      await this.#adopt(discovery, sink, signal);
      const isWatched = (key: string) => this.#kinds.get(key)?.ended === false;
      await this.#vanished.look(discovery, isWatched, sink, signal);
      await this.#lookAtSchemas(signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#vanished.lookFailed();
      const reason = error instanceof Error ? error.message : String(error);
      const fields = { reason };
      // A cluster that stays away is told of once; what did not change is not told again.
      if (this.#reach.state === 'unreachable' && this.#reach.reason === reason) logger.debug(fields, 'discovery failed again');
      else logger.warn(fields, 'discovery failed');
      this.#reached('unreachable', reason);
      return false;
    }
  }

  async #lookAtSchemas(signal: AbortSignal): Promise<void> {
    const { schemas, clock } = this.#options;
    // `#looks` is what is left to do after CRDs changed.
    if (schemas === undefined || (this.#looks.length === 0 && clock.nowMs() - this.#schemasMs < SCHEMAS_MS)) return;
    this.#schemasMs = clock.nowMs();
    await schemas.refresh(signal);
  }

  #reached(state: ClusterReach['state'], reason?: string): void {
    const { client, clock } = this.#options;
    const sinceMs = state === this.#reach.state ? this.#reach.sinceMs : clock.nowMs();
    this.#reach = { cluster: client.cluster, state, sinceMs, ...(reason === undefined ? {} : { reason }) };
  }

  /** Starts what is new, restarts what moved to another version, retires what is gone. */
  async #adopt(discovery: Discovery, sink: Sink, signal: AbortSignal): Promise<void> {
    const { watch: wanted, leftOut } = this.#plan(discovery.kinds);
    this.#leftOut = leftOut;
    const served = new Set(wanted.map(kindKey));
    const failed = new Set(discovery.failedGroups.map(({ group }) => group));
    const nowMs = this.#options.clock.nowMs();
    for (const [key, watched] of this.#kinds) {
      if (served.has(key) || failed.has(watched.kind.group)) {
        watched.missing = false;
        continue;
      }
      if (watched.retiredMs === undefined && !watched.missing) {
        // A server that has just started shows no custom kinds yet; what is really gone will be so in a moment too.
        watched.missing = true;
        if (this.#looks.length === 0) this.#looks = [SECOND_LOOK_MS];
      } else if (watched.retiredMs === undefined) this.#retire(watched, signal);
      else if (nowMs - watched.retiredMs > GONE_SHOWN_MS) this.#kinds.delete(key);
    }
    for (const kind of wanted) {
      const watched = this.#kinds.get(kindKey(kind));
      if (watched !== undefined && watched.retiredMs === undefined && isSame(watched.kind, kind)) continue;
      if (watched !== undefined) {
        watched.stop.abort();
        await watched.done;
      }
      if (!signal.aborted) this.#start(kind, sink, signal);
    }
  }

  #start(kind: PlannedKind, sink: Sink, signal: AbortSignal): void {
    const stop = new AbortController();
    const either = AbortSignal.any([stop.signal, signal]);
    const watched: WatchedKind = {
      kind,
      stop,
      parts: [],
      done: Promise.resolve(),
      retiredMs: undefined,
      missing: false,
      ended: false,
    };
    const namespaces: (string | undefined)[] = [...(this.#options.selection?.namespaces ?? [undefined])];
    watched.parts = namespaces.map((namespace) => ({ namespace, reflector: this.#reflector(kind, namespace) }));
    const ready = this.#options.schemas?.ready(kind, signal);
    const begin = async (part: WatchedKind['parts'][number]) => {
      if (ready !== undefined) await ready;
      await this.#keepRunning(part, kind, sink, either);
    };
    watched.done = Promise.all(watched.parts.map(begin)).then(() => {});
    this.#kinds.set(kindKey(kind), watched);
    this.#options.logger.info({ group: kind.group, version: kind.version, kind: kind.kind }, 'watching a kind');
  }

  /** A reflector ends only when told to or by a mistake of ours; then it alone begins anew. */
  async #keepRunning(part: WatchedKind['parts'][number], kind: PlannedKind, sink: Sink, signal: AbortSignal): Promise<void> {
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

  #reflector(kind: PlannedKind, namespace: string | undefined): Reflector {
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
      isWatched: (group, name) =>
        [...this.#kinds.values()].some(
          ({ kind, retiredMs }) => retiredMs === undefined && kind.group === group && kind.kind === name,
        ),
    });
  }

  /** The last deletions may still be on their way when discovery already has no trace of the kind. */
  #retire(watched: WatchedKind, signal: AbortSignal): void {
    const { clock, logger, retireMs = 2_000 } = this.#options;
    watched.retiredMs = clock.nowMs();
    logger.info({ group: watched.kind.group, kind: watched.kind.kind }, 'a kind is no longer served');
    const running = watched.done;
    const either = AbortSignal.any([signal, watched.stop.signal]);
    const drained = clock
      .sleep(retireMs, either)
      .catch(() => {})
      .then(() => watched.stop.abort());
    watched.done = Promise.all([running, drained]).then(() => {
      watched.ended = true;
    });
  }
}

function isSame(a: ResourceKind, b: ResourceKind): boolean {
  return a.version === b.version && a.kind === b.kind && a.namespaced === b.namespaced;
}
