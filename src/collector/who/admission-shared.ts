/**
 * What the admission thread tells the main thread without a message: counters in shared memory, so that they can be read at any time and
 * counting never waits for anybody.
 */
export const ADMISSION_RESULTS = ['claim', 'skipped', 'invalid', 'foreign', 'too-large', 'overload', 'dropped'] as const;
/**
 * What became of a review: a claim; nothing to record (dry run); unreadable; not from the registered address; beyond the size or the
 * memory for bodies; or a claim for which the queue had no place. All were allowed.
 */
export type AdmissionResult = (typeof ADMISSION_RESULTS)[number];

const POSTED = ADMISSION_RESULTS.length;
const TAKEN = POSTED + 1;
const CELLS = TAKEN + 1;
const TIMES = 4;
const TIMES_AT = CELLS * Int32Array.BYTES_PER_ELEMENT + (8 - ((CELLS * Int32Array.BYTES_PER_ELEMENT) % 8));

/** How long answers took in the window, from the last byte of the review. */
export interface AdmissionTimes {
  samples: number;
  p50Ms: number;
  p99Ms: number;
  /** 99th percentile of how late the thread was woken, as by a machine that is too busy. */
  delayMs: number;
}

export class AdmissionShared {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #times: Float64Array;

  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(TIMES_AT + TIMES * Float64Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(this.buffer, 0, CELLS);
    this.#times = new Float64Array(this.buffer, TIMES_AT, TIMES);
  }

  count(result: AdmissionResult): void {
    Atomics.add(this.#cells, ADMISSION_RESULTS.indexOf(result), 1);
  }

  total(result: AdmissionResult): number {
    return Atomics.load(this.#cells, ADMISSION_RESULTS.indexOf(result)) >>> 0;
  }

  /** Claims posted and not taken yet. */
  queued(): number {
    return (Atomics.load(this.#cells, POSTED) - Atomics.load(this.#cells, TAKEN)) | 0;
  }

  posted(): void {
    Atomics.add(this.#cells, POSTED, 1);
  }

  taken(): void {
    Atomics.add(this.#cells, TAKEN, 1);
  }

  /** What was posted and cannot be fetched any more is given up. */
  emptied(): void {
    Atomics.store(this.#cells, TAKEN, Atomics.load(this.#cells, POSTED));
  }

  setTimes({ samples, p50Ms, p99Ms, delayMs }: AdmissionTimes): void {
    this.#times.set([samples, p50Ms, p99Ms, delayMs]);
  }

  times(): AdmissionTimes {
    const [samples = 0, p50Ms = 0, p99Ms = 0, delayMs = 0] = this.#times;
    return { samples, p50Ms, p99Ms, delayMs };
  }
}

const SAMPLES_MAX = 4_096;

/** The latencies of the last while, at most so many. */
export class LatencyWindow {
  readonly #windowMs: number;
  readonly #atMs = new Float64Array(SAMPLES_MAX);
  readonly #tookMs = new Float64Array(SAMPLES_MAX);
  #count = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(nowMs: number, tookMs: number): void {
    const place = this.#count % SAMPLES_MAX;
    this.#atMs[place] = nowMs;
    this.#tookMs[place] = tookMs;
    this.#count += 1;
  }

  read(nowMs: number): Omit<AdmissionTimes, 'delayMs'> {
    const size = Math.min(this.#count, SAMPLES_MAX);
    const recent = this.#tookMs.subarray(0, size).filter((_, i) => nowMs - (this.#atMs[i] as number) <= this.#windowMs);
    recent.sort();
    const at = (share: number) => recent[Math.min(recent.length - 1, Math.ceil(recent.length * share) - 1)] ?? 0;
    return { samples: recent.length, p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}
