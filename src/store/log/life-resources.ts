/**
 * Of which resource and in which namespace each life is, which sorting revisions asks for every one of them. Two numbers each outside of the collected
 * heap, by the life's id, as ids are dense; lives beyond the bound are looked up each time.
 */
import type Database from 'better-sqlite3';

/** Eight bytes each. */
const LIVES_MAX = 1_000_000;
const LIVES_MIN = 1_024;

export class LifeResources {
  readonly #find: Database.Statement<[number], [number, number]>;
  /** 0 where it is not known. */
  #resources = new Uint32Array(LIVES_MIN);
  #namespaces = new Uint32Array(LIVES_MIN);

  constructor(db: Database.Database) {
    this.#find = db
      .prepare<[number], [number, number]>(
        'SELECT o.resource_id, o.namespace_id FROM life l JOIN object o ON o.id = l.object_id WHERE l.id = ?',
      )
      .raw();
  }

  /** Undefined when there is no such life. */
  of(lifeId: number): number | undefined {
    return this.#resources[lifeId] || this.#look(lifeId)?.[0];
  }

  /** Undefined when there is no such life. */
  namespaceOf(lifeId: number): number | undefined {
    return this.#namespaces[lifeId] || this.#look(lifeId)?.[1];
  }

  /** After lives were removed, whose ids may be given again, and after a write that was rolled back. */
  forget(): void {
    this.#resources = new Uint32Array(LIVES_MIN);
    this.#namespaces = new Uint32Array(LIVES_MIN);
  }

  #look(lifeId: number): [number, number] | undefined {
    const found = this.#find.get(lifeId);
    if (found === undefined || lifeId >= LIVES_MAX) return found;
    if (lifeId >= this.#resources.length) {
      const length = Math.min(LIVES_MAX, Math.max(lifeId + 1, this.#resources.length * 2));
      [this.#resources, this.#namespaces] = [grown(this.#resources, length), grown(this.#namespaces, length)];
    }
    [this.#resources[lifeId], this.#namespaces[lifeId]] = found;
    return found;
  }
}

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}
