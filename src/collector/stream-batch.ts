import type { Reject } from '../store/store.ts';
import type { SourceBatch } from './source.ts';
import type { StreamEntry } from './stream-format.ts';

const LINES_MAX = 256;
const BYTES_MAX = 4 * 1024 * 1024;

/**
 * Gathers entries into batches that a sink may record observations first, scrapes second, and still have them in the order of time:
 * an observation after a scrape opens a new batch.
 */
export class StreamBatcher {
  readonly #linesMax: number;
  #batch: SourceBatch = { observations: [], scrapes: [], rejects: [] };
  #lines = 0;
  #bytes = 0;

  constructor(linesMax = LINES_MAX) {
    this.#linesMax = linesMax;
  }

  get empty(): boolean {
    return this.#lines === 0;
  }

  /** True when the batch has to be taken before this entry is added. */
  mustTakeBefore(entry: StreamEntry): boolean {
    return 'observation' in entry && this.#batch.scrapes!.length > 0;
  }

  get full(): boolean {
    return this.#lines >= this.#linesMax || this.#bytes >= BYTES_MAX;
  }

  /** `bytes` is the length of the entry's line, where there is one. */
  add(entry: StreamEntry, bytes = 0): void {
    if ('scrape' in entry) this.#batch.scrapes!.push(entry.scrape);
    else this.#batch.observations.push(entry.observation);
    this.#lines += 1;
    this.#bytes += bytes;
  }

  addReject(reject: Reject): void {
    this.#batch.rejects!.push(reject);
    this.#lines += 1;
  }

  /** The batch so far, with the cursors that cover it; the batcher is empty afterwards. */
  take(cursors: Record<string, string>): SourceBatch {
    const batch = { ...this.#batch, cursors };
    this.#batch = { observations: [], scrapes: [], rejects: [] };
    this.#lines = 0;
    this.#bytes = 0;
    return batch;
  }
}
