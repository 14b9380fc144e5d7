/** How the columns of a row hold what a change says in fewer bytes. Pure, and each pair is its own inverse for every input. */
import type { ChangeOrigin, ChangeType } from '../../domain/change.ts';

const TYPES: readonly ChangeType[] = ['ADDED', 'MODIFIED', 'DELETED'];
const ORIGINS: readonly ChangeOrigin[] = ['watch', 'list', 'relist', 'replay', 'push'];
const RECORDS = ['none', 'full', 'patch'] as const;

/** What a change stores of its revision: nothing (the state before it stands), the whole state, or a patch on the state before it. */
export type RecordShape = (typeof RECORDS)[number];

export interface Flags {
  type: ChangeType;
  origin: ChangeOrigin;
  own: boolean;
  record: RecordShape;
}

/** Set on a change that stands for those of its object since the one before it that is still kept. */
export const CHECKPOINT_BIT = 256;

/** Type (0-1), origin (2-3 and, as its highest bit, 7), own (4), record (5-6). Seven bits, and so one byte in SQLite, for all that a watch tells. */
export function encodeFlags(flags: Flags): number {
  const record = RECORDS.indexOf(flags.record) << 5;
  return TYPES.indexOf(flags.type) | originBits(ORIGINS.indexOf(flags.origin)) | (flags.own ? 16 : 0) | record;
}

export function decodeFlags(bits: number): Flags {
  return {
    type: TYPES[bits & 3] ?? 'MODIFIED',
    origin: ORIGINS[((bits >> 2) & 3) | ((bits >> 5) & 4)] ?? 'watch',
    own: (bits & 16) !== 0,
    record: recordShapeOf(bits),
  };
}

/** The same flags with another record. */
export function withRecordShape(bits: number, record: RecordShape): number {
  return (bits & ~(3 << 5)) | (RECORDS.indexOf(record) << 5);
}

export function isCheckpoint(bits: number): boolean {
  return (bits & CHECKPOINT_BIT) !== 0;
}

function originBits(origin: number): number {
  return ((origin & 3) << 2) | ((origin & 4) << 5);
}

export function recordShapeOf(bits: number): RecordShape {
  return RECORDS[(bits >> 5) & 3] ?? 'none';
}

/** The flag bits of a change type, for filters in SQL: `flags & 3 = typeBits(type)`. */
export function typeBits(type: ChangeType): number {
  return TYPES.indexOf(type);
}

/**
 * A resourceVersion is opaque text. Where it happens to be a canonical decimal it is stored as a number, else as text behind a '=',
 * which keeps the column's integer affinity from reading '007' or '1e5' as a number.
 */
export function encodeResourceVersion(text: string): number | string {
  if (text.length < 16 && /^(0|[1-9]\d*)$/.test(text)) return Number(text);
  return `=${text}`;
}

export function decodeResourceVersion(stored: number | string): string {
  return typeof stored === 'number' ? String(stored) : stored.slice(1);
}

/** A uid in the usual form is 16 bytes, any other its text. */
export function encodeUid(uid: string): Buffer | string {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(uid)) return uid;
  return Buffer.from(uid.replaceAll('-', ''), 'hex');
}

export function decodeUid(stored: Buffer | string): string {
  if (typeof stored === 'string') return stored;
  const hex = stored.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
