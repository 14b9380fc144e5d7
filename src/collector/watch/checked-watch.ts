/** A reflector's watch as its consistency relist sees it, and what that asks of the API server beside it. */
import type { Clock } from '../../domain/clock.ts';
import type { Gap } from '../../domain/gap.ts';
import type { KubeObject, ObjectRef } from '../../domain/object-ref.ts';
import { collectionPath } from '../../kube/discovery.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { statusError, statusOfAnswer } from '../../kube/kube-status.ts';
import type { Sink } from '../source.ts';
import { BatchBuilder } from './batch-builder.ts';
import type { Listed } from './consistency-suspects.ts';
import { readBytes } from './guarded-stream.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { Found, KnownHead, KnownObjects, RecordedHead } from './list-comparison.ts';
import { type Envelope, isUnreadable, readMetadataPage } from './list-page.ts';
import { METADATA_LIST_ACCEPT, readHeaders, selectionQuery } from './read-mode.ts';
import { parseListItem } from './watch-event.ts';

/** What the reflector itself knows and does. */
export interface WatchState {
  /** All up to here is recorded; undefined while a list is under way. */
  position(): string | undefined;
  /** Moves whenever a position is given up. */
  history(): number;
  /** Resolves once the condition holds; asked whenever the position moves. */
  until(condition: () => boolean, signal: AbortSignal): Promise<void>;
  heads(): Iterable<KnownHead>;
  /** Runs `work` while nothing of the watch is delivered. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** The watch fell behind what is there: it is opened anew. */
  reopen(reason: string): void;
  /** The storage went back in time: a new epoch begins. */
  restored(reason: string): void;
}

export interface CheckedWatch extends WatchState {
  /** The newest recorded of a name. */
  head(ref: ObjectRef): RecordedHead | undefined;
  /** A page of the list, metadata only. */
  listPage(token: string | undefined, take: (listed: Listed) => void, signal: AbortSignal): Promise<Envelope>;
  /** The object as it is now; undefined when there is none, 'unreadable' when it could not be recorded. */
  get(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined | 'unreadable'>;
  deliver(found: Found[], gaps: Gap[]): Promise<void>;
}

export interface CheckedWatchOptions {
  state: WatchState;
  client: KubeClient;
  kind: PlannedKind;
  namespace: string | undefined;
  clock: Clock;
  head: NonNullable<KnownObjects['head']>;
  sink: Sink;
  pageLimit: number;
  silenceMs: number;
  objectBytesMax: number;
}

const ANSWER_MS = 10_000;

export function createCheckedWatch(options: CheckedWatchOptions): CheckedWatch {
  const { state, client, kind, clock, sink, pageLimit, silenceMs, objectBytesMax } = options;
  return {
    ...state,
    head: options.head,
    async listPage(token, take, signal) {
      // Metadata is all that comparing needs, and a fraction of what objects weigh.
      const query = { ...selectionQuery(kind), limit: String(pageLimit), ...(token === undefined ? {} : { continue: token }) };
      const path = collectionPath(kind, options.namespace);
      const stream = await client.stream(path, { query, headers: { accept: METADATA_LIST_ACCEPT }, signal });
      return readMetadataPage(stream, { clock, signal, silenceMs, objectBytesMax }, take);
    },
    async get(namespace, name, signal) {
      const path = `${collectionPath(kind, namespace === '' ? undefined : namespace)}/${encodeURIComponent(name)}`;
      const stream = await client.stream(path, { headers: readHeaders(kind), signal });
      const bytesMax = objectBytesMax + 1;
      const body = await readBytes(stream, { clock, signal, idleMs: () => ANSWER_MS, bytesMax });
      if (stream.status === 404) return undefined;
      if (stream.status !== 200) throw statusError(statusOfAnswer(stream.status, stream.headers, body.toString('utf8')));
      if (body.length >= bytesMax) return 'unreadable';
      const object = parseListItem(body, kind);
      return isUnreadable(object) ? 'unreadable' : object;
    },
    async deliver(found, gaps) {
      const batch = new BatchBuilder({
        ...{ cluster: client.cluster, sink, partial: kind.metadataOnly },
        ...{ cursorName: '', observationsMax: found.length },
      });
      for (const one of found) batch.add(one, clock.nowMs());
      for (const gap of gaps) batch.gap(gap);
      await batch.flush();
    },
  };
}
