/**
 * Tells objects that left a selection from those that are gone. To a watch with a selector both look alike: the server sends DELETED when an
 * object's labels change so that it fits no more. It was not deleted, and the record must not say so: the object is looked up, and what is
 * recorded is the change that took it out. After that it is not followed; its later fate is unknown until it fits again.
 */
import type { KubeObject, ObjectRef } from '../../domain/object-ref.ts';
import { refOf } from '../../domain/object-ref.ts';
import type { Selector } from '../../domain/selector.ts';
import { collectionPath } from '../../kube/discovery.ts';
import { type KubeClient, KubeStatusError } from '../../kube/kube-client.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { Found, KnownHead, KnownObjects } from './list-comparison.ts';
import { readHeaders, selectorOf } from './read-mode.ts';
import { parseListItem } from './watch-event.ts';

export interface SelectionCheckOptions {
  client: KubeClient;
  kind: PlannedKind;
  known: KnownObjects;
}

export class SelectionCheck {
  readonly #options: SelectionCheckOptions;
  readonly #fits: Selector;

  /** Undefined for a kind that is watched whole. */
  static of(options: SelectionCheckOptions): SelectionCheck | undefined {
    const fits = selectorOf(options.kind);
    return fits === undefined ? undefined : new SelectionCheck(options, fits);
  }

  private constructor(options: SelectionCheckOptions, fits: Selector) {
    this.#options = options;
    this.#fits = fits;
  }

  /** What a DELETED event amounts to: itself, the change that took the object out, or nothing, when it fits again and the stream will say so. */
  async deleted(object: KubeObject, signal: AbortSignal): Promise<Found | undefined> {
    const now = await this.#lookUp(refOf('', object), object.metadata.uid, signal);
    if (now === undefined) return { type: 'DELETED', object, origin: 'watch' };
    return this.#fits(now) ? undefined : { type: 'MODIFIED', object: now, origin: 'watch' };
  }

  /** What it means that a recorded object is not in a list: undefined when it is there and only outside. `gone` makes the deletion. */
  async missing(head: KnownHead, signal: AbortSignal, gone: (head: KnownHead) => Found): Promise<Found | undefined> {
    const recorded = this.#options.known.state?.(head.ref);
    // Known to be outside; whether it is still there is nothing this stream could tell.
    if (recorded !== undefined && !this.#fits(recorded)) return undefined;
    const now = await this.#lookUp(head.ref, head.uid, signal);
    if (now === undefined) return gone(head);
    return this.#fits(now) ? undefined : { type: 'MODIFIED', object: now, origin: 'relist' };
  }

  /** The object as it is, if it is there in the same life. */
  async #lookUp(ref: Pick<ObjectRef, 'namespace' | 'name'>, uid: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { client, kind } = this.#options;
    const path = `${collectionPath(kind, kind.namespaced ? ref.namespace : undefined)}/${encodeURIComponent(ref.name)}`;
    try {
      const answer = await client.request('GET', path, { ...readHeaders(kind), signal });
      const object = parseListItem(Buffer.from(JSON.stringify(answer)), kind);
      if (object.type === 'UNREADABLE' && 'what' in object) throw new Error(`${kind.kind} ${ref.name}: ${String(object.what)}`);
      const found = object as KubeObject;
      return found.metadata.uid === uid ? found : undefined;
    } catch (error) {
      if (error instanceof KubeStatusError && error.status === 404) return undefined;
      throw error;
    }
  }
}
