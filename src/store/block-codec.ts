/**
 * A block is one zstd frame (with checksum) holding the revision records of a few hundred changes, ordered so that the records of one
 * object lie side by side. Decompressed:
 *
 *   varint count, then per record: varint seq (the difference to the smallest seq of the block), varint length in bytes
 *   the records' JSON texts, one after the other
 *
 * The smallest seq comes first as a varint of its own. Pure.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, ByteWriter } from './varint.ts';

export interface RevisionRecord {
  seq: number;
  /** JSON text of a full state or of a patch. */
  text: string;
}

export interface DecodedBlock {
  /** The record's text, undefined when the block does not hold it. */
  text(seq: number): string | undefined;
  records(): RevisionRecord[];
  /** Memory it takes. */
  bytes: number;
}

/** zstd with the frame checksum, without which a damaged frame can decode to wrong bytes in silence. */
export function compress(bytes: Uint8Array, level: number): Buffer {
  return zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
      [constants.ZSTD_c_contentSizeFlag]: 1,
    },
  });
}

/** Throws when the frame is damaged. */
export function decompress(frame: Uint8Array): Buffer {
  return zstdDecompressSync(frame);
}

export function encodeBlock(records: readonly RevisionRecord[], level: number): Buffer {
  const first = records.reduce((least, { seq }) => Math.min(least, seq), Number.MAX_SAFE_INTEGER);
  const texts = records.map(({ text }) => Buffer.from(text, 'utf8'));
  const writer = new ByteWriter();
  writer.varint(records.length);
  writer.varint(records.length === 0 ? 0 : first);
  records.forEach(({ seq }, i) => {
    writer.varint(seq - first);
    writer.varint((texts[i] as Buffer).length);
  });
  for (const text of texts) writer.bytes(text);
  return compress(writer.finish(), level);
}

/** Throws when the frame is damaged or does not hold what its head says. */
export function decodeBlock(frame: Uint8Array): DecodedBlock {
  const bytes = decompress(frame);
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  const first = reader.varint();
  const places = new Map<number, { offset: number; length: number }>();
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const seq = first + reader.varint();
    const length = reader.varint();
    places.set(seq, { offset, length });
    offset += length;
  }
  const base = reader.at;
  if (base + offset !== bytes.length) throw new RangeError(`a block of ${bytes.length} bytes claims ${base + offset}`);
  const slice = (place: { offset: number; length: number }) =>
    bytes.toString('utf8', base + place.offset, base + place.offset + place.length);
  return {
    text: (seq) => {
      const place = places.get(seq);
      return place === undefined ? undefined : slice(place);
    },
    records: () => [...places].map(([seq, place]) => ({ seq, text: slice(place) })),
    bytes: bytes.length + places.size * 100,
  };
}
