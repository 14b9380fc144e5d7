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
 * `#setMode` is the only writer of the mode, `#remember`, `#resume`, `#catchUp` and `#forget` of the position.
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
import { compareResourceVersions } from '../../domain/resource-version.ts';
import { collectionPath } from '../../kube/discovery.ts';
import { type KubeClient, KubeStatusError, type KubeStream } from '../../kube/kube-client.ts';
import { statusOfAnswer } from '../../kube/kube-status.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CollectorMetrics, NO_METRICS } from '../metrics.ts';
import type { KindCoverage, Sink } from '../source.ts';
import { jittered } from './back-off.ts';
import { BatchBuilder } from './batch-builder.ts';
import { createCheckedWatch, type WatchState } from './checked-watch.ts';
import { ConditionWaits } from './condition-waits.ts';
import { ConsistencyCheck } from './consistency-check.ts';
import { guardedChunks, readBody, StaleStreamError } from './guarded-stream.ts';
import { HistoryGap } from './history-gap.ts';
import type { PlannedKind } from './kind-plan.ts';
import { KindStatus } from './kind-status.ts';
import { LineSplitter } from './line-splitter.ts';
import { gone, type KnownObjects } from './list-comparison.ts';
import { HistoryWentBackError, ListInProgress } from './list-in-progress.ts';
import { readEnvelope, readPage } from './list-page.ts';
import { readHeaders, selectionQuery, selectionSuffix } from './read-mode.ts';
import { nextStep, type Outcome, outcomeOfStatus, ruleToAdd } from './reflector-step.ts';
import { DEFAULT_TIMING, type ReflectorTiming } from './reflector-timing.ts';
import { SelectionCheck } from './selection-check.ts';
import type { StartGate } from './start-gate.ts';
import { type Break, decodePosition, encodeBreak, encodePosition } from './stream-position.ts';
import { Turnstile } from './turnstile.ts';
import { parseWatchLine, parseWhole, tooLarge, type Unreadable, type WatchEvent } from './watch-event.ts';

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
 * Observations in one batch, and with it in one transaction; and how many are gathered before what else has come is left for the next. Fewer
 * would pay for more commits; with more, what belongs to a batch lives long enough to be taken for what stays, and collecting that garbage
 * costs more than the commits saved (ADR 13). What a stream has in hand, 256 KiB, is one batch of objects of usual size.
 */
const OBSERVATIONS_MAX = 128;
const GATHERED_MAX = 32;
/** Bytes of lines gathered before they are delivered. */
const GATHERED_BYTES_MAX = 4 * 1024 * 1024;

/** A connection that lasted this long did its work, whatever it brought. */
const LASTING_MS = 5_000;
/** How often a server is given time to catch up when nothing tells whether it will. */
const AHEAD_TRIES = 3;

/** What one open stream is read into. `list` is cleared when a streaming list is complete and its stream goes on as the watch. */
interface Reading {
  batch: BatchBuilder;
  signal: AbortSignal;
  list: ListInProgress | undefined;
  /** How long the watch was asked to last. */
  seconds: number;
  bookmarked: boolean;
}

/** An attempt under way that something beside it may end. */
interface Interruption {
  outcome: Outcome | undefined;
  stop: AbortController;
}

/** The name a stream's position is stored under. */
export function cursorName(cluster: string, kind: PlannedKind, namespace?: string): string {
  const place = namespace === undefined ? '' : `/${namespace}`;
  return `watch:${cluster}/${kind.group}/${kind.plural}${place}${selectionSuffix(kind)}`;
}

export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #timing: ReflectorTiming;
  readonly #random: () => number;
  readonly #objectBytesMax: number;
  readonly #streamingLists: { supported: boolean };
  readonly #path: string;
  readonly #cursorName: string;
  readonly #status: KindStatus;
  /** For a kind that is watched by a selector. */
  readonly #selection: SelectionCheck | undefined;
  #mode: Mode = 'idle';
  /** The resourceVersion all up to which is durable; undefined before the first list is. */
  #position: string | undefined;
  /** When the position was the newest that the server told. */
  #positionMs: number | undefined;
  /** Attempts that came to nothing since the last that did not, by what they came to. */
  readonly #failures = new Map<Outcome['type'], number>();
  /** The kind was complete once, so what is recorded is at worst old. */
  #synced = false;
  /** A position was lost, so history has a gap that the next list makes up for. */
  #gap: HistoryGap | undefined;
  /** Cleared when a page's token expired half-way: the list is repeated in one piece, as a busy server may expire each in turn. */
  #inPages = true;
  /** The server is the one that told our position, as far as is known: the last watch ended in its own time. */
  #trusted = false;
  /** The stream of this attempt has brought something. */
  #progressed = false;
  /** Moves with every position that is given up. */
  #history = 0;
  /** Ends the attempt under way with an outcome that was found beside it. */
  #interruption: Interruption | undefined;
  readonly #waits = new ConditionWaits();
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
    this.#cursorName = cursorName(client.cluster, kind, namespace);
    this.#status = new KindStatus({ cluster: client.cluster, kind, clock, metrics, logger });
    this.#selection = SelectionCheck.of(options);
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

  /** Takes up the position of an earlier run. An empty one was given up for a list which then did not finish. */
  #resume(): void {
    const { position, broken, epoch } = decodePosition(this.#options.cursors.cursor(this.#cursorName));
    this.#status.epoch = epoch;
    if (broken !== undefined) this.#gap = this.#gapOf(broken);
    if (position === undefined) return;
    this.#position = position.resourceVersion;
    this.#positionMs = position.atMs;
    this.#synced = true;
    this.#status.everWatched = true;
    for (const _ of this.#heads()) this.#status.objects += 1;
  }

  /** A delivery that failed may have been recorded all the same; told again from before it, its changes would be recorded twice. */
  #catchUp(): void {
    if (this.#position === undefined) return;
    try {
      const { position } = decodePosition(this.#options.cursors.cursor(this.#cursorName));
      if (position !== undefined) this.#position = position.resourceVersion;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ cursor: this.#cursorName, reason }, 'the stored position cannot be read');
    }
  }

  async #attempt(sink: Sink, signal: AbortSignal): Promise<Outcome> {
    const { gate, client, clock, kind, observationsMax = OBSERVATIONS_MAX } = this.#options;
    const { cluster } = client;
    const partial = kind.metadataOnly;
    const batch = new BatchBuilder({ cluster, cursorName: this.#cursorName, sink, observationsMax, partial });
    let release = () => {};
    this.#progressed = false;
    const interruption: Interruption = { outcome: undefined, stop: new AbortController() };
    this.#interruption = interruption;
    const either = AbortSignal.any([signal, interruption.stop.signal]);
    const startedMs = clock.nowMs();
    try {
      release = (await gate?.enter(either)) ?? release;
      const listing = this.#position === undefined;
      let outcome = await (listing ? this.#list(batch, release, either) : this.#watch(batch, release, either));
      if (outcome.type === 'ahead') outcome = await this.#judgeAhead(outcome, either);
      return interruption.outcome ?? outcome;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#catchUp();
      if (interruption.outcome !== undefined) return interruption.outcome;
      if (error instanceof StaleStreamError) return { type: 'silent', reason };
      if (error instanceof HistoryWentBackError) return { type: 'restored', reason };
      if (error instanceof KubeStatusError && error.status === 403) return { type: 'forbidden', reason: ruleToAdd(kind) };
      const lasted = this.#position !== undefined && clock.nowMs() - startedMs > LASTING_MS;
      return { type: 'failed', reason, progressed: this.#progressed || lasted };
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
    if (outcome.type !== 'listed' && outcome.type !== 'ended') this.#trusted = false;
    if (outcome.type === 'unsupported') this.#streamingLists.supported = false;
    if (step.forget) this.#forget(outcome.type === 'restored' ? 'restored' : 'compacted');
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
    if (this.#gap !== undefined) {
      this.#status.relisting();
      // Were the process to die half-way, the old position would bring events again that the list has overtaken.
      await batch.flush(encodeBreak(this.#gap.broken, this.#status.epoch));
    }
    const finished = () => {
      this.#synced = true;
      this.#gap = undefined;
      release();
    };
    const list = new ListInProgress({
      ...{ client, kind, clock, finished, status: this.#status, heads: this.#heads(), gap: this.#gap },
      cursorOf: (resourceVersion) => this.#cursorOf(resourceVersion),
      selection: this.#selection,
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
    return this.#readWatch(stream, { batch, signal, seconds, list, bookmarked: false });
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
    this.#remember(position);
    this.#trusted = true;
    this.#inPages = true;
    return { type: 'listed' };
  }

  // --- watching ---

  async #watch(batch: BatchBuilder, release: () => void, signal: AbortSignal): Promise<Outcome> {
    assert(this.#position !== undefined, 'watching needs a position');
    const doubt = this.#trusted ? undefined : await this.#proveHistory(signal);
    if (doubt !== undefined) return doubt;
    const seconds = this.#watchSeconds();
    const query = { ...watchQuery(seconds), resourceVersion: this.#position };
    const stream = await this.#open(query, signal);
    release();
    if (stream.status !== 200) return this.#refused(stream, signal, false);
    this.#setMode('watching');
    this.#status.set('watched');
    return this.#readWatch(stream, { batch, signal, seconds, list: undefined, bookmarked: false });
  }

  async #readWatch(stream: KubeStream, reading: Reading): Promise<Outcome> {
    const { kind, clock, parsesAll, observationsMax = OBSERVATIONS_MAX } = this.#options;
    const { listSilenceMs, bookmarkSilenceMs, graceMs } = this.#timing;
    const idleMs = () => {
      if (reading.list !== undefined) return listSilenceMs;
      return reading.bookmarked ? bookmarkSilenceMs : reading.seconds * 1000 + graceMs;
    };
    const splitter = new LineSplitter(this.#objectBytesMax);
    let events: WatchEvent[] = [];
    let gatheredBytes = 0;
    const handler = {
      piece(line: Buffer) {
        gatheredBytes += line.length;
        if (line.length > 0)
          events.push(reading.list === undefined && parsesAll !== true ? parseWatchLine(line, kind) : parseWhole(line, kind));
      },
      oversized: (prefix: Buffer) => void events.push(tooLarge(prefix, this.#objectBytesMax)),
    };
    let delivering = false;
    const take = async () => {
      const taken = events;
      events = [];
      gatheredBytes = 0;
      delivering = true;
      const outcome = await this.#turnstile.run(() => this.#takeEvents(taken, reading));
      delivering = false;
      return outcome;
    };
    const startedMs = clock.nowMs();
    try {
      for await (const chunk of guardedChunks(stream, { clock, signal: reading.signal, idleMs })) {
        splitter.push(chunk, handler);
        // What else comes in this turn of the event loop goes along: under load one commit covers many events, and otherwise nothing waits.
        if (events.length < Math.min(GATHERED_MAX, observationsMax) && gatheredBytes < GATHERED_BYTES_MAX) {
          await turnOfEventLoop();
          if ((stream.buffered?.() ?? 0) > 0) continue;
        }
        const outcome = await take();
        if (outcome !== undefined) return outcome;
      }
    } catch (error) {
      // The stream broke while whole lines of it were gathered: they need not be asked for again. Of a list only the whole counts.
      if (delivering || events.length === 0 || reading.list !== undefined || reading.signal.aborted) throw error;
      const outcome = await take();
      if (outcome !== undefined) return outcome;
      throw error;
    }
    const outcome = await take();
    if (outcome !== undefined) return outcome;
    if (reading.list !== undefined)
      return { type: 'failed', reason: 'the streaming list ended in the middle', progressed: false };
    const lastedMs = clock.nowMs() - startedMs;
    // A server that goes away may end its watches in good order too, but before their time.
    this.#trusted = lastedMs >= reading.seconds * 900;
    return { type: 'ended', progressed: this.#progressed || lastedMs > LASTING_MS };
  }

  /** Applies the events of one read in order and delivers them; an outcome ends the watch. */
  async #takeEvents(events: WatchEvent[], reading: Reading): Promise<Outcome | undefined> {
    const { clock, kind } = this.#options;
    const { batch } = reading;
    const nowMs = clock.nowMs();
    const counts = { ADDED: 0, MODIFIED: 0, DELETED: 0, BOOKMARK: 0 };
    let position: string | undefined;
    let outcome: Outcome | undefined;
    for (const event of events) {
      if (event.type === 'ERROR') {
        const streamingList = reading.list !== undefined;
        outcome = outcomeOfStatus(event.status, { kind, streamingList, hasPosition: !streamingList, inStream: true });
        break;
      }
      if (event.type === 'UNREADABLE') this.#reject(event, reading, nowMs);
      else {
        counts[event.type] += 1;
        position = (await this.#takeEvent(event, reading, { position: position ?? this.#position, nowMs })) ?? position;
      }
      if (batch.isFull) await this.#deliver(batch, position);
    }
    await this.#deliver(batch, position);
    for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const) this.#status.arrived(type, counts[type], nowMs);
    return outcome;
  }

  async #deliver(batch: BatchBuilder, position: string | undefined): Promise<void> {
    await batch.flush(position === undefined ? undefined : this.#cursorOf(position));
    this.#remember(position);
  }

  /** Returns the position that the event leads to, which is none while a list is under way, and none behind the one there is. */
  async #takeEvent(
    event: Exclude<WatchEvent, Unreadable | { type: 'ERROR' }>,
    reading: Reading,
    { position, nowMs }: { position: string | undefined; nowMs: number },
  ): Promise<string | undefined> {
    const { list, batch, signal } = reading;
    if (event.type === 'DELETED' && this.#selection !== undefined) {
      const found = await this.#selection.deleted(event.object, signal);
      if (list === undefined) this.#status.objects -= 1;
      if (found?.type === 'DELETED') list?.meet({ type: 'DELETED', object: event.object }, batch, nowMs);
      if (found !== undefined && (list === undefined || found.type !== 'DELETED')) batch.add(found, nowMs);
      return list === undefined ? event.object.metadata.resourceVersion : undefined;
    }
    if (event.type !== 'BOOKMARK') {
      const { type, object, scanned } = event;
      if (list !== undefined) {
        // While a list is under way every event is parsed at once.
        assert(object !== undefined);
        list.meet({ type, object, scanned }, batch, nowMs);
        return undefined;
      }
      batch.add({ type, object, scanned, origin: 'watch' }, nowMs);
      this.#status.objects += type === 'ADDED' ? 1 : type === 'DELETED' ? -1 : 0;
      const resourceVersion = object === undefined ? scanned.resourceVersion : object.metadata.resourceVersion;
      return position !== undefined && isOlder(resourceVersion, position) ? undefined : resourceVersion;
    }
    if (list === undefined) {
      reading.bookmarked = true;
      if (position !== undefined && isOlder(event.resourceVersion, position))
        throw new HistoryWentBackError(`a bookmark is at resourceVersion ${event.resourceVersion}, the record at ${position}`);
      return event.resourceVersion;
    }
    if (!event.initialEventsEnd) return undefined;
    await list.finish(event.resourceVersion, batch, signal);
    this.#remember(event.resourceVersion);
    reading.list = undefined;
    this.#trusted = true;
    this.#setMode('watching');
    this.#status.set('watched');
    return undefined;
  }

  #reject(unreadable: Unreadable, { list, batch }: Reading, nowMs: number): void {
    if (list !== undefined) {
      list.reject(unreadable, batch, nowMs);
      return;
    }
    this.#status.rejected(unreadable, batch, nowMs);
    // A deletion whose last state cannot be read is still a deletion, if its beginning says of what.
    const { type, name, namespace = '', uid, resourceVersion } = unreadable.identity;
    if (
      this.#selection !== undefined ||
      type !== 'DELETED' ||
      name === undefined ||
      uid === undefined ||
      resourceVersion === undefined
    )
      return;
    const { client, kind } = this.#options;
    const ref = { cluster: client.cluster, group: kind.group, version: kind.version, kind: kind.kind, namespace, name };
    batch.add({ ...gone({ ref, uid, resourceVersion }), origin: 'watch' }, nowMs);
    this.#status.objects -= 1;
  }

  /**
   * The server knows nothing as new as our position. Another one may have told it, and this one lags behind: then waiting helps. Or its
   * storage was set back, which its newest state shows.
   */
  async #judgeAhead(outcome: Outcome & { type: 'ahead' }, signal: AbortSignal): Promise<Outcome> {
    const position = this.#position as string;
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
    const position = this.#position as string;
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
      position: () => this.#position,
      history: () => this.#history,
      until: (condition, signal) => this.#waits.until(condition, signal),
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
    const hasPosition = this.#position !== undefined;
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

  #heads() {
    const { known, kind, namespace } = this.#options;
    return known.heads(kind.group, kind.kind, namespace);
  }

  #watchSeconds(): number {
    return Math.max(1, jittered(this.#timing.watchSeconds * 1.5, 1 / 3, this.#random));
  }

  /** Only a connection that has brought something durable has proved itself; before that the back-off goes on growing. */
  #remember(position: string | undefined): void {
    if (position === undefined) return;
    this.#position = position;
    this.#positionMs = this.#options.clock.nowMs();
    this.#progressed = true;
    this.#failures.clear();
    this.#waits.moved();
  }

  /** Gives up the position. What a gap began with stays, however many lists it takes to make up for it. */
  #forget(reason: Break['reason']): void {
    const from = this.#position === undefined ? undefined : { resourceVersion: this.#position, atMs: this.#positionMs };
    if (reason === 'restored') this.#status.epoch += 1;
    if (reason === 'restored' || (this.#gap === undefined && from !== undefined))
      this.#gap = this.#gapOf({ reason, from: from ?? this.#gap?.broken.from });
    if (this.#position !== undefined) this.#history += 1;
    this.#position = undefined;
    this.#waits.moved();
  }

  #gapOf(broken: Break): HistoryGap {
    const { client, kind, namespace } = this.#options;
    return new HistoryGap({ cluster: client.cluster, kind, namespace, broken });
  }

  #cursorOf(resourceVersion: string): string {
    return encodePosition({ resourceVersion, atMs: this.#options.clock.nowMs() }, this.#status.epoch);
  }

  #setMode(mode: Mode): void {
    assert(this.#mode !== 'stopped', 'a stopped reflector stays stopped');
    if (mode === 'watching') assert(this.#position !== undefined, 'watching needs a position');
    if (mode === 'listing') assert(this.#position === undefined, 'listing is for when there is no position');
    this.#mode = mode;
  }
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function watchQuery(seconds: number): Record<string, string> {
  return { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
}

function isOlder(resourceVersion: string, position: string): boolean {
  return compareResourceVersions(resourceVersion, position) === 'older';
}
