/**
 * Reads one open stream of a kind's events and delivers them in order, each together with the position that it leads to. The next read waits
 * until what the last one brought is durable. A streaming list is such a stream too: it is compared with the record until it is complete, and
 * goes on as the watch.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../domain/clock.ts';
import { freeBytes } from '../../domain/free-bytes.ts';
import { isOlder } from '../../domain/resource-version.ts';
import type { KubeStream } from '../../kube/kube-client.ts';
import type { BatchBuilder } from './batch-builder.ts';
import { guardedChunks } from './guarded-stream.ts';
import type { KeptPosition } from './kept-position.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { KindStatus } from './kind-status.ts';
import { LineSplitter } from './line-splitter.ts';
import { gone } from './list-comparison.ts';
import { HistoryWentBackError, type ListInProgress } from './list-in-progress.ts';
import { LASTING_MS, type Outcome, outcomeOfStatus } from './reflector-step.ts';
import type { ReflectorTiming } from './reflector-timing.ts';
import type { SelectionCheck } from './selection-check.ts';
import type { Turnstile } from './turnstile.ts';
import { parseWatchLine, parseWhole, tooLarge, type Unreadable, type WatchEvent } from './watch-event.ts';

export interface WatchReaderOptions {
  cluster: string;
  kind: PlannedKind;
  clock: Clock;
  timing: ReflectorTiming;
  status: KindStatus;
  position: KeptPosition;
  /** For a kind that is watched by a selector. */
  selection: SelectionCheck | undefined;
  /** Deliveries of the watch and of a consistency relist take turns. */
  turnstile: Turnstile;
  objectBytesMax: number;
  observationsMax: number;
  /** Each object is parsed at once, and one that is not JSON is refused here. */
  parsesAll: boolean;
  /** A streaming list is complete and durable; what comes now is the watch. */
  onListed: () => void;
  /** A position became durable. */
  onMoved: () => void;
}

/** What one open stream is read into. */
export interface Reading {
  batch: BatchBuilder;
  signal: AbortSignal;
  /** The streaming list that the stream begins with, if it does. */
  list?: ListInProgress | undefined;
  /** How long the watch was asked to last. */
  seconds: number;
}

/** `list` is cleared when the streaming list is complete. */
interface OpenReading extends Reading {
  list: ListInProgress | undefined;
  bookmarked: boolean;
}

type ObjectEvent = Exclude<WatchEvent, Unreadable | { type: 'ERROR' }>;

/** How many events are gathered before what else has come is left for the next read (ADR 13). */
const GATHERED_MAX = 32;
/** Bytes of lines gathered before they are delivered. */
const GATHERED_BYTES_MAX = 4 * 1024 * 1024;

export class WatchReader {
  readonly #options: WatchReaderOptions;

  constructor(options: WatchReaderOptions) {
    this.#options = options;
  }

  /** Reads until the stream ends or an event ends it. Rejects when it breaks, after what it brought whole is delivered. */
  async read(stream: KubeStream, into: Reading): Promise<Outcome> {
    const { kind, clock, parsesAll, observationsMax, objectBytesMax, turnstile, position } = this.#options;
    const { listSilenceMs, bookmarkSilenceMs, graceMs } = this.#options.timing;
    const reading: OpenReading = { ...into, list: into.list, bookmarked: false };
    const idleMs = () => {
      if (reading.list !== undefined) return listSilenceMs;
      return reading.bookmarked ? bookmarkSilenceMs : reading.seconds * 1000 + graceMs;
    };
    const splitter = new LineSplitter(objectBytesMax);
    let events: WatchEvent[] = [];
    /** What the events are views of: of an incomplete line, however long, none waits. */
    let chunks: Buffer[] = [];
    let gatheredBytes = 0;
    const handler = {
      piece(line: Buffer) {
        gatheredBytes += line.length;
        if (line.length > 0)
          events.push(reading.list === undefined && !parsesAll ? parseWatchLine(line, kind) : parseWhole(line, kind));
      },
      oversized: (prefix: Buffer) => void events.push(tooLarge(prefix, objectBytesMax)),
    };
    let delivering = false;
    const take = async () => {
      const [taken, spent] = [events, chunks];
      events = [];
      chunks = [];
      gatheredBytes = 0;
      delivering = true;
      const outcome = await turnstile.run(() => this.#takeEvents(taken, reading));
      delivering = false;
      // Durable and judged. By the pace of a flood tens of megabytes would wait for the garbage collector otherwise.
      for (const chunk of spent) giveBack(chunk);
      return outcome;
    };
    const startedMs = clock.nowMs();
    const startedAt = position.steps;
    try {
      for await (const chunk of guardedChunks(stream, { clock, signal: reading.signal, idleMs })) {
        splitter.push(chunk, handler);
        if (events.length > 0) chunks.push(chunk);
        else giveBack(chunk);
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
    const progressed = position.steps > startedAt || lastedMs > LASTING_MS;
    return { type: 'ended', progressed, inTime: lastedMs >= reading.seconds * 900 };
  }

  /** Applies the events of one read in order and delivers them; an outcome ends the watch. */
  async #takeEvents(events: WatchEvent[], reading: OpenReading): Promise<Outcome | undefined> {
    const { clock, kind, status } = this.#options;
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
        position =
          (await this.#takeEvent(event, reading, { position: position ?? this.#options.position.resourceVersion, nowMs })) ??
          position;
      }
      if (batch.isFull) await this.#deliver(batch, position);
    }
    await this.#deliver(batch, position);
    for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const) status.arrived(type, counts[type], nowMs);
    return outcome;
  }

  async #deliver(batch: BatchBuilder, position: string | undefined): Promise<void> {
    await batch.flush(position === undefined ? undefined : this.#options.position.cursorOf(position));
    if (position !== undefined) this.#remember(position);
  }

  #remember(resourceVersion: string): void {
    this.#options.position.remember(resourceVersion);
    this.#options.onMoved();
  }

  /** Returns the position that the event leads to, which is none while a list is under way, and none behind the one there is. */
  async #takeEvent(
    event: ObjectEvent,
    reading: OpenReading,
    { position, nowMs }: { position: string | undefined; nowMs: number },
  ): Promise<string | undefined> {
    const { list, batch, signal } = reading;
    const { status, selection, onListed } = this.#options;
    if (event.type === 'DELETED' && selection !== undefined) {
      const found = await selection.deleted(event.object, signal);
      if (list === undefined) status.objects -= 1;
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
      status.objects += type === 'ADDED' ? 1 : type === 'DELETED' ? -1 : 0;
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
    onListed();
    return undefined;
  }

  #reject(unreadable: Unreadable, { list, batch }: OpenReading, nowMs: number): void {
    const { cluster, kind, status, selection } = this.#options;
    if (list !== undefined) {
      list.reject(unreadable, batch, nowMs);
      return;
    }
    status.rejected(unreadable, batch, nowMs);
    // A deletion whose last state cannot be read is still a deletion, if its beginning says of what.
    const { type, name, namespace = '', uid, resourceVersion } = unreadable.identity;
    if (selection !== undefined || type !== 'DELETED' || name === undefined || uid === undefined || resourceVersion === undefined)
      return;
    const ref = { cluster, group: kind.group, version: kind.version, kind: kind.kind, namespace, name };
    batch.add({ ...gone({ ref, uid, resourceVersion }), origin: 'watch' }, nowMs);
    status.objects -= 1;
  }
}

/** Unless it is cut from what others are cut from too. */
function giveBack(chunk: Buffer): void {
  if (chunk.length > 0 && chunk.length === chunk.buffer.byteLength) freeBytes(chunk);
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
