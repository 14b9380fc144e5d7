/**
 * Which change of a life comes first behind a span. The chain of an object's changes only leads back, so that finding it costs the way from the object's newest
 * change; where a flood goes over many objects, that way is long for each of them, and the change lies near behind the span for most.
 */
import type Database from 'better-sqlite3';

/** Changes behind a span that are looked at. */
const LOOKED_AT = 8_192;

export class NextChanges {
  readonly #sql;
  /** The first change of each life behind the span that ends with `#spanEnd`. */
  #first = new Map<number, number>();
  #spanEnd: number | undefined;

  constructor(db: Database.Database) {
    this.#sql = {
      behind: db
        .prepare<[number, number], [number, number]>('SELECT seq, life_id FROM change WHERE seq > ? ORDER BY seq LIMIT ?')
        .raw(),
      previous: db.prepare<[number], number | null>('SELECT previous FROM change WHERE seq = ?').pluck(),
    };
  }

  /** The change of a life that points back to `seq`, its last one in the span that ends with `spanEnd`; undefined where it has none near behind. */
  after(seq: number, lifeId: number, spanEnd: number): number | undefined {
    if (this.#spanEnd !== spanEnd) this.#look(spanEnd);
    const next = this.#first.get(lifeId);
    // Asked anew, as links move and what was looked at may be gone.
    return next !== undefined && this.#sql.previous.get(next) === next - seq ? next : undefined;
  }

  #look(spanEnd: number): void {
    this.#spanEnd = spanEnd;
    this.#first = new Map();
    for (const [seq, lifeId] of this.#sql.behind.iterate(spanEnd, LOOKED_AT))
      if (!this.#first.has(lifeId)) this.#first.set(lifeId, seq);
  }
}
