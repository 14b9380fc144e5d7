/**
 * Open revision records as they were put, so that sealing need not read them back from the table they also lie in. Holds all of them from
 * one seq on, or says that it does not: after a start, a failed write, or a burst beyond its bound the table is read instead.
 */
import type { RevisionRecord } from './block-codec.ts';

/** What the order within a span goes by. */
export interface Place {
  seq: number;
  resourceId: number;
  lifeId: number;
}

export type PlacedRecord = RevisionRecord & Place;

const RECORDS_MAX = 16_384;
const BYTES_MAX = 4 * 1024 * 1024;

export class YoungRecords {
  #records: PlacedRecord[] = [];
  #bytes = 0;
  /** All open records from here on are in `#records`. */
  #from = Number.POSITIVE_INFINITY;

  add(record: PlacedRecord): void {
    if (this.#records.length >= RECORDS_MAX || this.#bytes >= BYTES_MAX) this.forget();
    this.#from = Math.min(this.#from, record.seq);
    this.#records.push(record);
    this.#bytes += record.text.length;
  }

  forget(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#from = Number.POSITIVE_INFINITY;
  }

  /** Undefined when the table has to be asked. */
  between(firstSeq: number, lastSeq: number): PlacedRecord[] | undefined {
    if (firstSeq < this.#from) return undefined;
    return this.#records.filter(({ seq }) => seq >= firstSeq && seq <= lastSeq);
  }

  /** The first `limit` with the length of their text, close to its size; undefined when the table has to be asked. */
  sizes(firstSeq: number, limit: number): { seq: number; bytes: number }[] | undefined {
    if (firstSeq < this.#from) return undefined;
    return this.#records.slice(0, limit).map(({ seq, text }) => ({ seq, bytes: text.length }));
  }

  /** Records up to here are open no more. */
  sealed(lastSeq: number): void {
    const kept = this.#records.findIndex(({ seq }) => seq > lastSeq);
    const gone = this.#records.splice(0, kept < 0 ? this.#records.length : kept);
    for (const { text } of gone) this.#bytes -= text.length;
    if (this.#from <= lastSeq) this.#from = lastSeq + 1;
  }
}
