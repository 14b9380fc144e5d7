/**
 * Things with long names by number, the objects of a cluster above all: what detectors keep of one lies in columns of their own under its row here, so
 * that its name is kept once. At `max` names the one seen least recently gives its row to the next; `forget` tells whoever holds anything under that row.
 */

import { dropOldest } from './counts.ts';

export interface RowTableState {
  /** By name, the least recently seen first. */
  rows: Map<string, number>;
}

const ROWS_MAX = 200_000;

export class RowTable {
  readonly #max: number;
  readonly #forget: (row: number) => void;
  #rows = new Map<string, number>();
  /** The name of each row; given to whoever asks, so that there is one string of it. */
  #names: string[] = [];

  constructor({ max = ROWS_MAX, forget = () => {} }: { max?: number; forget?: (row: number) => void } = {}) {
    this.#max = max;
    this.#forget = forget;
  }

  /** The row of a name, given on first sight; marks it as seen. */
  rowOf(name: string): number {
    const known = this.#rows.get(name);
    if (known !== undefined) {
      // Moving to the end costs two hash operations: only worth it where something could be evicted soon.
      if (!this.isAtEase()) this.#place(this.nameOf(known), known);
      return known;
    }
    const row = this.#rows.size < this.#max ? this.#rows.size : this.#vacate();
    this.#names[row] = name;
    this.#place(name, row);
    return row;
  }

  /** Whether no name has to give way soon, so that nothing need be marked as seen. */
  isAtEase(): boolean {
    return this.#rows.size <= this.#max / 2;
  }

  #place(name: string, row: number): void {
    this.#rows.delete(name);
    this.#rows.set(name, row);
  }

  #vacate(): number {
    const [, row] = dropOldest(this.#rows) as [string, number];
    this.#forget(row);
    return row;
  }

  /** Without giving a row or marking anything as seen. */
  find(name: string): number | undefined {
    return this.#rows.get(name);
  }

  /** The name of a row that was given. */
  nameOf(row: number): string {
    return this.#names[row] as string;
  }

  save(): RowTableState {
    return { rows: this.#rows };
  }

  load({ rows }: RowTableState): void {
    this.#rows = rows;
    this.#names = [];
    for (const [name, row] of rows) this.#names[row] = name;
  }
}
