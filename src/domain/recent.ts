/**
 * A map that forgets what has not been used for long once the weights of its values exceed `weightMax`.
 *
 * Two generations instead of an exact order: what is used moves to the young one, and what is forgotten comes from the old one, in the order
 * it got there, unless it was used while it was young; when nothing is left of that, the young one becomes the old one. A hit in the young
 * generation then costs one look-up and a mark, which an exact order does not. Nothing is forgotten before the bound is reached: going round and round over what fits hits always.
 */
export class Recent<K, V> {
  readonly #weightMax: number;
  #young = new Map<K, Entry<V>>();
  #old = new Map<K, Entry<V>>();
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
      return young.value;
    }
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#young.set(key, old);
    return old.value;
  }

  /** A value heavier than half of the whole is not kept. */
  set(key: K, value: V, weight = 1): void {
    const young = this.#young.get(key);
    if (young !== undefined && weight <= this.#weightMax / 2) {
      this.#weight += weight - young.weight;
      young.value = value;
      young.weight = weight;
    } else {
      this.#remove(key);
      if (weight > this.#weightMax / 2) {
        this.#gone?.(value);
        return;
      }
      this.#young.set(key, { value, weight, used: false });
      this.#weight += weight;
    }
    this.#forget();
  }

  delete(key: K): void {
    const entry = this.#remove(key);
    if (entry !== undefined) this.#gone?.(entry.value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weight = 0;
  }

  #remove(key: K): Entry<V> | undefined {
    const entry = this.#young.get(key) ?? this.#old.get(key);
    if (entry === undefined) return undefined;
    this.#weight -= entry.weight;
    if (!this.#young.delete(key)) this.#old.delete(key);
    return entry;
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
      const [key, entry] = oldest;
      this.#old.delete(key);
      if (entry.used) {
        entry.used = false;
        this.#young.set(key, entry);
      } else {
        this.#weight -= entry.weight;
        this.#gone?.(entry.value);
      }
    }
  }
}

interface Entry<V> {
  value: V;
  weight: number;
  used: boolean;
}
