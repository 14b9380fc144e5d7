/**
 * What is stored of how far one kind's stream has come, as the text of its cursor. Pure.
 *
 *   12345 1764230400000 1 Kafka         all up to resourceVersion 12345 is recorded; certain at this time; in the first epoch; of which kind
 *   ? compacted 12345 1764… 1 Kafka     given up for a list that has not finished: history after 12345 is lost, and why
 *
 * A bare `12345` and an empty text were written by versions before epochs, and none of what was written before 2026-11-28 says the kind.
 * resourceVersions and kinds hold no spaces.
 */
import { GAP_REASONS, type GapReason } from '../../domain/gap.ts';

export interface StreamPosition {
  resourceVersion: string;
  /** When it was the newest that the server told; unknown for one stored by an older version. */
  atMs: number | undefined;
}

/** Where a history broke off. */
export interface Break {
  reason: GapReason;
  from: StreamPosition | undefined;
}

export interface StoredPosition {
  position: StreamPosition | undefined;
  /** Set while a list has to make up for a break. */
  broken: Break | undefined;
  /** Counts the histories of resourceVersions, from 1. */
  epoch: number;
  /** What the name of a cursor does not tell; '' for one stored by an older version. */
  kind: string;
}

const GIVEN_UP = '?';

export function encodePosition({ resourceVersion, atMs = 0 }: StreamPosition, epoch: number, kind: string): string {
  return `${resourceVersion} ${atMs} ${epoch} ${kind}`;
}

export function encodeBreak({ reason, from }: Break, epoch: number, kind: string): string {
  const place = from === undefined ? ' ' : `${from.resourceVersion} ${from.atMs ?? 0}`;
  return `${GIVEN_UP} ${reason} ${place} ${epoch} ${kind}`;
}

export function decodePosition(stored: string | undefined): StoredPosition {
  if (stored === undefined) return { position: undefined, broken: undefined, epoch: 1, kind: '' };
  const words = stored.split(' ');
  if (words[0] === GIVEN_UP || words[0] === '') {
    const reason = GAP_REASONS.find((known) => known === words[1]) ?? 'compacted';
    const broken = { reason, from: positionOf(words[2], words[3]) };
    return { position: undefined, broken, epoch: epochOf(words[4]), kind: words[5] ?? '' };
  }
  return { position: positionOf(words[0], words[1]), broken: undefined, epoch: epochOf(words[2]), kind: words[3] ?? '' };
}

function positionOf(resourceVersion = '', atMs = '0'): StreamPosition | undefined {
  if (resourceVersion === '') return undefined;
  return { resourceVersion, atMs: Number(atMs) > 0 ? Number(atMs) : undefined };
}

function epochOf(word: string | undefined): number {
  const epoch = Number(word);
  return Number.isInteger(epoch) && epoch > 0 ? epoch : 1;
}
