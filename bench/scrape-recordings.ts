/** Recorded scrapes as the benches of samples read them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { isKept } from '../src/collector/reconcile-metrics.ts';
import type { Scrape } from '../src/domain/series.ts';

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

/** Only the series that the collector keeps of a page, or all of it. */
export type Selection = 'kept' | 'page';

/** Yields the scrapes of a file in their order: METRICS lines of a recorded stream, or the pages that scripts/record-scrapes.ts wrote. */
export async function* recordedScrapes(file: string, selection: Selection): AsyncGenerator<RecordedScrape> {
  const pages = new Pages();
  for await (const line of linesOf(file)) {
    const given = JSON.parse(line);
    const scrape = given.type === 'METRICS' ? fromStream(given) : given.set === undefined ? undefined : pages.next(given);
    if (given.operator !== undefined) Object.assign(pages, { target: given.operator, everyMs: given.everyMs });
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
  new?: [string, Record<string, string>][];
  set: (number | string)[];
  gone?: number[];
}

/**
 * Prometheus dates a scrape to where it was due when it came no more than 2 ms late, because its chunks keep even times in a bit each. The
 * recordings have the time as it was; here it is dated likewise, for both sides.
 */
const TOLERANCE_MS = 2;

function dated(tsMs: number, everyMs: number): number {
  const dueMs = Math.round(tsMs / everyMs) * everyMs;
  return Math.abs(tsMs - dueMs) <= TOLERANCE_MS ? dueMs : tsMs;
}

/** Puts pages together again from what changed in them. */
class Pages {
  target = 'unknown';
  everyMs = 1;
  readonly #series: RecordedSeries[] = [];
  readonly #values: (number | undefined)[] = [];

  next({ ts, new: fresh = [], set, gone = [] }: PageLine): RecordedScrape {
    for (const [metric, labels] of fresh) this.#series.push({ metric, labels: { ...labels, instance: this.target } });
    for (let i = 0; i + 1 < set.length; i += 2) this.#values[set[i] as number] = Number(set[i + 1]);
    for (const place of gone) this.#values[place] = undefined;
    const samples = this.#series.flatMap((series, place) => {
      const value = this.#values[place];
      return value === undefined ? [] : [{ ...series, value }];
    });
    return { tsMs: dated(ts, this.everyMs), target: this.target, samples };
  }
}

function linesOf(file: string): AsyncIterable<string> {
  const raw = createReadStream(file);
  const input: Readable = file.endsWith('.zst') ? raw.pipe(createZstdDecompress()) : raw;
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}
