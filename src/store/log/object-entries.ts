/**
 * The entries of objects by their names. They are found by a number made of the name, as a text for each of them would be a tenth of what an object takes in
 * memory; of two names with one number the entry that was put last is kept, and the other is read again when it is asked for.
 */
import type { ObjectRef } from '../../domain/object-ref.ts';
import { RecentHeld } from '../../domain/recent.ts';
import { textKey } from '../../domain/scan/object-scan.ts';
import type { ObjectEntry } from './object-entry.ts';

type Name = Pick<ObjectRef, 'cluster' | 'group' | 'kind' | 'namespace' | 'name'>;

export class ObjectEntries {
  readonly #held: RecentHeld<number, ObjectEntry>;

  /** `gone` is called with each that is let go of, unless all are. */
  constructor(entriesMax: number, gone: (entry: ObjectEntry) => void) {
    this.#held = new RecentHeld(entriesMax, gone);
  }

  get(name: Name): ObjectEntry | undefined {
    const entry = this.#held.get(nameKey(name));
    return entry !== undefined && isNamed(entry, name) ? entry : undefined;
  }

  /** Of a name that has none. */
  put(name: Name, entry: ObjectEntry): void {
    const key = nameKey(name);
    this.#held.delete(key);
    this.#held.set(key, entry);
  }

  delete(name: Name): void {
    if (this.get(name) !== undefined) this.#held.delete(nameKey(name));
  }

  clear(): void {
    this.#held.clear();
  }
}

/** A number of 32 bits; another name may have it too. */
export function nameKey({ cluster, group, kind, namespace, name }: Name): number {
  let key = textKey(name);
  key = textKey(namespace, key);
  key = textKey(kind, key);
  key = textKey(group, key);
  return textKey(cluster, key);
}

function isNamed({ ref }: ObjectEntry, { cluster, group, kind, namespace, name }: Name): boolean {
  return ref.name === name && ref.namespace === namespace && ref.kind === kind && ref.group === group && ref.cluster === cluster;
}
