/**
 * The objects of a cluster by number: what detectors keep of an object lies in columns of their own under its row here, so that its long name is kept
 * once. At `max` objects the one that was seen least recently gives its row to the next; `forget` tells whoever holds anything under that row.
 */

export interface ObjectTableState {
  /** By name, the least recently seen first. */
  rows: Map<string, number>;
}

/** An object's identity within the cluster, as `object` of an event. */
export interface ObjectParts {
  /** `group/Kind` */
  kind: string;
  namespace: string;
  name: string;
}

export const OBJECTS_MAX = 150_000;

export class ObjectTable {
  readonly #max: number;
  readonly #forget: (row: number) => void;
  #rows = new Map<string, number>();
  /** The name of each row; shared with the events, so that each object has one string. */
  #names: string[] = [];

  constructor({ max = OBJECTS_MAX, forget = () => {} }: { max?: number; forget?: (row: number) => void } = {}) {
    this.#max = max;
    this.#forget = forget;
  }

  /** The row of an object, given on first sight; marks it as seen. */
  rowOf(object: string): number {
    const known = this.#rows.get(object);
    if (known !== undefined) {
      // Moving to the end costs two hash operations: only worth it where something could be evicted soon.
      if (this.#rows.size > this.#max / 2) this.#place(this.nameOf(known), known);
      return known;
    }
    const row = this.#rows.size < this.#max ? this.#rows.size : this.#vacate();
    this.#names[row] = object;
    this.#place(object, row);
    return row;
  }

  #place(object: string, row: number): void {
    this.#rows.delete(object);
    this.#rows.set(object, row);
  }

  #vacate(): number {
    const [object, row] = this.#rows.entries().next().value as [string, number];
    this.#rows.delete(object);
    this.#forget(row);
    return row;
  }

  /** The name of a row that was given. */
  nameOf(row: number): string {
    return this.#names[row] as string;
  }

  save(): ObjectTableState {
    return { rows: this.#rows };
  }

  load({ rows }: ObjectTableState): void {
    this.#rows = rows;
    this.#names = [];
    for (const [object, row] of rows) this.#names[row] = object;
  }
}

export function objectId(ref: { group: string; kind: string; namespace: string; name: string }): string {
  return `${ref.group}/${ref.kind}\u0000${ref.namespace}\u0000${ref.name}`;
}

export function objectParts(object: string): ObjectParts {
  const [kind = '', namespace = '', name = ''] = object.split('\u0000');
  return { kind, namespace, name };
}
