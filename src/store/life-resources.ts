/**
 * Of which resource each life is, which sorting revisions asks for every one of them. A number each outside of the collected heap, by the life's id,
 * as ids are dense; lives beyond the bound are looked up each time.
 */
import type Database from 'better-sqlite3';

/** Four bytes each. */
const LIVES_MAX = 1_000_000;
const LIVES_MIN = 1_024;

export class LifeResources {
  readonly #find: Database.Statement<[number], number>;
  /** 0 where it is not known. */
  #resources = new Uint32Array(LIVES_MIN);

  constructor(db: Database.Database) {
    this.#find = db
      .prepare<[number], number>('SELECT o.resource_id FROM life l JOIN object o ON o.id = l.object_id WHERE l.id = ?')
      .pluck();
  }

  /** Undefined when there is no such life. */
  of(lifeId: number): number | undefined {
    const known = this.#resources[lifeId] ?? 0;
    if (known !== 0) return known;
    const resourceId = this.#find.get(lifeId);
    if (resourceId !== undefined && lifeId < LIVES_MAX) this.#keep(lifeId, resourceId);
    return resourceId;
  }

  /** After lives were removed, whose ids may be given again, and after a write that was rolled back. */
  forget(): void {
    this.#resources = new Uint32Array(LIVES_MIN);
  }

  #keep(lifeId: number, resourceId: number): void {
    if (lifeId >= this.#resources.length) {
      const grown = new Uint32Array(Math.min(LIVES_MAX, Math.max(lifeId + 1, this.#resources.length * 2)));
      grown.set(this.#resources);
      this.#resources = grown;
    }
    this.#resources[lifeId] = resourceId;
  }
}
