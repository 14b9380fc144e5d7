/**
 * A map that forgets what has not been used for long once the weights of its values exceed `weightMax`.
 *
 * Two generations instead of an exact order: what is used moves to the young one; when that is half full it becomes the old one and
 * what was old is forgotten. A hit in the young generation then costs one look-up and no writing, which an exact order does not.
 */
export class Recent<K, V> {
  readonly #weightMax: number;
  #young = new Map<K, Entry<V>>();
  #old = new Map<K, Entry<V>>();
  #youngWeight = 0;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#add(key, old);
    return old.value;
  }

  /** A value heavier than half of the whole is not kept. */
  set(key: K, value: V, weight = 1): void {
    const young = this.#young.get(key);
    if (young !== undefined && weight <= this.#weightMax / 2) {
      this.#youngWeight += weight - young.weight;
      young.value = value;
      young.weight = weight;
      this.#age();
      return;
    }
    this.delete(key);
    if (weight <= this.#weightMax / 2) this.#add(key, { value, weight });
  }

  delete(key: K): void {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#young.delete(key);
      this.#youngWeight -= young.weight;
    }
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngWeight = 0;
  }

  #add(key: K, entry: Entry<V>): void {
    this.#young.set(key, entry);
    this.#youngWeight += entry.weight;
    this.#age();
  }

  #age(): void {
    if (this.#youngWeight <= this.#weightMax / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngWeight = 0;
  }
}

interface Entry<V> {
  value: V;
  weight: number;
}
