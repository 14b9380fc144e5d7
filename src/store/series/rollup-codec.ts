/**
 * Rollups in bytes: what the samples of each series come to in each span of a tier. Columns as for samples, one field after the other, so
 * that what does not move (a constant, a counter at rest) is a run of zeros for zstd. Pure, exact for every float64 but NaN's payload.
 *
 *   block   zstd of: varint series, per series: varint id (difference), varint spans, varint column length; the columns
 *   column  varint form; spans as zigzag varints (difference to the one before, less 1); counts as zigzag varints (difference)
 *           form 0, whole numbers, as varints: zigzag(first - last before), zigzag(last - first), lower - min, max - upper,
 *           zigzag(excess - expected), fallen
 *           form 1, floats, eight byte planes each: first ^ last before, last ^ first, min ^ lower, max ^ upper, excess, fallen
 *
 * `lower` and `upper` are the lesser and the greater of first and last; `expected` is what the excess of an even rise would be.
 */
import type { SpanSummary } from '../../domain/series/span-summary.ts';
import { addToSummary, joinSummary, startSummary } from '../../domain/series/span-summary.ts';
import { compress, decompress } from '../pack/block-codec.ts';
import { ByteReader, ByteWriter } from '../pack/varint.ts';
import { fromFloatPlanes, isWhole, planeReader, type StoredScrape, toFloatPlanes, unzigzag, zigzag } from './sample-codec.ts';

/** One series: spans by number (time divided by the length of a span), in the order in which their samples came. */
export interface Rollup {
  spans: number[];
  summaries: SpanSummary[];
}

/** By series. */
export type Rollups = Map<number, Rollup>;

export function rollUp(scrapes: readonly StoredScrape[], spanMs: number): Rollups {
  const rollups: Rollups = new Map();
  for (const { tsMs, samples } of scrapes) {
    const span = Math.floor(tsMs / spanMs);
    for (const { seriesId, value } of samples) {
      if (Number.isNaN(value)) continue;
      const rollup = rollupOf(rollups, seriesId);
      if (rollup.spans.at(-1) === span) addToSummary(rollup.summaries.at(-1) as SpanSummary, value);
      else {
        rollup.spans.push(span);
        rollup.summaries.push(startSummary(value));
      }
    }
  }
  return rollups;
}

/** Adds what came later, its spans `times` shorter than those of `to`. */
export function joinRollups(to: Rollups, later: Rollups, times = 1): void {
  for (const [seriesId, { spans, summaries }] of later) {
    const rollup = rollupOf(to, seriesId);
    spans.forEach((each, i) => {
      const span = Math.floor(each / times);
      const summary = summaries[i] as SpanSummary;
      if (rollup.spans.at(-1) === span) joinSummary(rollup.summaries.at(-1) as SpanSummary, summary);
      else {
        rollup.spans.push(span);
        rollup.summaries.push({ ...summary });
      }
    });
  }
}

function rollupOf(rollups: Rollups, seriesId: number): Rollup {
  let rollup = rollups.get(seriesId);
  if (rollup === undefined) {
    rollup = { spans: [], summaries: [] };
    rollups.set(seriesId, rollup);
  }
  return rollup;
}

export function encodeRollups(rollups: Rollups, level: number): Buffer {
  const writer = new ByteWriter();
  const columns = [...rollups]
    .sort(([a], [b]) => a - b)
    .map(([seriesId, rollup]) => ({ seriesId, rollup, bytes: encodeColumn(rollup) }));
  writer.varint(columns.length);
  let before = 0;
  for (const { seriesId, rollup, bytes } of columns) {
    writer.varint(seriesId - before);
    writer.varint(rollup.spans.length);
    writer.varint(bytes.length);
    before = seriesId;
  }
  for (const { bytes } of columns) writer.bytes(bytes);
  return compress(writer.finish(), level);
}

/** With `only`, just those series. Throws when the frame is damaged. */
export function decodeRollups(frame: Buffer, only?: ReadonlySet<number>): Rollups {
  const rollups: Rollups = new Map();
  const { reader, heads } = readHeads(frame);
  for (const { seriesId, spans, length } of heads) {
    const bytes = reader.bytes(length);
    if (only === undefined || only.has(seriesId)) rollups.set(seriesId, decodeColumn(new ByteReader(bytes), spans));
  }
  return rollups;
}

/** The series that a block tells of. */
export function seriesOfRollups(frame: Buffer): number[] {
  return readHeads(frame).heads.map(({ seriesId }) => seriesId);
}

function readHeads(frame: Buffer): { reader: ByteReader; heads: { seriesId: number; spans: number; length: number }[] } {
  const reader = new ByteReader(decompress(frame));
  const heads: { seriesId: number; spans: number; length: number }[] = [];
  const count = reader.varint();
  for (let i = 0, seriesId = 0; i < count; i++) {
    seriesId += reader.varint();
    heads.push({ seriesId, spans: reader.varint(), length: reader.varint() });
  }
  return { reader, heads };
}

function encodeColumn({ spans, summaries }: Rollup): Buffer {
  const writer = new ByteWriter();
  const whole = summaries.every(isWholeSummary);
  writer.varint(whole ? 0 : 1);
  let before = -1;
  for (const span of spans) {
    writer.varint(zigzag(span - before - 1));
    before = span;
  }
  let count = 0;
  for (const summary of summaries) {
    writer.varint(zigzag(summary.count - count));
    count = summary.count;
  }
  if (whole) writeWhole(summaries, writer);
  else writeFloats(summaries, writer);
  return writer.finish();
}

function decodeColumn(reader: ByteReader, length: number): Rollup {
  const whole = reader.varint() === 0;
  const spans = readDifferences(reader, length, 1);
  const counts = readDifferences(reader, length, 0);
  return { spans, summaries: whole ? readWhole(reader, counts) : readFloats(reader, counts) };
}

/** Numbers that were written as their difference to the one before, `less` something. */
function readDifferences(reader: ByteReader, length: number, less: number): number[] {
  const numbers: number[] = [];
  for (let i = 0, number = -less; i < length; i++) {
    number += unzigzag(reader.varint()) + less;
    numbers.push(number);
  }
  return numbers;
}

/** Within bounds that leave room for the differences of any two. */
function isWholeSummary({ count, first, last, min, max, excess, fallen }: SpanSummary): boolean {
  return [first, last, min, max, excess, fallen].every(isWhole) && isWhole(count * (last - first));
}

function expectedExcess({ count, first, last }: Pick<SpanSummary, 'count' | 'first' | 'last'>): number {
  return Math.floor((count * (last - first)) / 2);
}

const lower = ({ first, last }: Pick<SpanSummary, 'first' | 'last'>) => Math.min(first, last);
const upper = ({ first, last }: Pick<SpanSummary, 'first' | 'last'>) => Math.max(first, last);

function writeWhole(summaries: readonly SpanSummary[], writer: ByteWriter): void {
  let before = 0;
  for (const { first, last } of summaries) {
    writer.varint(zigzag(first - before));
    before = last;
  }
  for (const { first, last } of summaries) writer.varint(zigzag(last - first));
  for (const summary of summaries) writer.varint(lower(summary) - summary.min);
  for (const summary of summaries) writer.varint(summary.max - upper(summary));
  for (const summary of summaries) writer.varint(zigzag(summary.excess - expectedExcess(summary)));
  for (const { fallen } of summaries) writer.varint(zigzag(fallen));
}

function readWhole(reader: ByteReader, counts: readonly number[]): SpanSummary[] {
  const field = () => counts.map(() => reader.varint());
  const [firsts, rises, belows, aboves, excesses, fallens] = [field(), field(), field(), field(), field(), field()];
  let before = 0;
  return counts.map((count, i) => {
    const first = before + unzigzag(firsts[i] as number);
    const last = first + unzigzag(rises[i] as number);
    before = last;
    const ends = { count, first, last };
    return {
      ...ends,
      min: lower(ends) - (belows[i] as number),
      max: upper(ends) + (aboves[i] as number),
      excess: expectedExcess(ends) + unzigzag(excesses[i] as number),
      fallen: unzigzag(fallens[i] as number),
    };
  });
}

function writeFloats(summaries: readonly SpanSummary[], writer: ByteWriter): void {
  const write = (values: number[], beside: number[]) => writer.bytes(toFloatPlanes(values, beside));
  const [firsts, lasts] = [summaries.map(({ first }) => first), summaries.map(({ last }) => last)];
  write(firsts, [0, ...lasts.slice(0, -1)]);
  write(lasts, firsts);
  write(
    summaries.map(({ min }) => min),
    summaries.map(lower),
  );
  write(
    summaries.map(({ max }) => max),
    summaries.map(upper),
  );
  const zeros = summaries.map(() => 0);
  write(
    summaries.map(({ excess }) => excess),
    zeros,
  );
  write(
    summaries.map(({ fallen }) => fallen),
    zeros,
  );
}

function readFloats(reader: ByteReader, counts: readonly number[]): SpanSummary[] {
  const planes = () => reader.bytes(counts.length * 8);
  const [firstPlanes, lastPlanes, minPlanes, maxPlanes] = [planes(), planes(), planes(), planes()];
  const zeros = counts.map(() => 0);
  const [excesses, fallens] = [fromFloatPlanes(planes(), zeros), fromFloatPlanes(planes(), zeros)];
  // First and last lean on each other in turn: the first on the last before it, the last on its first.
  const ends: { first: number; last: number }[] = [];
  let before = 0;
  const [firstOf, lastOf] = [planeReader(firstPlanes), planeReader(lastPlanes)];
  for (let i = 0; i < counts.length; i++) {
    const first = firstOf(i, before);
    const last = lastOf(i, first);
    ends.push({ first, last });
    before = last;
  }
  const mins = fromFloatPlanes(minPlanes, ends.map(lower));
  const maxs = fromFloatPlanes(maxPlanes, ends.map(upper));
  return ends.map(({ first, last }, i) => ({
    ...{ count: counts[i] as number, first, last, min: mins[i] as number, max: maxs[i] as number },
    ...{ excess: excesses[i] as number, fallen: fallens[i] as number },
  }));
}
