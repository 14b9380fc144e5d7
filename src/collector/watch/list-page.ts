import type { Clock } from '../../domain/clock.ts';
import { type ScannedObject, scanObject } from '../../domain/scan/object-scan.ts';
import type { KubeStream } from '../../kube/kube-client.ts';
import { statusError, statusOfAnswer } from '../../kube/kube-status.ts';
import type { BatchBuilder } from './batch-builder.ts';
import type { Listed } from './consistency-suspects.ts';
import { guardedChunks, readBody } from './guarded-stream.ts';
import { scanIdentity } from './identity-scan.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { KindStatus } from './kind-status.ts';
import type { PieceHandler } from './line-splitter.ts';
import type { ListInProgress } from './list-in-progress.ts';
import { ListSplitter } from './list-splitter.ts';
import { parseListItem, tooLarge, type Unreadable } from './watch-event.ts';

/** What a page of a list says of itself. */
export interface Envelope {
  resourceVersion: string;
  /** The token of the next page. */
  continue: string | undefined;
}

export interface ItemReading {
  clock: Clock;
  signal: AbortSignal;
  silenceMs: number;
  objectBytesMax: number;
}

export interface PageReading extends ItemReading {
  kind: PlannedKind;
  status: KindStatus;
  list: ListInProgress;
  batch: BatchBuilder;
}

/** Reads one page of a list object by object, delivering as it comes. Throws when it was cut. */
export async function readPage(stream: KubeStream, reading: PageReading): Promise<Envelope> {
  const { kind, clock, objectBytesMax, status, list, batch } = reading;
  let items: { item: ReturnType<typeof parseListItem>; scanned?: ScannedObject | undefined }[] = [];
  const scanItem = (bytes: Buffer) => (kind.metadataOnly === true ? undefined : scanObject(bytes, 0));
  const handler = {
    piece: (bytes: Buffer) => void items.push({ item: parseListItem(bytes, kind), scanned: scanItem(bytes) }),
    oversized: (prefix: Buffer) => void items.push({ item: tooLarge(prefix, objectBytesMax) }),
  };
  const envelope = await readItems(stream, reading, handler, async () => {
    const nowMs = clock.nowMs();
    for (const { item, scanned } of items) {
      if (isUnreadable(item)) list.reject(item, batch, nowMs);
      else list.meet({ type: 'ADDED', object: item, scanned }, batch, nowMs);
      if (batch.isFull) await batch.flush();
    }
    status.arrived('ADDED', items.length, nowMs);
    items = [];
  });
  await batch.flush();
  return envelope;
}

/** Reads one page for what identifies each object. Throws what the server answered when that is no list. */
export async function readMetadataPage(
  stream: KubeStream,
  reading: ItemReading,
  take: (listed: Listed) => void,
): Promise<Envelope> {
  if (stream.status !== 200) {
    const body = await readBody(stream, { ...reading, idleMs: () => reading.silenceMs, bytesMax: 64 * 1024 });
    throw statusError(statusOfAnswer(stream.status, stream.headers, body));
  }
  const handler: PieceHandler = {
    piece(bytes) {
      const { metadata } = JSON.parse(bytes.toString('utf8')) as { metadata?: Partial<Listed> };
      const { namespace = '', name, uid, resourceVersion } = metadata ?? {};
      // What has no identity cannot be recorded by the watch either, which counts it.
      if (name !== undefined && uid !== undefined && resourceVersion !== undefined)
        take({ namespace, name, uid, resourceVersion });
    },
    // Its identity is at its beginning; that the watch rejects it too is counted there.
    oversized(prefix) {
      const { namespace = '', name, uid, resourceVersion } = scanIdentity(prefix);
      if (name !== undefined && uid !== undefined && resourceVersion !== undefined)
        take({ namespace, name, uid, resourceVersion });
    },
  };
  return readItems(stream, reading, handler, async () => {});
}

/** What a page says of itself, whatever it holds. */
export function readEnvelope(stream: KubeStream, reading: ItemReading): Promise<Envelope> {
  return readItems(stream, reading, { piece() {}, oversized() {} }, async () => {});
}

/** Reads one page item by item; `afterRead` is awaited after each read, before the next. Throws when the page was cut. */
export async function readItems(
  stream: KubeStream,
  reading: ItemReading,
  handler: PieceHandler,
  afterRead: () => Promise<void>,
): Promise<Envelope> {
  const { clock, signal, silenceMs, objectBytesMax } = reading;
  const splitter = new ListSplitter(objectBytesMax);
  for await (const chunk of guardedChunks(stream, { clock, signal, idleMs: () => silenceMs })) {
    splitter.push(chunk, handler);
    await afterRead();
  }
  const { metadata } = splitter.end() as { metadata?: { resourceVersion?: unknown; continue?: unknown } };
  if (typeof metadata?.resourceVersion !== 'string' || metadata.resourceVersion === '')
    throw new Error('the list has no resourceVersion');
  const more = typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  return { resourceVersion: metadata.resourceVersion, continue: more };
}

export function isUnreadable(value: ReturnType<typeof parseListItem>): value is Unreadable {
  return value.type === 'UNREADABLE' && 'identity' in value && 'code' in value;
}
