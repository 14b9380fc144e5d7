/** Recorded scrapes as the benches of samples read them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { isKept } from '../src/collector/reconcile/reconcile-metrics.ts';
import type { Scrape } from '../src/domain/series/series.ts';

export interface RecordedSeries {
  metric: string;
  labels: Record<string, string>;
}

export interface RecordedScrape {
  tsMs: number;
  /** What `scrape` is of. */
  target: string;
  samples: (RecordedSeries & { value: number })[];
}

export interface ReadingOptions {
  selection: Selection;
  /**
   * Scrapes keep the time at which they were read, instead of that at which they were due. How late they were says how busy the recording
   * machine was. It costs Prometheus two bytes a sample, unless it is 2 ms at most, which Prometheus evens out itself; us two bytes a scrape.
   */
  late: boolean;
}

/** Only the series that the collector keeps of a page, or all of it. */
export type Selection = 'kept' | 'page';

/** Yields the scrapes of a file in their order: METRICS lines of a recorded stream, or the pages that scripts/record-scrapes.ts wrote. */
export async function* recordedScrapes(file: string, { selection, late }: ReadingOptions): AsyncGenerator<RecordedScrape> {
  const pages = new Pages(late);
  for await (const line of linesOf(file)) {
    const given = JSON.parse(line);
    const scrape = given.type === 'METRICS' ? fromStream(given) : given.set === undefined ? undefined : pages.next(given);
    if (given.operator !== undefined) pages.target = given.operator;
    if (scrape === undefined) continue;
    const samples = selection === 'page' ? scrape.samples : scrape.samples.filter(({ metric }) => isKept(metric));
    yield { ...scrape, samples };
  }
}

export function scrapeFor(cluster: string, { target, tsMs, samples }: RecordedScrape): Scrape {
  return { cluster, target, tsMs, samples };
}

interface StreamLine {
  ts: string;
  target: string;
  samples: [string, Record<string, string>, number][];
}

function fromStream({ ts, target, samples }: StreamLine): RecordedScrape {
  return { tsMs: Date.parse(ts), target, samples: samples.map(([metric, labels, value]) => ({ metric, labels, value })) };
}

interface PageLine {
  ts: number;
  late: number;
  new?: [string, Record<string, string>][];
  set: (number | string)[];
  gone?: number[];
}

/** Puts pages together again from what changed in them. */
class Pages {
  target = 'unknown';
  readonly #late: boolean;
  readonly #series: RecordedSeries[] = [];
  readonly #values: (number | undefined)[] = [];

  constructor(late: boolean) {
    this.#late = late;
  }

  next({ ts, late, new: fresh = [], set, gone = [] }: PageLine): RecordedScrape {
    for (const [metric, labels] of fresh) this.#series.push({ metric, labels: { ...labels, instance: this.target } });
    for (let i = 0; i + 1 < set.length; i += 2) this.#values[set[i] as number] = Number(set[i + 1]);
    for (const place of gone) this.#values[place] = undefined;
    const samples = this.#series.flatMap((series, place) => {
      const value = this.#values[place];
      return value === undefined ? [] : [{ ...series, value }];
    });
    return { tsMs: ts + (this.#late ? late : 0), target: this.target, samples };
  }
}

function linesOf(file: string): AsyncIterable<string> {
  const raw = createReadStream(file);
  const input: Readable = file.endsWith('.zst') ? raw.pipe(createZstdDecompress()) : raw;
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}
