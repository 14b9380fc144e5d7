import type { Reject } from '../../store/store.ts';
import type { SourceBatch } from '../source.ts';
import { entryTime, type StreamEntry } from './stream-format.ts';
import type { SideEntry } from './stream-side.ts';

const LINES_MAX = 256;
const BYTES_MAX = 4 * 1024 * 1024;
/** Event time that a batch may span in a stream with claims: a claim waits for its change for a while only, and time stands still in a batch. */
const CLAIMED_SPAN_MS = 1_000;

type Gathered = SourceBatch & Required<Pick<SourceBatch, 'scrapes' | 'rejects' | 'claims' | 'gaps' | 'kubeEvents'>>;

/**
 * Gathers entries into batches that a sink may take claims first, observations second, scrapes (those from before an observation ahead of it) third
 * and time last, and still have taken them in the order they came: what would jump the queue opens a new batch.
 */
export class StreamBatcher {
  readonly #linesMax: number;
  #batch: Gathered = emptyBatch();
  /** Of the newest observation. */
  #observedMs = Number.NEGATIVE_INFINITY;
  #firstMs: number | undefined;
  #hasClaims = false;
  #lines = 0;
  #bytes = 0;

  constructor(linesMax = LINES_MAX) {
    this.#linesMax = linesMax;
  }

  get empty(): boolean {
    return this.#lines === 0;
  }

  /** True when the batch has to be taken before this entry is added. */
  mustTakeBefore(entry: StreamEntry | SideEntry): boolean {
    const { observations, scrapes, seenToMs } = this.#batch;
    if (seenToMs !== undefined) return true;
    if (this.#hasClaims && this.#firstMs !== undefined && entryTime(entry) > this.#firstMs + CLAIMED_SPAN_MS) return true;
    if ('kinds' in entry || 'verdict' in entry || 'lists' in entry) return !this.empty;
    if ('observation' in entry) return scrapes.length > 0;
    if ('scrape' in entry) return entry.scrape.tsMs <= this.#observedMs;
    return 'claim' in entry && observations.length + scrapes.length > 0;
  }

  get full(): boolean {
    return this.#lines >= this.#linesMax || this.#bytes >= BYTES_MAX;
  }

  /** `bytes` is the length of the entry's line, where there is one. */
  add(entry: StreamEntry | SideEntry, bytes = 0): void {
    const batch = this.#batch;
    this.#firstMs ??= entryTime(entry);
    this.#hasClaims ||= 'claim' in entry;
    if ('observation' in entry) {
      batch.observations.push(entry.observation);
      this.#observedMs = Math.max(this.#observedMs, entry.observation.observedMs);
    } else if ('scrape' in entry) batch.scrapes.push(entry.scrape);
    else if ('claim' in entry) batch.claims.push(entry.claim);
    else if ('kubeEvent' in entry) batch.kubeEvents.push(entry.kubeEvent);
    else if ('gap' in entry) batch.gaps.push(entry.gap);
    else if ('verdict' in entry) batch.verdicts = [entry.verdict];
    else if ('lists' in entry) batch.lists = [entry.lists];
    else if ('kinds' in entry) batch.kinds = entry.kinds;
    else if ('seenToMs' in entry) batch.seenToMs = entry.seenToMs;
    this.#lines += 1;
    this.#bytes += bytes;
  }

  addReject(reject: Reject): void {
    this.#batch.rejects.push(reject);
    this.#lines += 1;
  }

  /** The batch so far, with the cursors that cover it; the batcher is empty afterwards. */
  take(cursors: Record<string, string>): SourceBatch {
    const batch = { ...this.#batch, cursors };
    this.#batch = emptyBatch();
    this.#observedMs = Number.NEGATIVE_INFINITY;
    this.#firstMs = undefined;
    this.#lines = 0;
    this.#bytes = 0;
    return batch;
  }
}

function emptyBatch(): Gathered {
  return { observations: [], scrapes: [], rejects: [], claims: [], gaps: [], kubeEvents: [] };
}
