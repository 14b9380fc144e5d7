import type { ChangeOrigin, ChangeType } from '../../domain/change.ts';
import type { KubeObject, ObjectRef } from '../../domain/object-ref.ts';
import { apiVersionOf } from '../../domain/object-ref.ts';
import { compareResourceVersions } from '../../domain/resource-version.ts';

/** What is recorded of a kind's live objects; the store behind it. */
export interface KnownObjects {
  heads(group: string, kind: string, namespace?: string): Iterable<KnownHead>;
  /** The recorded state of an object; asked only about kinds that are watched by a selector. */
  state?(ref: ObjectRef): KubeObject | undefined;
  /** The newest recorded of a name, deleted or not. Without it nothing can be checked while the watch goes on. */
  head?(ref: ObjectRef): RecordedHead | undefined;
}

export interface KnownHead {
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
  generation?: number | undefined;
}

export interface RecordedHead extends KnownHead {
  deleted: boolean;
}

export interface Found {
  type: ChangeType;
  object: KubeObject;
  origin: ChangeOrigin;
  /** What was recorded of the same life before. */
  before?: KnownHead;
}

/**
 * Compares the objects of a list with what is recorded, one object at a time and in any order, by uid: equal uid and resourceVersion
 * is nothing new, another resourceVersion is a modification, another uid is a deletion and a new life. What is recorded and was not in
 * the list is gone. Keeps one small entry per object for the time of a list.
 *
 * After a restore from a backup an equal uid and resourceVersion proves nothing: with `distrust` each object is handed on, and whoever
 * records compares the content.
 */
export class ListComparison {
  readonly #origin: 'list' | 'relist';
  readonly #left = new Map<string, KnownHead>();
  readonly #seen = new Set<string>();

  readonly #distrust: boolean;
  /** An object was shown at an older resourceVersion than is recorded, which no consistent list does: the storage went back in time. */
  wentBack = false;

  constructor(heads: Iterable<KnownHead>, origin: 'list' | 'relist', distrust = false) {
    this.#origin = origin;
    this.#distrust = distrust;
    for (const { ref, uid, resourceVersion, generation } of heads)
      this.#left.set(keyOf(ref.namespace, ref.name), { ref, uid, resourceVersion, generation });
  }

  /** Objects met so far. */
  get objects(): number {
    return this.#seen.size;
  }

  /** An object of the list. A streaming list may also tell of changes made while it runs: `type` as the server gives it. */
  meet(type: ChangeType, object: KubeObject): Found[] {
    const { uid, name, namespace, resourceVersion } = object.metadata;
    const key = keyOf(typeof namespace === 'string' ? namespace : '', name);
    const head = this.#left.get(key);
    this.#left.delete(key);
    const known = head?.uid === uid || this.#seen.has(uid);
    const found: Found[] = head === undefined || head.uid === uid ? [] : [gone(head)];
    if (type === 'DELETED') {
      this.#seen.delete(uid);
      found.push({ type, object, origin: 'watch' });
    } else {
      this.#seen.add(uid);
      if (head?.uid !== uid) found.push({ type: known ? 'MODIFIED' : 'ADDED', object, origin: this.#origin });
      else {
        const order = compareResourceVersions(resourceVersion, head.resourceVersion);
        this.wentBack ||= order === 'older';
        if (order === 'same' && !this.#distrust) return found;
        found.push({ type: 'MODIFIED', object, origin: this.#origin, before: head });
      }
    }
    return found;
  }

  /** An object that is in the list but cannot be read: it is not gone. */
  keep(namespace: string, name: string): void {
    this.#left.delete(keyOf(namespace, name));
  }

  /** What was recorded and has not been met, for the end of the list. */
  missing(): KnownHead[] {
    return [...this.#left.values()];
  }
}

/**
 * A deletion that nobody saw. The object has only what identifies it, at its last known resourceVersion: its last state is in the store
 * and nowhere else.
 */
export function gone(head: KnownHead): Found {
  const { ref, uid, resourceVersion } = head;
  const metadata: KubeObject['metadata'] = { name: ref.name, uid, resourceVersion };
  if (ref.namespace !== '') metadata.namespace = ref.namespace;
  const object = { apiVersion: apiVersionOf(ref), kind: ref.kind, metadata };
  return { type: 'DELETED', object, origin: 'relist', before: head };
}

export function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
