import type { ChangeOrigin, ChangeType } from '../domain/change.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import { apiVersionOf } from '../domain/object-ref.ts';

/** What is recorded of a kind's live objects; the store behind it. */
export interface KnownObjects {
  heads(group: string, kind: string, namespace?: string): Iterable<KnownHead>;
}

export interface KnownHead {
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
}

export interface Found {
  type: ChangeType;
  object: KubeObject;
  origin: ChangeOrigin;
}

/**
 * Compares the objects of a list with what is recorded, one object at a time and in any order, by uid: equal uid and resourceVersion
 * is nothing new, another resourceVersion is a modification, another uid is a deletion and a new life. What is recorded and was not in
 * the list is gone. Keeps one small entry per object for the time of a list.
 */
export class ListComparison {
  readonly #origin: 'list' | 'relist';
  readonly #left = new Map<string, KnownHead>();
  readonly #seen = new Set<string>();

  constructor(heads: Iterable<KnownHead>, origin: 'list' | 'relist') {
    this.#origin = origin;
    for (const { ref, uid, resourceVersion } of heads)
      this.#left.set(keyOf(ref.namespace, ref.name), { ref, uid, resourceVersion });
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
      if (head?.uid === uid && head.resourceVersion === resourceVersion) return found;
      found.push({ type: known ? 'MODIFIED' : 'ADDED', object, origin: this.#origin });
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
  return { type: 'DELETED', object: { apiVersion: apiVersionOf(ref), kind: ref.kind, metadata }, origin: 'relist' };
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
