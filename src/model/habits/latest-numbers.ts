/**
 * A number by a number, in the order in which they were put last, so that the one put least recently can give way. A Map of as many takes four times as much, on a heap
 * that is gone through again and again.
 */
import { randomInt } from 'node:crypto';
import { reachRow } from './columns.ts';

/** Cells are counted from 1; 0 is none. */
export interface LatestNumbersState {
  cells: {
    key: Float64Array;
    value: Float64Array;
    /** The cells put before and after this one. */
    older: Uint32Array;
    newer: Uint32Array;
  };
  oldest: number;
  newest: number;
  size: number;
  /** A cell that nothing is in, if there are any; the next lies in `newer`. */
  free: number;
}

const FIRST_BUCKETS = 64;

/** Of each process its own, so that nobody outside can choose numbers that all come to one bucket. Which bucket it is changes no answer. */
const [SPREAD_HIGH, SPREAD] = [randomOdd(), randomOdd()];

function randomOdd(): number {
  return randomInt(2 ** 31) * 2 + 1;
}

export class LatestNumbers {
  #state: LatestNumbersState = {
    cells: { key: new Float64Array(), value: new Float64Array(), older: new Uint32Array(), newer: new Uint32Array() },
    ...{ oldest: 0, newest: 0, size: 0, free: 0 },
  };
  /** Derived: the first cell of each bucket, and the next one of the same bucket. */
  #buckets = new Uint32Array(FIRST_BUCKETS);
  #chain: { next: Uint32Array } = { next: new Uint32Array() };

  get size(): number {
    return this.#state.size;
  }

  get(key: number): number | undefined {
    const cell = this.#find(key);
    return cell === 0 ? undefined : this.#state.cells.value[cell];
  }

  /** Puts it last. */
  put(key: number, value: number): void {
    const known = this.#find(key);
    const cell = known === 0 ? this.#take() : known;
    const { cells, newest } = this.#state;
    cells.value[cell] = value;
    if (cell === newest) return;
    if (known !== 0) this.#unlink(cell);
    this.#link(cell);
    if (known !== 0) return;
    cells.key[cell] = key;
    if (this.#state.size > this.#buckets.length) this.#chainAll(2 * this.#buckets.length);
    else this.#chainUp(cell);
  }

  /** Lets go of what was put least recently; its value, undefined where there is nothing. */
  shift(): number | undefined {
    const state = this.#state;
    const cell = state.oldest;
    if (cell === 0) return undefined;
    this.#unlink(cell);
    this.#unchain(cell);
    state.cells.newer[cell] = state.free;
    state.free = cell;
    state.size--;
    return state.cells.value[cell];
  }

  #take(): number {
    const state = this.#state;
    state.size++;
    const free = state.free;
    if (free !== 0) {
      state.free = state.cells.newer[free] as number;
      return free;
    }
    // Without a free one all up to the last are in use.
    reachRow(state.cells, state.size);
    reachRow(this.#chain, state.size);
    return state.size;
  }

  #link(cell: number): void {
    const state = this.#state;
    state.cells.older[cell] = state.newest;
    state.cells.newer[cell] = 0;
    if (state.newest === 0) state.oldest = cell;
    else state.cells.newer[state.newest] = cell;
    state.newest = cell;
  }

  #unlink(cell: number): void {
    const state = this.#state;
    const { older, newer } = state.cells;
    const [before, after] = [older[cell] as number, newer[cell] as number];
    if (before === 0) state.oldest = after;
    else newer[before] = after;
    if (after === 0) state.newest = before;
    else older[after] = before;
  }

  #find(key: number): number {
    const { next } = this.#chain;
    let cell = this.#buckets[this.#bucketOf(key)] as number;
    while (cell !== 0 && this.#state.cells.key[cell] !== key) cell = next[cell] as number;
    return cell;
  }

  #bucketOf(key: number): number {
    const high = Math.floor(key / 4_294_967_296);
    // The uppermost bits of a product with an odd number drawn at random spread any two keys (Dietzfelbinger and others, 1997).
    return Math.imul(key ^ Math.imul(high, SPREAD_HIGH), SPREAD) >>> (Math.clz32(this.#buckets.length) + 1);
  }

  #chainUp(cell: number): void {
    const bucket = this.#bucketOf(this.#state.cells.key[cell] as number);
    this.#chain.next[cell] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = cell;
  }

  #unchain(cell: number): void {
    const { next } = this.#chain;
    const bucket = this.#bucketOf(this.#state.cells.key[cell] as number);
    if (this.#buckets[bucket] === cell) {
      this.#buckets[bucket] = next[cell] as number;
      return;
    }
    let before = this.#buckets[bucket] as number;
    while (next[before] !== cell) before = next[before] as number;
    next[before] = next[cell] as number;
  }

  #chainAll(buckets: number): void {
    const { cells, oldest } = this.#state;
    this.#buckets = new Uint32Array(buckets);
    this.#chain = { next: new Uint32Array(cells.key.length) };
    for (let cell = oldest; cell !== 0; cell = cells.newer[cell] as number) this.#chainUp(cell);
  }

  save(): LatestNumbersState {
    return this.#state;
  }

  load(state: LatestNumbersState): void {
    this.#state = state;
    let buckets = FIRST_BUCKETS;
    while (buckets < state.size) buckets *= 2;
    this.#chainAll(buckets);
  }
}
