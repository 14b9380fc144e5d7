/**
 * Samples in bytes. A scrape as it comes is a list of (series, value), compressed. A run of scrapes is turned into columns, one per series, since the
 * values of one series resemble each other: whole numbers as varints of the change of their increase, others as floats XORed with the
 * one before and split into byte planes. zstd does the rest. Pure, exact for every float64.
 *
 *   scrape  byte 0, then zstd of: varint count, per sample varint series id (difference, ids rise), the values in byte planes.
 *           Written before format 8: varint count, then per sample varint series id (difference), float64 with the low byte first
 *   run     zstd of: varint scrapes, per scrape: varint id, varint target, varint ms (zigzag), each the difference to the scrape before
 *           (the target itself); varint series, per series: varint id (difference), varint column length; the columns
 *   column  varint count, per sample the place of its scrape in the run (difference), then a byte for the form: 0 whole numbers, 1 floats
 *
 * A NaN is a NaN, whatever its bits, but for one: Prometheus' mark of a series that ended stays apart, as `stale`.
 */
import { compress, decompress } from '../pack/block-codec.ts';
import { ByteReader, ByteWriter } from '../pack/varint.ts';

/** Of a scrape as it comes: it is read again when its run is sealed. */
const SCRAPE_LEVEL = 3;

export interface StoredSample {
  seriesId: number;
  /** NaN for a mark. */
  value: number;
  stale?: true;
}

export interface StoredScrape {
  id: number;
  targetId: number;
  tsMs: number;
  /** By rising series id. */
  samples: StoredSample[];
}

export function encodeScrape(samples: readonly StoredSample[]): Buffer {
  const writer = new ByteWriter();
  writer.varint(samples.length);
  let previous = 0;
  for (const { seriesId } of samples) {
    writer.varint(seriesId - previous);
    previous = seriesId;
  }
  writer.bytes(toFloatPlanes(samples.map(valueIn)));
  return Buffer.concat([Buffer.alloc(1), compress(writer.finish(), SCRAPE_LEVEL)]);
}

export function decodeScrape(bytes: Buffer): StoredSample[] {
  if (bytes[0] !== 0) return decodePlainScrape(new ByteReader(bytes));
  const reader = new ByteReader(decompress(bytes.subarray(1)));
  const count = reader.varint();
  const ids: number[] = [];
  for (let i = 0, seriesId = 0; i < count; i++) {
    seriesId += reader.varint();
    ids.push(seriesId);
  }
  const values = fromFloatPlanes(reader.bytes(count * 8));
  return ids.map((seriesId, i) => storedSample(seriesId, values[i] as Value));
}

function decodePlainScrape(reader: ByteReader): StoredSample[] {
  const count = reader.varint();
  const samples: StoredSample[] = [];
  for (let i = 0, seriesId = 0; i < count; i++) {
    seriesId += reader.varint();
    samples.push({ seriesId, value: reader.float64() });
  }
  return samples;
}

/** Undefined for a mark that the series ended. */
type Value = number | undefined;

function valueIn({ value, stale }: StoredSample): Value {
  return stale ? undefined : value;
}

function storedSample(seriesId: number, value: Value): StoredSample {
  return value === undefined ? { seriesId, value: Number.NaN, stale: true } : { seriesId, value };
}

interface Column {
  places: number[];
  values: Value[];
}

export function encodeRun(scrapes: readonly StoredScrape[], level: number): Buffer {
  const columns = columnsOf(scrapes);
  const writer = new ByteWriter();
  writer.varint(scrapes.length);
  let id = 0;
  let tsMs = 0;
  for (const scrape of scrapes) {
    writer.varint(scrape.id - id);
    writer.varint(scrape.targetId);
    writer.varint(zigzag(scrape.tsMs - tsMs));
    id = scrape.id;
    tsMs = scrape.tsMs;
  }
  const encoded = [...columns].sort(([a], [b]) => a - b).map(([seriesId, column]) => ({ seriesId, bytes: encodeColumn(column) }));
  writer.varint(encoded.length);
  let seriesId = 0;
  for (const column of encoded) {
    writer.varint(column.seriesId - seriesId);
    writer.varint(column.bytes.length);
    seriesId = column.seriesId;
  }
  for (const { bytes } of encoded) writer.bytes(bytes);
  return compress(writer.finish(), level);
}

/** The scrapes of a run; with `only`, just the samples of those series. Throws when the frame is damaged. */
export function decodeRun(frame: Buffer, only?: ReadonlySet<number>): StoredScrape[] {
  const reader = new ByteReader(decompress(frame));
  const scrapes: StoredScrape[] = [];
  const scrapeCount = reader.varint();
  for (let i = 0, id = 0, tsMs = 0; i < scrapeCount; i++) {
    id += reader.varint();
    const targetId = reader.varint();
    tsMs += unzigzag(reader.varint());
    scrapes.push({ id, targetId, tsMs, samples: [] });
  }
  const columnCount = reader.varint();
  const heads: { seriesId: number; length: number }[] = [];
  for (let i = 0, seriesId = 0; i < columnCount; i++) {
    seriesId += reader.varint();
    heads.push({ seriesId, length: reader.varint() });
  }
  for (const { seriesId, length } of heads) {
    const bytes = reader.bytes(length);
    if (only !== undefined && !only.has(seriesId)) continue;
    const { places, values } = decodeColumn(bytes);
    places.forEach((place, i) => {
      scrapes[place]?.samples.push(storedSample(seriesId, values[i]));
    });
  }
  return scrapes;
}

function columnsOf(scrapes: readonly StoredScrape[]): Map<number, Column> {
  const columns = new Map<number, Column>();
  scrapes.forEach(({ samples }, place) => {
    for (const sample of samples) {
      const { seriesId } = sample;
      let column = columns.get(seriesId);
      if (column === undefined) {
        column = { places: [], values: [] };
        columns.set(seriesId, column);
      }
      column.places.push(place);
      column.values.push(valueIn(sample));
    }
  });
  return columns;
}

function encodeColumn({ places, values }: Column): Buffer {
  const writer = new ByteWriter();
  writer.varint(places.length);
  let previous = 0;
  for (const place of places) {
    writer.varint(place - previous);
    previous = place;
  }
  const whole = values.every((value) => value !== undefined && isWhole(value));
  writer.varint(whole ? 0 : 1);
  if (whole) writeWhole(values as number[], writer);
  else writer.bytes(toFloatPlanes(values));
  return writer.finish();
}

function decodeColumn(bytes: Buffer): Column {
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  const places: number[] = [];
  for (let i = 0, place = 0; i < count; i++) {
    place += reader.varint();
    places.push(place);
  }
  const values: Value[] = reader.varint() === 0 ? readWhole(reader, count) : fromFloatPlanes(reader.bytes(count * 8));
  return { places, values };
}

/** The change of the increase: 0 for a constant and for a counter that rises evenly. */
function writeWhole(values: readonly number[], writer: ByteWriter): void {
  let value = 0;
  let increase = 0;
  for (const next of values) {
    writer.varint(zigzag(next - value - increase));
    increase = next - value;
    value = next;
  }
}

function readWhole(reader: ByteReader, count: number): number[] {
  const values: number[] = [];
  for (let i = 0, value = 0, increase = 0; i < count; i++) {
    increase += unzigzag(reader.varint());
    value += increase;
    values.push(value);
  }
  return values;
}

/** Whole, not minus zero, and small enough for the change of a change to be exact. */
export function isWhole(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 49 && !Object.is(value, -0);
}

/** What Prometheus writes where a series ended: 7ff0000000000002. Numbers need not keep the bits of a NaN, so these are told here. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;
const NAN_HIGH = 0x7ff80000;

/** The eight bytes of a float, the highest first, and the value that they are. */
class FloatBytes {
  readonly bytes = new Uint8Array(8);
  readonly #view = new DataView(this.bytes.buffer);

  set(value: Value): void {
    if (value === undefined) this.#bits(STALE_HIGH, STALE_LOW);
    else if (Number.isNaN(value)) this.#bits(NAN_HIGH, 0);
    else this.#view.setFloat64(0, value);
  }

  get(): Value {
    const value = this.#view.getFloat64(0);
    if (!Number.isNaN(value)) return value;
    return this.#view.getUint32(0) === STALE_HIGH && this.#view.getUint32(4) === STALE_LOW ? undefined : Number.NaN;
  }

  /** XORs with the planes' bytes of a place. */
  apply(planes: Uint8Array, place: number): void {
    const count = planes.length / 8;
    for (let plane = 0; plane < 8; plane++)
      this.bytes[plane] = (this.bytes[plane] as number) ^ (planes[plane * count + place] as number);
  }

  #bits(high: number, low: number): void {
    this.#view.setUint32(0, high);
    this.#view.setUint32(4, low);
  }
}

/**
 * Each float XORed with the one before, or with the one in the same place of `beside`; all first bytes, then all second bytes, and so on:
 * equal signs and exponents become zeros.
 */
export function toFloatPlanes(values: readonly Value[], beside?: readonly number[]): Buffer {
  const count = values.length;
  const planes = Buffer.alloc(count * 8);
  let [last, next] = [new FloatBytes(), new FloatBytes()];
  for (let i = 0; i < count; i++) {
    if (beside !== undefined) last.set(beside[i]);
    next.set(values[i]);
    for (let plane = 0; plane < 8; plane++)
      planes[plane * count + i] = (next.bytes[plane] as number) ^ (last.bytes[plane] as number);
    [last, next] = [next, last];
  }
  return planes;
}

export function fromFloatPlanes(planes: Uint8Array): Value[];
export function fromFloatPlanes(planes: Uint8Array, beside: readonly number[]): number[];
export function fromFloatPlanes(planes: Uint8Array, beside?: readonly number[]): Value[] {
  const count = planes.length / 8;
  const float = new FloatBytes();
  const values: Value[] = [];
  for (let i = 0; i < count; i++) {
    if (beside !== undefined) float.set(beside[i]);
    float.apply(planes, i);
    values.push(float.get());
  }
  return values;
}

/** Reads the float of a place whose neighbour is known only then. */
export function planeReader(planes: Uint8Array): (place: number, beside: number) => number {
  const float = new FloatBytes();
  return (place, beside) => {
    float.set(beside);
    float.apply(planes, place);
    return float.get() ?? Number.NaN;
  };
}

export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

export function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}
