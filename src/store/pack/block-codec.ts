/**
 * A block is one zstd frame (with checksum) holding the revision records of a few hundred changes, ordered so that the records of one
 * object lie side by side. Decompressed:
 *
 *   varint count, then per record: varint seq (the difference to the smallest seq of the block), varint length in bytes
 *   the records' JSON texts, one after the other
 *
 * The smallest seq comes first as a varint of its own. Pure.
 */
import { constants, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { freeBytes } from '../../domain/free-bytes.ts';
import { ByteReader, ByteWriter } from './varint.ts';

export interface RevisionRecord {
  seq: number;
  /** JSON text of a full state or of a patch. */
  text: string;
}

/**
 * A record whose text stays among the bytes it came in, shared with other records, until somebody asks for it. Records that are only moved from
 * one block to another need not become strings, of which so many live for so long that the garbage collector takes them for what stays.
 */
export class RecordBytes implements RevisionRecord {
  readonly seq: number;
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;

  constructor(seq: number, { bytes, from, to }: { bytes: Buffer; from: number; to: number }) {
    this.seq = seq;
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }

  get text(): string {
    return this.bytes.toString('utf8', this.from, this.to);
  }
}

/** The bytes of a record's text. */
export function textBytes(record: RevisionRecord): number {
  return record instanceof RecordBytes ? record.to - record.from : Buffer.byteLength(record.text);
}

export interface DecodedBlock {
  /** Place of a record in the block, -1 when it does not hold it. */
  indexOf(seq: number): number;
  /** How many there are. */
  count: number;
  seqAt(index: number): number;
  textAt(index: number): string;
  records(): RevisionRecord[];
  /** Where the text of a record lies in `data`. */
  placeAt(index: number): { from: number; to: number };
  data: Buffer;
  /** Memory it takes. */
  bytes: number;
  /**
   * Gives the memory back at once; the block cannot be read any more. Left to the garbage collector, some megabytes of blocks make it go through
   * everything else that the process holds.
   */
  free(): void;
}

/** zstd with the frame checksum, without which a damaged frame can decode to wrong bytes in silence. `options` are those of Node's zstd. */
export function compress(bytes: Uint8Array, level: number, options: ZstdOptions = {}): Buffer {
  return zstdCompressSync(bytes, {
    ...options,
    params: {
      ...options.params,
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
      [constants.ZSTD_c_contentSizeFlag]: 1,
    },
  });
}

/** Throws when the frame is damaged. */
export function decompress(frame: Uint8Array): Buffer {
  const size = contentSizeOf(frame);
  // One output buffer of the right size instead of a list of small ones that are put together in the end; not full, or zlib takes another one.
  return zstdDecompressSync(frame, size === undefined ? {} : { chunkSize: Math.max(CHUNK_MIN, size + SPARE) });
}

const CHUNK_MIN = 64;
const SPARE = 1;
/** What a frame says of itself is believed only so far: a damaged one must not ask for any amount of memory. */
const CONTENT_SIZE_MAX = 16 * 1024 * 1024;
/** Bytes of the dictionary's number by the two lowest bits of the descriptor. */
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

/** The size before compression that the head of a zstd frame (RFC 8878, 3.1.1.1) tells. */
function contentSizeOf(frame: Uint8Array): number | undefined {
  const descriptor = frame[4];
  if (descriptor === undefined) return undefined;
  const single = (descriptor >> 5) & 1;
  const at = 6 - single + (DICTIONARY_BYTES[descriptor & 3] as number);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.byteLength < at + 4) return undefined;
  const size = [single === 1 ? view.getUint8(at) : undefined, view.getUint16(at, true) + 256, view.getUint32(at, true)][
    descriptor >> 6
  ];
  return size === undefined || size > CONTENT_SIZE_MAX ? undefined : size;
}

/**
 * Of what is searched for repetitions: by itself zstd takes megabytes for it, new for each block, and clearing them costs more than searching.
 * A block of 256 KB becomes 0.2 % larger for a third less CPU.
 */
const TABLES = { [constants.ZSTD_c_hashLog]: 16, [constants.ZSTD_c_chainLog]: 16 };

export function encodeBlock(records: readonly RevisionRecord[], level: number): Buffer {
  const first = records.reduce((least, { seq }) => Math.min(least, seq), Number.MAX_SAFE_INTEGER);
  const head = new ByteWriter();
  head.varint(records.length);
  head.varint(records.length === 0 ? 0 : first);
  let size = 0;
  for (const record of records) {
    const length = textBytes(record);
    head.varint(record.seq - first);
    head.varint(length);
    size += length;
  }
  const block = Buffer.allocUnsafeSlow(head.length + size);
  let at = head.copyTo(block);
  for (const record of records) {
    if (record instanceof RecordBytes) at += record.bytes.copy(block, at, record.from, record.to);
    else at += block.write(record.text, at, 'utf8');
  }
  if (at !== block.length) throw new Error(`a block of ${block.length} bytes was given ${at}`);
  // Into one buffer, of which only what is written takes memory: of several, all but what is put together would wait for the garbage collector.
  const packed = compress(block, level, { params: TABLES, chunkSize: CHUNK_MIN + block.length });
  freeBytes(block);
  return packed;
}

/** Throws when the frame is damaged or does not hold what its head says. */
export function decodeBlock(frame: Uint8Array): DecodedBlock {
  const bytes = decompress(frame);
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  if (count > bytes.length) throw new RangeError(`a block of ${bytes.length} bytes claims ${count} records`);
  const first = reader.varint();
  const seqs = new Float64Array(count);
  const ends = new Float64Array(count);
  let offset = 0;
  for (let i = 0; i < count; i++) {
    seqs[i] = first + reader.varint();
    offset += reader.varint();
    ends[i] = offset;
  }
  const base = reader.at;
  if (base + offset !== bytes.length) throw new RangeError(`a block of ${bytes.length} bytes claims ${base + offset}`);
  const startOf = (i: number) => base + (i === 0 ? 0 : (ends[i - 1] as number));
  const slice = (i: number) => bytes.toString('utf8', startOf(i), base + (ends[i] as number));
  return {
    indexOf: (seq) => seqs.indexOf(seq),
    count,
    seqAt: (i) => seqs[i] as number,
    textAt: slice,
    records: () => Array.from(seqs, (seq, i) => ({ seq, text: slice(i) })),
    placeAt: (i) => ({ from: startOf(i), to: base + (ends[i] as number) }),
    data: bytes,
    bytes: bytes.length + count * 16,
    free: () => {
      for (const part of [bytes, seqs, ends]) freeBytes(part);
    },
  };
}
