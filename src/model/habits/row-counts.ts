/** How often each of a few names came up under a row, such as the paths of an object that were replaced: one packed list for each row. */
import { RowLists, type RowListsState } from './row-lists.ts';
import { SharedNames, type SharedNamesState } from './shared-names.ts';

export interface RowCountsState {
  /** Name and count in turns, in the order of their first. */
  lists: RowListsState;
  names: SharedNamesState;
}

export class RowCounts {
  readonly #lists = new RowLists();
  readonly #names = new SharedNames();

  get(row: number, name: string): number {
    const at = this.#placeOf(row, name);
    return at < 0 ? 0 : this.#lists.at(row, at + 1);
  }

  /** A new name beyond `cap` is not counted. */
  increment(row: number, name: string, cap: number): void {
    this.#put(row, name, this.get(row, name) + 1, cap);
  }

  /** Counts at least `count` of a name from here on; a new one beyond `cap` is not counted. */
  raise(row: number, name: string, count: number, cap: number): void {
    if (count > this.get(row, name)) this.#put(row, name, count, cap);
  }

  #put(row: number, name: string, count: number, cap: number): void {
    const lists = this.#lists;
    const at = this.#placeOf(row, name);
    if (at >= 0) lists.put(row, at + 1, count);
    else if (lists.length(row) < 2 * cap) lists.insert(row, lists.length(row), [this.#names.take(name), count]);
  }

  /** How many names a row has, and which; in the order of their first. */
  size(row: number): number {
    return this.#lists.length(row) / 2;
  }

  nameAt(row: number, i: number): string {
    return this.#names.nameOf(this.#lists.at(row, 2 * i));
  }

  forget(row: number): void {
    for (let i = 0; i < this.#lists.length(row); i += 2) this.#names.drop(this.#lists.at(row, i));
    this.#lists.forget(row);
  }

  #placeOf(row: number, name: string): number {
    const number = this.#lists.length(row) === 0 ? -1 : this.#names.find(name);
    return number < 0 ? -1 : this.#lists.placeOf(row, number);
  }

  save(): RowCountsState {
    return { lists: this.#lists.save(), names: this.#names.save() };
  }

  load({ lists, names }: RowCountsState): void {
    this.#lists.load(lists);
    this.#names.load(names);
  }
}

/** Those of a row in a saved state. */
export function countsIn(saved: RowCountsState, row: number): Map<string, number> {
  const lists = new RowLists();
  lists.load(saved.lists);
  const counts = new Map<string, number>();
  for (let i = 0; i < lists.length(row); i += 2) counts.set(saved.names.names[lists.at(row, i)] as string, lists.at(row, i + 1));
  return counts;
}
