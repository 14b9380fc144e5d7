/**
 * Lists and watches one kind and delivers what happens to its objects, in order. Our own, because what is missed here is missing from
 * the record: nothing is dropped without a count, deletions are judged by uid, and no error ends it.
 *
 *            no position                      position known
 *   run ──────────────> listing ───listed──────────> watching ──ended, failed, silent──┐
 *            ^             │ ^                           │ ^                           │
 *            │   any error │ │ waited      any error     │ │ waited                    │
 *            │             v │                           v │                           │
 *            │            waiting <───────────────── waiting <─────────────────────────┘
 *            └──────────────────────────────────────────┴── expired: position forgotten
 *
 * listing   Promises: the kind's objects are compared by uid with what is recorded; only differences are delivered. No position is
 *           stored before the last of them is durable, so a crash in between lists again. Memory: one entry per object, never objects.
 *           A streaming list goes on as the watch on the same connection.
 * watching  Promises: each event is delivered once, after all before it, together with its position; the next read waits until that is
 *           durable. The stored position is never ahead of what is recorded.
 * waiting   A time set by `nextStep`; nothing is open.
 * stopped   The signal was aborted; nothing is open.
 *
 * `#setMode` is the only writer of the mode; the position is written by its owner (kept-position.ts), moved by the reads of the watch
 * (watch-reader.ts) and by a list in pages.
 *
 * A position that is forgotten leaves a gap: the list that makes up for it records what each object came to, and from where to where
 * nobody can tell what it went through. When the server's storage was set back (a list or a bookmark older than the position, an object
 * older than recorded, a server that knows nothing as new as we do and whose list proves it), a new epoch begins: the list of its first
 * state trusts no equal resourceVersion, so that nothing of the new history is taken for something of the old one.
 *
 * Beside all that runs the consistency relist (consistency-check.ts). It moves neither mode nor position; it delivers between two reads of
 * the watch, and where it finds the watch behind or the history changed it ends the attempt under way by an outcome of its own.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../domain/clock.ts';
import { compareResourceVersions, isOlder } from '../../domain/resource-version.ts';
import { collectionPath } from '../../kube/discovery.ts';
import { type KubeClient, KubeStatusError, type KubeStream } from '../../kube/kube-client.ts';
import { statusOfAnswer } from '../../kube/kube-status.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CollectorMetrics, NO_METRICS } from '../metrics.ts';
import type { KindCoverage, Sink } from '../source.ts';
import { jittered } from './back-off.ts';
import { BatchBuilder } from './batch-builder.ts';
import { createCheckedWatch, type WatchState } from './checked-watch.ts';
import { ConsistencyCheck } from './consistency-check.ts';
import { readBody, StaleStreamError } from './guarded-stream.ts';
import { KeptPosition } from './kept-position.ts';
import type { PlannedKind } from './kind-plan.ts';
import { KindStatus } from './kind-status.ts';
import type { KnownObjects } from './list-comparison.ts';
import { HistoryWentBackError, ListInProgress } from './list-in-progress.ts';
import { readEnvelope, readPage } from './list-page.ts';
import { readHeaders, selectionQuery } from './read-mode.ts';
import { LASTING_MS, nextStep, type Outcome, outcomeOfStatus, ruleToAdd } from './reflector-step.ts';
import { DEFAULT_TIMING, type ReflectorTiming } from './reflector-timing.ts';
import { SelectionCheck } from './selection-check.ts';
import type { StartGate } from './start-gate.ts';
import { Turnstile } from './turnstile.ts';
import { WatchReader } from './watch-reader.ts';

export interface ReflectorOptions {
  client: KubeClient;
  kind: PlannedKind;
  /** Only this namespace; default is all. */
  namespace?: string | undefined;
  clock: Clock;
  logger: Logger;
  known: KnownObjects;
  /** Positions stored by earlier runs. */
  cursors: { cursor(name: string): string | undefined };
  /** Whether a kind of this name is watched, whatever its plural. Default is that none is. */
  isWatched?: ((group: string, kind: string) => boolean) | undefined;
  /** Shared by all reflectors of a cluster: cleared when its server shows that it does no streaming lists. */
  streamingLists?: { supported: boolean } | undefined;
  /** Spreads the start of many kinds. */
  gate?: StartGate | undefined;
  metrics?: CollectorMetrics | undefined;
  timing?: Partial<ReflectorTiming> | undefined;
  random?: (() => number) | undefined;
  pageLimit?: number | undefined;
  /** Largest object with its envelope. etcd's own limit for an object is 1.5 MiB by default. */
  objectBytesMax?: number | undefined;
  observationsMax?: number | undefined;
  /** For a sink that reads each object itself: each is parsed at once, and one that is not JSON is refused here and not there. */
  parsesAll?: boolean | undefined;
}

type Mode = 'idle' | 'listing' | 'watching' | 'waiting' | 'stopped';

/**
 * Observations in one batch, and with it in one transaction. Fewer would pay for more commits; with more, what belongs to a batch lives long
 * enough to be taken for what stays, and collecting that garbage costs more than the commits saved (ADR 13). What a stream has in hand, 256 KiB,
 * is one batch of objects of usual size.
 */
const OBSERVATIONS_MAX = 128;
/** How often a server is given time to catch up when nothing tells whether it will. */
const AHEAD_TRIES = 3;

/** An attempt under way that something beside it may end. */
interface Interruption {
  outcome: Outcome | undefined;
  stop: AbortController;
}

export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #timing: ReflectorTiming;
  readonly #random: () => number;
  readonly #objectBytesMax: number;
  readonly #observationsMax: number;
  readonly #streamingLists: { supported: boolean };
  readonly #path: string;
  readonly #status: KindStatus;
  /** For a kind that is watched by a selector. */
  readonly #selection: SelectionCheck | undefined;
  #mode: Mode = 'idle';
  readonly #position: KeptPosition;
  readonly #reader: WatchReader;
  /** Attempts that came to nothing since the last that did not, by what they came to. */
  readonly #failures = new Map<Outcome['type'], number>();
  /** The kind was complete once, so what is recorded is at worst old. */
  #synced = false;
  /** Cleared when a page's token expired half-way: the list is repeated in one piece, as a busy server may expire each in turn. */
  #inPages = true;
  /** The server is the one that told our position, as far as is known: the last watch ended in its own time. */
  #trusted = false;
  /** Ends the attempt under way with an outcome that was found beside it. */
  #interruption: Interruption | undefined;
  /** Reads of the watch and what a consistency relist delivers take turns. */
  readonly #turnstile = new Turnstile();

  constructor(options: ReflectorOptions) {
    const { client, kind, namespace, clock, logger, metrics = NO_METRICS } = options;
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#random = options.random ?? Math.random;
    this.#objectBytesMax = options.objectBytesMax ?? 3 * 1024 * 1024;
    this.#streamingLists = options.streamingLists ?? { supported: true };
    this.#path = collectionPath(kind, namespace);
    this.#observationsMax = options.observationsMax ?? OBSERVATIONS_MAX;
    const { cluster } = client;
    const status = new KindStatus({ cluster, kind, clock, metrics, logger });
    this.#status = status;
    this.#selection = SelectionCheck.of(options);
    this.#position = new KeptPosition({ cluster, kind, namespace, clock, logger, cursors: options.cursors, status });
    this.#reader = new WatchReader({
      ...{ cluster, kind, clock, status, timing: this.#timing, position: this.#position, selection: this.#selection },
      ...{ turnstile: this.#turnstile, objectBytesMax: this.#objectBytesMax, observationsMax: this.#observationsMax },
      parsesAll: options.parsesAll ?? false,
      onListed: () => this.#watching(),
      onMoved: () => this.#failures.clear(),
    });
  }

  coverage(): KindCoverage {
    return this.#status.coverage();
  }

  /** Runs until the signal aborts; what fails is tried again for ever. */
  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    assert.equal(this.#mode, 'idle', 'a reflector runs once');
    this.#resume();
    const checking = this.#checkFor(sink)?.run(signal);
    while (!signal.aborted) {
      const outcome = await this.#attempt(sink, signal);
      if (!signal.aborted) await this.#follow(outcome, signal);
    }
    await checking;
    this.#setMode('stopped');
  }

  /** Takes up the position of an earlier run: what is recorded up to there is whole. */
  #resume(): void {
    if (!this.#position.resume()) return;
    this.#synced = true;
    this.#status.everWatched = true;
    for (const _ of this.#heads()) this.#status.objects += 1;
  }

  async #attempt(sink: Sink, signal: AbortSignal): Promise<Outcome> {
    const { gate, client, clock, kind } = this.#options;
    const { cursorName, steps } = this.#position;
    const stream = { cluster: client.cluster, cursorName, partial: kind.metadataOnly };
    const batch = new BatchBuilder({ ...stream, sink, observationsMax: this.#observationsMax });
    let release = () => {};
    const interruption: Interruption = { outcome: undefined, stop: new AbortController() };
    this.#interruption = interruption;
    const either = AbortSignal.any([signal, interruption.stop.signal]);
    const startedMs = clock.nowMs();
    try {
      release = (await gate?.enter(either)) ?? release;
      const listing = this.#position.resourceVersion === undefined;
      let outcome = await (listing ? this.#list(batch, release, either) : this.#watch(batch, release, either));
      if (outcome.type === 'ahead') outcome = await this.#judgeAhead(outcome, either);
      return interruption.outcome ?? outcome;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#position.catchUp();
      if (interruption.outcome !== undefined) return interruption.outcome;
      if (error instanceof StaleStreamError) return { type: 'silent', reason };
      if (error instanceof HistoryWentBackError) return { type: 'restored', reason };
      if (error instanceof KubeStatusError && error.status === 403) return { type: 'forbidden', reason: ruleToAdd(kind) };
      const lasted = this.#position.resourceVersion !== undefined && clock.nowMs() - startedMs > LASTING_MS;
      return { type: 'failed', reason, progressed: this.#position.steps > steps || lasted };
    } finally {
      this.#interruption = undefined;
      release();
    }
  }

  async #follow(outcome: Outcome, signal: AbortSignal): Promise<void> {
    const { backOffBaseMs: baseMs, backOffMsMax: msMax, forbiddenMs } = this.#timing;
    const backOff = { baseMs, msMax, random: this.#random };
    const failures = this.#failures.get(outcome.type) ?? 0;
    const step = nextStep(outcome, { failures, synced: this.#synced, forbiddenMs, backOff });
    if (outcome.type === 'listed' || (outcome.type === 'ended' && outcome.progressed)) this.#failures.clear();
    else this.#failures.set(outcome.type, step.failures);
    this.#trusted = outcome.type === 'listed' || (outcome.type === 'ended' && outcome.inTime);
    if (outcome.type === 'unsupported') this.#streamingLists.supported = false;
    if (step.forget) this.#position.forget(outcome.type === 'restored' ? 'restored' : 'compacted');
    if (outcome.type !== 'listed' && outcome.type !== 'ended') {
      if (step.coverage !== undefined) this.#status.set(step.coverage, outcome.reason);
      this.#status.interrupted(outcome, step.delayMs);
    }
    if (step.delayMs === 0) return;
    this.#setMode('waiting');
    // An abort ends the sleep by rejecting; the loop in `run` sees it.
    await this.#options.clock.sleep(step.delayMs, signal).catch(() => {});
  }

  // --- listing ---

  async #list(batch: BatchBuilder, release: () => void, signal: AbortSignal): Promise<Outcome> {
    this.#setMode('listing');
    const { client, kind, clock } = this.#options;
    const { gap, former } = this.#position;
    if (gap !== undefined) {
      this.#status.relisting();
      // Were the process to die half-way, the old position would bring events again that the list has overtaken.
      await batch.flush(this.#position.cursorOfGap(gap));
    }
    const finished = () => {
      this.#synced = true;
      this.#position.closeGap();
      release();
    };
    const list = new ListInProgress({
      ...{ client, kind, clock, finished, status: this.#status, heads: this.#heads(), gap },
      cursorOf: (resourceVersion) => this.#position.cursorOf(resourceVersion),
      selection: this.#selection,
      former: former && { gap: former, heads: this.#formerHeads(former.kind.kind) },
    });
    // A streaming list that keeps failing for whatever reason makes way for pages now and then.
    const failures = [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
    const streaming = this.#streamingLists.supported && failures % 3 !== 2;
    return streaming ? this.#listStreaming(list, batch, signal) : this.#listInPages(list, batch, signal);
  }

  async #listStreaming(list: ListInProgress, batch: BatchBuilder, signal: AbortSignal): Promise<Outcome> {
    const seconds = this.#watchSeconds();
    const query = { ...watchQuery(seconds), sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' };
    const stream = await this.#open(query, signal);
    if (stream.status !== 200) return this.#refused(stream, signal, true);
    return this.#reader.read(stream, { batch, signal, seconds, list });
  }

  async #listInPages(list: ListInProgress, batch: BatchBuilder, signal: AbortSignal): Promise<Outcome> {
    const { kind, clock, pageLimit = 500 } = this.#options;
    const reading = { kind, clock, signal, ...this.#limits(), status: this.#status, list, batch };
    let position: string | undefined;
    let token: string | undefined;
    do {
      const query: Record<string, string> = this.#inPages ? { limit: String(pageLimit) } : {};
      if (token !== undefined) query.continue = token;
      const stream = await this.#open(query, signal);
      if (stream.status !== 200) {
        const outcome = await this.#refused(stream, signal, false);
        if (outcome.type === 'expired') this.#inPages = false;
        return outcome;
      }
      const page = await readPage(stream, reading);
      // Every page shows the state of the first one.
      position ??= page.resourceVersion;
      token = page.continue;
    } while (token !== undefined);
    await list.finish(position, batch, signal);
    this.#position.remember(position);
    this.#failures.clear();
    this.#inPages = true;
    return { type: 'listed' };
  }

  // --- watching ---

  async #watch(batch: BatchBuilder, release: () => void, signal: AbortSignal): Promise<Outcome> {
    const doubt = this.#trusted ? undefined : await this.#proveHistory(signal);
    if (doubt !== undefined) return doubt;
    const seconds = this.#watchSeconds();
    const query = { ...watchQuery(seconds), resourceVersion: this.#position.resourceVersion as string };
    const stream = await this.#open(query, signal);
    release();
    if (stream.status !== 200) return this.#refused(stream, signal, false);
    this.#watching();
    return this.#reader.read(stream, { batch, signal, seconds });
  }

  #watching(): void {
    this.#setMode('watching');
    this.#status.set('watched');
  }

  /**
   * The server knows nothing as new as our position. Another one may have told it, and this one lags behind: then waiting helps. Or its
   * storage was set back, which its newest state shows.
   */
  async #judgeAhead(outcome: Outcome & { type: 'ahead' }, signal: AbortSignal): Promise<Outcome> {
    const position = this.#position.resourceVersion as string;
    const doubt = await this.#proveHistory(signal);
    if (doubt !== undefined) return doubt;
    // Where versions have no order nothing can be proved; in the end a list tells what there is.
    const unordered = compareResourceVersions(position, position.concat('0')) === 'unknown';
    return unordered && (this.#failures.get('ahead') ?? 0) >= AHEAD_TRIES ? { type: 'expired', reason: outcome.reason } : outcome;
  }

  /**
   * After a connection that did not end in its own time the server may be another than before. One whose storage was set back takes a
   * position from its future without a word and is silent until it gets there, so it is asked how far it is: an outcome when that is
   * behind our position, or when it does not say.
   */
  async #proveHistory(signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock } = this.#options;
    const position = this.#position.resourceVersion as string;
    const stream = await this.#open({ limit: '1' }, signal);
    if (stream.status !== 200) return this.#refused(stream, signal, false);
    const { resourceVersion } = await readEnvelope(stream, { clock, signal, ...this.#limits() });
    if (!isOlder(resourceVersion, position)) return undefined;
    return { type: 'restored', reason: `the newest state is at resourceVersion ${resourceVersion}, the record at ${position}` };
  }

  // --- checking ---

  #checkFor(sink: Sink): ConsistencyCheck | undefined {
    const { client, kind, namespace, clock, logger, known, gate, pageLimit = 500, metrics = NO_METRICS } = this.#options;
    const { consistencyMs: intervalMs, settleMs } = this.#timing;
    const head = known.head?.bind(known);
    if (intervalMs === 0 || head === undefined) return undefined;
    const state = this.#watchState();
    return new ConsistencyCheck({
      ...{ cluster: client.cluster, kind, namespace, clock, logger, random: this.#random, intervalMs, settleMs },
      watch: createCheckedWatch({ state, client, kind, namespace, clock, head, sink, pageLimit, ...this.#limits() }),
      enter: async (signal) => (await gate?.enter(signal)) ?? (() => {}),
      onResult: (result, missed, gap) => {
        this.#status.checked(result, missed);
        if (gap !== undefined) this.#status.lostHistory(gap);
      },
      onDepth: (more) => metrics.verifying(more),
      onRetry: () => metrics.retried(),
    });
  }

  #watchState(): WatchState {
    return {
      position: () => this.#position.resourceVersion,
      history: () => this.#position.history,
      until: (condition, signal) => this.#position.until(condition, signal),
      heads: () => this.#heads(),
      exclusively: (work) => this.#turnstile.run(work),
      reopen: (reason) => this.#interrupt({ type: 'silent', reason }),
      restored: (reason) => this.#interrupt({ type: 'restored', reason }),
    };
  }

  #interrupt(outcome: Outcome): void {
    if (this.#interruption === undefined) return;
    this.#interruption.outcome = outcome;
    this.#interruption.stop.abort();
  }

  // --- shared ---

  #open(query: Record<string, string>, signal: AbortSignal): Promise<KubeStream> {
    const { client, kind } = this.#options;
    // The events of a watch are objects, one by one.
    const headers = readHeaders(kind, query.watch === undefined ? 'list' : 'object');
    return client.stream(this.#path, { query: { ...query, ...selectionQuery(kind) }, headers, signal });
  }

  async #refused(stream: KubeStream, signal: AbortSignal, streamingList: boolean): Promise<Outcome> {
    const { clock, kind } = this.#options;
    const body = await readBody(stream, { clock, signal, idleMs: () => 10_000, bytesMax: 64 * 1024 });
    const hasPosition = this.#position.resourceVersion !== undefined;
    return outcomeOfStatus(statusOfAnswer(stream.status, stream.headers, body), {
      kind,
      streamingList,
      hasPosition,
      inStream: false,
    });
  }

  #limits(): { silenceMs: number; objectBytesMax: number } {
    return { silenceMs: this.#timing.listSilenceMs, objectBytesMax: this.#objectBytesMax };
  }

  #heads(of = this.#options.kind.kind) {
    const { known, kind, namespace } = this.#options;
    return known.heads(kind.group, of, namespace);
  }

  /** Asked when they are told: what is watched under another plural by then is told of by that watch. */
  *#formerHeads(of: string) {
    if (this.#options.isWatched?.(this.#options.kind.group, of) !== true) yield* this.#heads(of);
  }

  #watchSeconds(): number {
    return Math.max(1, jittered(this.#timing.watchSeconds * 1.5, 1 / 3, this.#random));
  }

  #setMode(mode: Mode): void {
    assert(this.#mode !== 'stopped', 'a stopped reflector stays stopped');
    if (mode === 'watching') assert(this.#position.resourceVersion !== undefined, 'watching needs a position');
    if (mode === 'listing') assert(this.#position.resourceVersion === undefined, 'listing is for when there is no position');
    this.#mode = mode;
  }
}

function watchQuery(seconds: number): Record<string, string> {
  return { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
}
