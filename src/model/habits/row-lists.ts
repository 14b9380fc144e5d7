/**
 * Lists of whole numbers, one for each row, side by side in one array: a list moves to a larger room as it grows, and rooms given back are used again. An
 * array or a Map for each row takes several times as much. Numbers take two bytes each until one of them needs four. Plain data, as columns are.
 */
import { reachRow } from './columns.ts';

export interface RowListsState {
  rows: { start: Uint32Array; length: Uint16Array };
  numbers: Uint16Array | Uint32Array;
  used: number;
  /** Where rooms that were given back begin, by the place of their size among all sizes. */
  free: number[][];
}

const NARROW_MAX = 0xffff;
const FIRST_NUMBERS = 256;
/** Less than doubling: what is grown into is memory that nobody uses yet. */
const GROWTH = 1.05;
/** The share of rooms lying free from which all are put together again rather than more memory taken. */
const LYING_MAX = 0.2;

export class RowLists {
  #state: RowListsState = {
    rows: { start: new Uint32Array(), length: new Uint16Array() },
    numbers: new Uint16Array(),
    used: 0,
    free: [],
  };

  length(row: number): number {
    return this.#state.rows.length[row] ?? 0;
  }

  /** All lists' numbers, for a loop over one of them from `startOf` on: until any list gets longer or shorter. */
  get numbers(): Uint16Array | Uint32Array {
    return this.#state.numbers;
  }

  startOf(row: number): number {
    return this.#state.rows.start[row] as number;
  }

  at(row: number, i: number): number {
    const { rows, numbers } = this.#state;
    return numbers[(rows.start[row] as number) + i] as number;
  }

  /** The place of a number among those at even places of a list; -1 where it is not there. */
  placeOf(row: number, number: number): number {
    const length = this.length(row);
    if (length === 0) return -1;
    const { rows, numbers } = this.#state;
    const start = rows.start[row] as number;
    const end = start + length;
    for (let i = start; i < end; i += 2) if (numbers[i] === number) return i - start;
    return -1;
  }

  put(row: number, i: number, value: number): void {
    if (value > NARROW_MAX) this.#widen();
    const { rows, numbers } = this.#state;
    numbers[(rows.start[row] as number) + i] = value;
  }

  insert(row: number, at: number, values: readonly number[]): void {
    const { rows } = this.#state;
    if (row >= rows.length.length) reachRow(rows, row);
    const before = rows.length[row] as number;
    const after = before + values.length;
    if (before > 0 && sizeFor(before) === sizeFor(after)) {
      const start = rows.start[row] as number;
      this.#state.numbers.copyWithin(start + at + values.length, start + at, start + before);
    } else {
      const room = this.#takeRoom(sizeFor(after));
      const { numbers } = this.#state;
      // Taking a room may have moved them all.
      const start = rows.start[row] as number;
      numbers.copyWithin(room, start, start + at);
      numbers.copyWithin(room + at + values.length, start + at, start + before);
      if (before > 0) this.#giveBack(row);
      rows.start[row] = room;
    }
    rows.length[row] = after;
    for (let i = 0; i < values.length; i++) this.put(row, at + i, values[i] as number);
  }

  /** Takes `count` numbers out of a list; seldom, so that it need not be quick. */
  cut(row: number, at: number, count: number): void {
    const left: number[] = [];
    for (let i = 0; i < this.length(row); i++) if (i < at || i >= at + count) left.push(this.at(row, i));
    this.forget(row);
    if (left.length > 0) this.insert(row, 0, left);
  }

  forget(row: number): void {
    if (this.length(row) === 0) return;
    this.#giveBack(row);
    this.#state.rows.length[row] = 0;
  }

  #giveBack(row: number): void {
    const { rows, free } = this.#state;
    const size = sizeFor(rows.length[row] as number);
    free[size] ??= [];
    free[size].push(rows.start[row] as number);
  }

  #takeRoom(size: number): number {
    const state = this.#state;
    const free = state.free[size]?.pop();
    if (free !== undefined) return free;
    if (state.used + lengthOf(size) > state.numbers.length && this.#lying() > state.used * LYING_MAX) this.#pack();
    const room = state.used;
    state.used += lengthOf(size);
    if (state.used > state.numbers.length) this.#reach(state.used);
    return room;
  }

  #reach(used: number): void {
    const { numbers } = this.#state;
    const length = Math.max(FIRST_NUMBERS, used, Math.ceil(numbers.length * GROWTH));
    const grown = numbers instanceof Uint16Array ? new Uint16Array(length) : new Uint32Array(length);
    grown.set(numbers);
    this.#state.numbers = grown;
  }

  /** How many numbers the rooms hold that were given back. */
  #lying(): number {
    return this.#state.free.reduce((sum, rooms, size) => sum + rooms.length * lengthOf(size), 0);
  }

  /** Puts all rooms side by side again: lists that grow together leave rooms behind that none of them fits into. */
  #pack(): void {
    const { rows, numbers } = this.#state;
    const packed = numbers.slice();
    let used = 0;
    for (let row = 0; row < rows.length.length; row++) {
      const length = rows.length[row] as number;
      if (length === 0) continue;
      const start = rows.start[row] as number;
      packed.set(numbers.subarray(start, start + length), used);
      rows.start[row] = used;
      used += lengthOf(sizeFor(length));
    }
    this.#state.numbers = packed;
    this.#state.used = used;
    this.#state.free = [];
  }

  #widen(): void {
    const { numbers } = this.#state;
    if (numbers instanceof Uint16Array) this.#state.numbers = Uint32Array.from(numbers);
  }

  save(): RowListsState {
    return this.#state;
  }

  load(state: RowListsState): void {
    this.#state = state;
  }
}

/** Rooms hold 2, 3, 4, 6, 8, 12, 16 … numbers. */
function lengthOf(size: number): number {
  return (2 + (size & 1)) << (size >> 1);
}

/** The smallest that holds so many. */
function sizeFor(length: number): number {
  let size = 0;
  while (lengthOf(size) < length) size++;
  return size;
}
