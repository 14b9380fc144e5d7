/**
 * What is recorded behind a place, in the order of event time: changes as they were numbered, and before each the scrapes of its time and
 * earlier. Read in pieces, so that a long record costs no memory, and the place moves with every item that is handed out: whoever stops
 * anywhere goes on exactly there.
 */
import type { Change } from '../domain/change.ts';
import type { Sample, Scrape } from '../domain/series/series.ts';
import type { PlacedSample, Store } from '../store/store.ts';

/** How far the record has been seen: the last change's number, and the last scrape's. */
export interface Place {
  seq: number;
  position: number;
}

export type Walked = { change: Change } | { scrapes: Scrape[] };

type Readable = Pick<Store, 'changesAfter' | 'samplesAfter'>;

/** Whole states are read, so a piece may be some hundred MB where objects are as large as may be; as a rule it is some hundred kB. */
const CHANGES_PIECE = 100;
const SAMPLES_PIECE = 20_000;
export const END_OF_RECORD: Place = { seq: Number.POSITIVE_INFINITY, position: Number.POSITIVE_INFINITY };

export class RecordWalk {
  readonly #store: Readable;
  readonly place: Place;
  #samples: PlacedSample[] = [];
  #next = 0;
  /** The record had no further samples when last asked, which is once for a piece of changes. */
  #drained = false;

  constructor(store: Readable, from: Place) {
    this.#store = store;
    this.place = { ...from };
  }

  /** Everything up to `to`; at the end of the record it ends, and may be asked again when there is more. */
  *upTo(to: Place): Generator<Walked, void, void> {
    for (;;) {
      const { seq } = this.place;
      const changes = seq < to.seq ? this.#store.changesAfter(seq, Math.min(CHANGES_PIECE, to.seq - seq)) : [];
      const within = changes.filter((change) => change.seq <= to.seq);
      this.#drained = false;
      if (within.length > 0) yield* this.#beside(within, to.position);
      else {
        // What is past damage at the end is not there to be waited for.
        const scrapes = this.#scrapesUpTo(Number.POSITIVE_INFINITY, to.position);
        if (scrapes === undefined) return;
        yield { scrapes };
      }
    }
  }

  /** Changes that were just recorded, with the scrapes beside them, and then all other scrapes. Handed to `visit`, as steps of an iterator are objects for each. */
  through(changes: readonly Change[], visit: { change(change: Change): void; scrapes(scrapes: Scrape[]): void }): void {
    this.#drained = false;
    const fromSeq = this.place.seq;
    for (const change of changes) {
      if (change.seq <= fromSeq) continue;
      this.#visitScrapes(change.observedMs, visit);
      this.place.seq = change.seq;
      visit.change(change);
    }
    this.#visitScrapes(Number.POSITIVE_INFINITY, visit);
  }

  #visitScrapes(ms: number, visit: { scrapes(scrapes: Scrape[]): void }): void {
    for (;;) {
      const scrapes = this.#scrapesUpTo(ms, Number.POSITIVE_INFINITY);
      if (scrapes === undefined) return;
      visit.scrapes(scrapes);
    }
  }

  *#beside(changes: readonly Change[], toPosition: number): Generator<Walked, void, void> {
    for (const change of changes) {
      for (;;) {
        const scrapes = this.#scrapesUpTo(change.observedMs, toPosition);
        if (scrapes === undefined) break;
        yield { scrapes };
      }
      this.place.seq = change.seq;
      yield { change };
    }
  }

  /** The next moment's scrapes, unless it is later than `ms` or beyond `toPosition`. */
  #scrapesUpTo(ms: number, toPosition: number): Scrape[] | undefined {
    if (this.#next === this.#samples.length) this.#refill();
    const first = this.#samples[this.#next];
    if (first === undefined || first.tsMs > ms || first.position > toPosition) return undefined;
    // A page that was taken in several parts is one: its samples follow each other and have one time.
    let end = this.#endOfMoment(toPosition);
    if (end === this.#samples.length && this.#refill()) end = this.#endOfMoment(toPosition);
    const moment = this.#samples.slice(this.#next, end);
    this.#next = end;
    this.place.position = moment.at(-1)?.position ?? this.place.position;
    return scrapesOf(moment);
  }

  #endOfMoment(toPosition: number): number {
    const tsMs = this.#samples[this.#next]?.tsMs;
    for (let i = this.#next; i < this.#samples.length; i++) {
      const sample = this.#samples[i];
      if (sample?.tsMs !== tsMs || (sample?.position ?? 0) > toPosition) return i;
    }
    return this.#samples.length;
  }

  #refill(): boolean {
    if (this.#drained) return false;
    const left = this.#samples.slice(this.#next);
    const after = left.at(-1)?.position ?? this.place.position;
    const { samples } = this.#store.samplesAfter(after, SAMPLES_PIECE);
    this.#drained = samples.length === 0;
    if (this.#drained) return false;
    this.#samples = [...left, ...samples];
    this.#next = 0;
    return true;
  }
}

/** Samples as stored, put back together by target (the `instance` label) and time. */
export function scrapesOf(samples: readonly Sample[]): Scrape[] {
  const scrapes = new Map<string, Scrape>();
  for (const { key, tsMs, value } of samples) {
    const target = key.labels.instance ?? '';
    const id = `${key.cluster}\u0000${target}\u0000${tsMs}`;
    let scrape = scrapes.get(id);
    if (scrape === undefined) {
      scrape = { cluster: key.cluster, target, tsMs, samples: [] };
      scrapes.set(id, scrape);
    }
    scrape.samples.push({ metric: key.metric, labels: key.labels, value });
  }
  return [...scrapes.values()];
}
