/**
 * Room for many small records of bytes, outside of what the garbage collector walks. Records lie in pages of a mebibyte, in slots of a few
 * dozen sizes; a slot given back is used again for a record of its size.
 *
 * What it is for: tens of thousands of records that live long and are rewritten often. As strings and arrays each rewrite would leave
 * garbage behind, and every collection would go through all of them.
 */

/** One page, in the three ways it is read. */
export interface Page {
  readonly bytes: Buffer;
  readonly halves: Uint16Array;
  readonly doubles: Float64Array;
}

/** Where a record lies; the holder keeps it and gives it back. `at` is a multiple of 8. */
export interface Slot {
  page: Page;
  at: number;
  room: number;
}

const PAGE_BYTES = 1024 * 1024;
/** A record beyond this has a page of its own, which goes with it. */
const SHARED_MAX = PAGE_BYTES / 16;
const STEP_MIN = 64;
/** Between two powers of two there are so many sizes, so that at most an eighth of a slot is idle. */
const SIZES_PER_DOUBLING = 8;

export class ByteArena {
  /** Slots given back, by their size. */
  readonly #free = new Map<number, Slot[]>();
  #page: Page | undefined;
  #used = PAGE_BYTES;
  #bytes = 0;

  /** Of all pages. */
  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: number): Slot {
    const room = roomFor(bytes);
    if (room > SHARED_MAX) return { page: this.#addPage(room), at: 0, room };
    const free = this.#free.get(room)?.pop();
    if (free !== undefined) return free;
    if (this.#page === undefined || this.#used + room > PAGE_BYTES) {
      // The rest of the page before is less than a record: not worth keeping track of.
      this.#page = this.#addPage(PAGE_BYTES);
      this.#used = 0;
    }
    const slot = { page: this.#page, at: this.#used, room };
    this.#used += room;
    return slot;
  }

  give({ page, at, room }: Slot): void {
    if (room > SHARED_MAX) {
      this.#bytes -= room;
      return;
    }
    const free = this.#free.get(room);
    if (free === undefined) this.#free.set(room, [{ page, at, room }]);
    else free.push({ page, at, room });
  }

  /** All slots are void from here on. */
  clear(): void {
    this.#free.clear();
    this.#page = undefined;
    this.#used = PAGE_BYTES;
    this.#bytes = 0;
  }

  #addPage(length: number): Page {
    this.#bytes += length;
    const bytes = Buffer.allocUnsafeSlow(length);
    return { bytes, halves: new Uint16Array(bytes.buffer), doubles: new Float64Array(bytes.buffer) };
  }
}

/** The size of the slot for a record. */
export function roomFor(bytes: number): number {
  const step = Math.max(STEP_MIN, 2 ** Math.floor(Math.log2(Math.max(bytes, 1))) / SIZES_PER_DOUBLING);
  return Math.max(step, Math.ceil(bytes / step) * step);
}
