/**
 * The last gaps between a key's beats on three clocks. There are two keys for each object, so all lie together in a few arrays rather than in small ones of
 * their own: a log moves to a room of the next size as it grows. Single precision: a gap of a week is kept to a few hundredths of a second.
 */
import { clearRow, reachRow } from './columns.ts';

export const CLOCKS = { time: 0, visits: 1, kind: 2 } as const;
const COLUMNS = 3;
export const GAPS_MAX = 30;
/** How many gaps a room of each size holds; the last is GAPS_MAX. */
const SIZES = [1, 2, 4, 8, 16, GAPS_MAX] as const;
const FIRST_ROOMS = 16;
const GROWTH = 1.05;

/** Rooms of one size, side by side. */
interface Rooms {
  /** A row of one value for each clock per gap, oldest first; as many rows as the size to a room. */
  values: Float32Array;
  used: number;
  /** Rooms given back. */
  free: number[];
}

export interface GapLogState {
  /** One row for each key: how many gaps it has, and its room among those of the smallest size that holds them. */
  keys: { n: Uint8Array; room: Uint32Array };
  rooms: Rooms[];
}

export class GapLog {
  #state: GapLogState = {
    keys: { n: new Uint8Array(), room: new Uint32Array() },
    rooms: SIZES.map(() => ({ values: new Float32Array(), used: 0, free: [] })),
  };

  count(key: number): number {
    return this.#state.keys.n[key] ?? 0;
  }

  /** Adds a gap; beyond GAPS_MAX the oldest goes. */
  push(key: number, gap: readonly [time: number, visits: number, kind: number]): void {
    const { keys, rooms } = this.#state;
    if (key >= keys.n.length) reachRow(keys, key);
    let n = keys.n[key] as number;
    if (n === GAPS_MAX) {
      const { values } = rooms[SIZES.length - 1] as Rooms;
      const start = (keys.room[key] as number) * GAPS_MAX * COLUMNS;
      values.copyWithin(start, start + COLUMNS, start + GAPS_MAX * COLUMNS);
      n--;
    } else if (n === 0 || sizeFor(n + 1) !== sizeFor(n)) this.#move(key, n);
    keys.n[key] = n + 1;
    const size = sizeFor(n + 1);
    const { values } = rooms[size] as Rooms;
    const at = ((keys.room[key] as number) * (SIZES[size] as number) + n) * COLUMNS;
    values[at] = gap[CLOCKS.time];
    values[at + 1] = gap[CLOCKS.visits];
    values[at + 2] = gap[CLOCKS.kind];
  }

  /** To a room that holds one gap more. */
  #move(key: number, n: number): void {
    const { keys, rooms } = this.#state;
    const old = n === 0 ? undefined : this.#roomOf(key).slice(0, n * COLUMNS);
    if (n > 0) this.#giveBack(key);
    keys.room[key] = takeRoom(rooms[sizeFor(n + 1)] as Rooms, SIZES[sizeFor(n + 1)] as number);
    keys.n[key] = n + 1;
    if (old !== undefined) this.#roomOf(key).set(old);
  }

  #giveBack(key: number): void {
    const { keys, rooms } = this.#state;
    rooms[sizeFor(keys.n[key] as number)]?.free.push(keys.room[key] as number);
  }

  #roomOf(key: number): Float32Array {
    const { keys, rooms } = this.#state;
    const size = sizeFor(keys.n[key] as number);
    const length = (SIZES[size] as number) * COLUMNS;
    const start = (keys.room[key] as number) * length;
    return (rooms[size] as Rooms).values.subarray(start, start + length);
  }

  /** What `on` gives, written into an array that has room for GAPS_MAX. Asked of every beat, so nothing is made for it. */
  read(key: number, clock: number, into: Float64Array): void {
    const { keys, rooms } = this.#state;
    const n = keys.n[key] as number;
    const size = sizeFor(n);
    const { values } = rooms[size] as Rooms;
    const start = (keys.room[key] as number) * (SIZES[size] as number) * COLUMNS + clock;
    for (let i = 0; i < n; i++) into[i] = values[start + i * COLUMNS] as number;
  }

  /** On one clock, oldest first. */
  on(key: number, clock: number): Float64Array {
    const gaps = new Float64Array(this.count(key));
    if (gaps.length === 0) return gaps;
    const room = this.#roomOf(key);
    for (let i = 0; i < gaps.length; i++) gaps[i] = room[i * COLUMNS + clock] as number;
    return gaps;
  }

  forget(key: number): void {
    if (this.count(key) === 0) return;
    this.#giveBack(key);
    clearRow(this.#state.keys, key);
  }

  save(): GapLogState {
    return this.#state;
  }

  load(state: GapLogState): void {
    this.#state = state;
  }
}

/** The place in SIZES of the smallest that holds `n` gaps. */
function sizeFor(n: number): number {
  let size = 0;
  while ((SIZES[size] as number) < n) size++;
  return size;
}

function takeRoom(rooms: Rooms, size: number): number {
  const free = rooms.free.pop();
  if (free !== undefined) return free;
  const room = rooms.used++;
  const needed = rooms.used * size * COLUMNS;
  if (needed > rooms.values.length) {
    const grown = new Float32Array(
      Math.max(FIRST_ROOMS * size * COLUMNS, Math.ceil((needed * GROWTH) / (size * COLUMNS)) * size * COLUMNS),
    );
    grown.set(rooms.values);
    rooms.values = grown;
  }
  return room;
}
