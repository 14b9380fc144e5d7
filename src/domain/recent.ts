/**
 * What a value keeps for the one map that holds it, and for that alone. Where there are as many values as objects, an object around each of them
 * would be a tenth of what they take.
 */
export interface Held {
  weight: number;
  used: boolean;
}

/**
 * A map that forgets what has not been used for long once the weights of its values exceed `weightMax`.
 *
 * Two generations instead of an exact order: what is used moves to the young one, and what is forgotten comes from the old one, in the order
 * it got there, unless it was used while it was young; when nothing is left of that, the young one becomes the old one. A hit in the young
 * generation then costs one look-up and a mark, which an exact order does not. Nothing is forgotten before the bound is reached: going round and round over what fits hits always.
 */
export class RecentHeld<K, V extends Held> {
  readonly #weightMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  /** Goes through the old generation once; what was used since is no longer there. */
  #oldest = this.#old.entries();
  #weight = 0;
  readonly #gone: ((value: V) => void) | undefined;

  /** `gone` is called with what is forgotten or deleted, but not with what is replaced or goes as all do. */
  constructor(weightMax: number, gone?: (value: V) => void) {
    this.#weightMax = weightMax;
    this.#gone = gone;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Of all values that are kept. */
  get weight(): number {
    return this.#weight;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) {
      young.used = true;
      return young;
    }
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#young.set(key, old);
    return old;
  }

  /** Also for a value that is kept under this key already and weighs something else now. One heavier than half of the whole is not kept. */
  set(key: K, value: V, weight = 1): void {
    const young = this.#young.get(key);
    if (young !== undefined && weight <= this.#weightMax / 2) {
      this.#weight += weight - young.weight;
      value.used = young.used;
      value.weight = weight;
      if (young !== value) this.#young.set(key, value);
    } else {
      this.#remove(key);
      if (weight > this.#weightMax / 2) {
        this.#gone?.(value);
        return;
      }
      value.used = false;
      value.weight = weight;
      this.#young.set(key, value);
      this.#weight += weight;
    }
    this.#forget();
  }

  delete(key: K): void {
    const value = this.#remove(key);
    if (value !== undefined) this.#gone?.(value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }

  #remove(key: K): V | undefined {
    const value = this.#young.get(key) ?? this.#old.get(key);
    if (value === undefined) return undefined;
    this.#weight -= value.weight;
    if (!this.#young.delete(key)) this.#old.delete(key);
    return value;
  }

  #forget(): void {
    while (this.#weight > this.#weightMax) {
      const oldest = this.#oldest.next().value;
      if (oldest === undefined) {
        this.#old = this.#young;
        this.#young = new Map();
        this.#oldest = this.#old.entries();
        continue;
      }
      const [key, value] = oldest;
      this.#old.delete(key);
      if (value.used) {
        value.used = false;
        this.#young.set(key, value);
      } else {
        this.#weight -= value.weight;
        this.#gone?.(value);
      }
    }
  }
}

/** The same for values of any sort. */
export class Recent<K, V> {
  readonly #held: RecentHeld<K, Entry<V>>;

  /** As of `RecentHeld`. */
  constructor(weightMax: number, gone?: (value: V) => void) {
    this.#held = new RecentHeld(weightMax, gone === undefined ? undefined : ({ value }) => gone(value));
  }

  get size(): number {
    return this.#held.size;
  }

  get weight(): number {
    return this.#held.weight;
  }

  get(key: K): V | undefined {
    return this.#held.get(key)?.value;
  }

  set(key: K, value: V, weight = 1): void {
    this.#held.set(key, { value, weight, used: false }, weight);
  }

  delete(key: K): void {
    this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
  }
}

interface Entry<V> extends Held {
  value: V;
}
