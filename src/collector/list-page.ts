import type { Clock } from '../domain/clock.ts';
import type { ResourceKind } from '../kube/discovery.ts';
import type { KubeStream } from '../kube/kube-client.ts';
import type { BatchBuilder } from './batch-builder.ts';
import { guardedChunks } from './guarded-stream.ts';
import type { KindStatus } from './kind-status.ts';
import type { ListInProgress } from './list-in-progress.ts';
import { ListSplitter } from './list-splitter.ts';
import { parseListItem, tooLarge, type Unreadable } from './watch-event.ts';

export interface PageReading {
  kind: ResourceKind;
  clock: Clock;
  signal: AbortSignal;
  silenceMs: number;
  objectBytesMax: number;
  status: KindStatus;
  list: ListInProgress;
  batch: BatchBuilder;
}

/** Reads one page of a list object by object, delivering as it comes, and returns what the page says of itself. Throws when it was cut. */
export async function readPage(
  stream: KubeStream,
  reading: PageReading,
): Promise<{ resourceVersion: string; continue: string | undefined }> {
  const { kind, clock, signal, objectBytesMax, status, list, batch } = reading;
  const splitter = new ListSplitter(objectBytesMax);
  let items: ReturnType<typeof parseListItem>[] = [];
  const handler = {
    piece: (bytes: Buffer) => void items.push(parseListItem(bytes, kind)),
    oversized: (prefix: Buffer) => void items.push(tooLarge(prefix, objectBytesMax)),
  };
  for await (const chunk of guardedChunks(stream, { clock, signal, idleMs: () => reading.silenceMs })) {
    splitter.push(chunk, handler);
    const nowMs = clock.nowMs();
    for (const item of items) {
      if (isUnreadable(item)) list.reject(item, batch, nowMs);
      else list.meet('ADDED', item, batch, nowMs);
      if (batch.isFull) await batch.flush();
    }
    status.arrived('ADDED', items.length, nowMs);
    items = [];
  }
  await batch.flush();
  const { metadata } = splitter.end() as { metadata?: { resourceVersion?: unknown; continue?: unknown } };
  if (typeof metadata?.resourceVersion !== 'string' || metadata.resourceVersion === '')
    throw new Error('the list has no resourceVersion');
  const more = typeof metadata.continue === 'string' && metadata.continue !== '' ? metadata.continue : undefined;
  return { resourceVersion: metadata.resourceVersion, continue: more };
}

function isUnreadable(value: ReturnType<typeof parseListItem>): value is Unreadable {
  return value.type === 'UNREADABLE' && 'identity' in value && 'code' in value;
}
