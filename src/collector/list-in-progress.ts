import type { Clock } from '../domain/clock.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { collectionPath, type ResourceKind } from '../kube/discovery.ts';
import { type KubeClient, KubeStatusError } from '../kube/kube-client.ts';
import type { BatchBuilder } from './batch-builder.ts';
import type { KindStatus } from './kind-status.ts';
import { gone, type KnownHead, ListComparison } from './list-comparison.ts';
import type { Unreadable } from './watch-event.ts';

export interface ListOptions {
  client: KubeClient;
  kind: ResourceKind;
  clock: Clock;
  status: KindStatus;
  heads: Iterable<KnownHead>;
  origin: 'list' | 'relist';
  /** Called once the list is complete and durable. */
  finished: () => void;
}

/** A list under way, in pages or as a stream: what it is compared with, and what is to be done when its last object has come. */
export class ListInProgress {
  readonly #options: ListOptions;
  readonly #comparison: ListComparison;
  /** Objects that could not even be named. */
  #unnamed = 0;

  constructor(options: ListOptions) {
    this.#options = options;
    this.#comparison = new ListComparison(options.heads, options.origin);
  }

  meet(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject, batch: BatchBuilder, nowMs: number): void {
    for (const found of this.#comparison.meet(type, object)) batch.add(found, nowMs);
  }

  reject(unreadable: Unreadable, batch: BatchBuilder, nowMs: number): void {
    const { name, namespace = '' } = unreadable.identity;
    if (name === undefined) this.#unnamed += 1;
    else this.#comparison.keep(namespace, name);
    this.#options.status.rejected(unreadable, batch, nowMs);
  }

  /** Delivers the deletions nobody saw and then the position, in one batch with the last of them. */
  async finish(position: string, batch: BatchBuilder, signal: AbortSignal): Promise<void> {
    const { clock, status, finished } = this.#options;
    for (const head of this.#comparison.missing()) {
      // When objects could not be named, what is missing may be one of them, so the server is asked about each.
      if (this.#unnamed > 0 && !(await this.#isGone(head, signal))) continue;
      batch.add(gone(head), clock.nowMs());
      if (batch.isFull) await batch.flush();
    }
    await batch.flush(position);
    status.objects = this.#comparison.objects;
    finished();
  }

  async #isGone(head: KnownHead, signal: AbortSignal): Promise<boolean> {
    const { client, kind } = this.#options;
    const { name, namespace } = head.ref;
    const path = `${collectionPath(kind, namespace === '' ? undefined : namespace)}/${encodeURIComponent(name)}`;
    try {
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
      const object = await client.request('GET', path, { accept, signal });
      return (object.metadata as { uid?: unknown } | undefined)?.uid !== head.uid;
    } catch (error) {
      if (error instanceof KubeStatusError && error.status === 404) return true;
      throw error;
    }
  }
}
