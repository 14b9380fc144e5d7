/**
 * What postings are made of, kept of the changes appended last, so that upkeep need not read back what was just written. Numbers outside of the collected heap,
 * in a ring with room for a few runs; what is not there is read from the database.
 */

/** The ids of a change's writers, its set of paths, its resource and its namespace, in the order of `DIMENSIONS`; 0 for none, which no id is. */
export interface YoungRow {
  seq: number;
  actorSetId: number;
  pathsetId: number;
  resourceId: number;
  namespaceId: number;
}

const VALUES_PER_ROW = 4;

export class YoungRows {
  readonly #room: number;
  #values: Uint32Array | undefined;
  /** Those from here on, and before `#end`, are there. */
  #first = 0;
  #end = 0;

  /** `room` is how many are kept at most. */
  constructor(room: number) {
    this.#room = room;
  }

  forget(): void {
    this.#first = this.#end;
  }

  /** Rows come by rising seq; where one is left out, those before it are forgotten. */
  add({ seq, actorSetId, pathsetId, resourceId, namespaceId }: YoungRow): void {
    this.#values ??= new Uint32Array(this.#room * VALUES_PER_ROW);
    if (seq !== this.#end) this.#first = seq;
    this.#end = seq + 1;
    if (this.#end - this.#first > this.#room) this.#first = this.#end - this.#room;
    const at = this.#at(seq);
    this.#values[at] = actorSetId;
    this.#values[at + 1] = pathsetId;
    this.#values[at + 2] = resourceId;
    this.#values[at + 3] = namespaceId;
  }

  /** Whether all changes of a stretch are there. */
  has(firstSeq: number, lastSeq: number): boolean {
    return firstSeq >= this.#first && lastSeq < this.#end;
  }

  /** The value of a change that is there in a dimension, which count from 1; NaN where it has none. */
  value(seq: number, dimension: number): number {
    return this.#values?.[this.#at(seq) + dimension - 1] || Number.NaN;
  }

  #at(seq: number): number {
    return (seq % this.#room) * VALUES_PER_ROW;
  }
}
