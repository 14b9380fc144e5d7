/**
 * What is kept for a kind's path, found by the number of that place and not by its name: a look-up by name compares texts, and there were more than a
 * hundred of them for each change. Derived from what it is asked, so no part of a snapshot, which leaves out what a symbol names: the fields of a change that
 * waited in one have no place, and what is kept for them is looked up by name.
 */
import { touch } from './habits/counts.ts';

/** Where a field lies: the number of its kind and path in the book of its cluster. Absent or below zero where it has none. */
export const PLACE = Symbol('place');

export interface Placed {
  readonly [PLACE]?: number;
}

/** Of what follows from the kind and the path alone, and so is true for good. */
export class ByPlace<V> {
  #values: (V | undefined)[] = [];

  get(field: Placed): V | undefined {
    const at = field[PLACE] ?? -1;
    return at >= 0 && at < this.#values.length ? this.#values[at] : undefined;
  }

  put(field: Placed, value: V): void {
    const at = field[PLACE] ?? -1;
    const values = this.#values;
    // Without a hole: an array with holes is read more slowly.
    while (values.length < at) values.push(undefined);
    if (at >= 0) values[at] = value;
  }

  clear(): void {
    this.#values = [];
  }
}

/**
 * Values of a Map that holds at most `cap`, the least recently used giving way as in `touch`. While the map is at most half full nothing gives way and nothing
 * is moved to its end, so that a value found once is still there; after that each is looked up by name.
 */
export class KnownPlaces<V extends object> {
  readonly #cap: number;
  readonly #known = new ByPlace<V>();

  constructor(cap: number) {
    this.#cap = cap;
  }

  /** Undefined where it is not known: then `find` or `touch` has to be asked, with the name. */
  at(map: ReadonlyMap<string, V>, field: Placed): V | undefined {
    return map.size > this.#cap / 2 ? undefined : this.#known.get(field);
  }

  find(map: ReadonlyMap<string, V>, field: Placed, key: string): V | undefined {
    const value = map.get(key);
    if (value !== undefined) this.#known.put(field, value);
    return value;
  }

  touch(map: Map<string, V>, field: Placed, key: string, make: () => V): V {
    const value = touch(map, key, this.#cap, make);
    this.#known.put(field, value);
    return value;
  }

  /** To be called when the map is another one. */
  clear(): void {
    this.#known.clear();
  }
}
