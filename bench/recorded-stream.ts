/**
 * A recorded stream, played through the real way in (masked, compared, recorded, sealed) into a database file of its own, and read back. What each
 * revision must be is worked out from the stream alone and remembered as a hash.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { createPlayback } from '../src/collector/recording/playback.ts';
import type { SourceBatch } from '../src/collector/source.ts';
import type { Change, Observation } from '../src/domain/change.ts';
import { canonicalJson } from '../src/domain/json.ts';
import { keyedHash } from '../src/domain/masking/masking-key.ts';
import { mask } from '../src/domain/masking/redact.ts';
import type { KubeObject } from '../src/domain/object-ref.ts';
import { createIngest } from '../src/pipeline/ingest.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { systemClock } from '../src/telemetry/system-clock.ts';

export interface Recorded {
  /** Observations that the stream holds. */
  events: number;
  /** Rows that the record has of them. */
  changes: number;
  /** Those that led to no change: without content, told before, told too late or not readable. */
  heartbeats: number;
  repeats: number;
  refused: number;
  /** The file with its log while it is open, after the last upkeep. */
  bytesOpen: number;
  /** The file closed, with whatever lies beside it. */
  bytes: number;
  /** Hashes of masked states by life, version and type. */
  expected: ReadonlyMap<string, string>;
}

export interface Compared {
  /** Revisions rebuilt. */
  revisions: number;
  /** Of these, not what came in. */
  wrong: number;
  /** Observations that should have led to a change, and none is there. */
  lost: number;
}

/** Masked the same in each run, so that figures can be compared. */
const HASH = keyedHash(Buffer.from('a key that only benches use'));
const READ = 500;
const CHANGES_A_SECOND = 100;

/** Plays `stream` into the new database `file`. */
export async function recordStream(
  stream: string,
  file: string,
  onProgress: (done: number, total: number) => void,
): Promise<Recorded> {
  const store = openSqliteStore({ file });
  try {
    const ingest = createIngest({ store, hash: HASH });
    const counts = { heartbeats: 0, repeats: 0, refused: 0 };
    const expected = new Map<string, string>();
    const playback = createPlayback({
      file: stream,
      clock: systemClock,
      logger: createLogger('warn'),
      onProgress: ({ bytesRead, bytesTotal }) => onProgress(bytesRead, bytesTotal),
    });
    const sink = async (batch: SourceBatch) => {
      for (const observation of batch.observations) expect(observation, expected);
      for (const part of portionsOf(batch)) {
        const { heartbeats, repeats, late, unreadable } = ingest.record(part);
        counts.heartbeats += heartbeats;
        counts.repeats += repeats;
        counts.refused += late + unreadable;
        // The service does this each second.
        store.maintain();
      }
    };
    await playback.run(sink, new AbortController().signal);
    const { changes, bytes: bytesOpen } = store.counts();
    store.close();
    return { events: playback.counts.observations, changes, ...counts, bytesOpen, bytes: bytesOf(file), expected };
  } finally {
    store.close();
  }
}

/** Rebuilds every revision of a closed database, in the order of changes, and hands each over once it is compared. */
export async function readBack(
  file: string,
  { expected, events, heartbeats, repeats, refused }: Recorded,
  onChange: (change: Change) => Promise<void>,
): Promise<Compared> {
  const store = openSqliteStore({ file, create: false });
  try {
    const compared = { revisions: 0, wrong: 0, lost: 0 };
    let found = 0;
    const newest = new Map<string, string>();
    for (let seq = 0; ; ) {
      const changes = store.changesAfter(seq, READ);
      for (const change of changes) {
        seq = change.seq;
        const rebuilt = store.stateAt(change.ref, { seq });
        const told = expected.get(keyOf(change.uid, change.resourceVersion, change.type));
        if (told !== undefined) found += 1;
        compared.revisions += 1;
        // A deletion that no observation told of shows the state before it.
        const right = told ?? newest.get(change.uid);
        if (rebuilt === undefined || right === undefined || hashOf(rebuilt) !== right || hashOf(change.state) !== right)
          compared.wrong += 1;
        newest.set(change.uid, right ?? '');
        await onChange(change);
      }
      if (changes.length < READ) break;
    }
    compared.lost = Math.max(0, events - heartbeats - repeats - refused - found);
    return compared;
  } finally {
    store.close();
  }
}

/** What a file brings in large batches, in such as a busy second of a watch would. The cursor goes with the last. */
function portionsOf({ observations, cursors, ...rest }: SourceBatch): SourceBatch[] {
  const portions: SourceBatch[] = [];
  for (let from = 0; from < observations.length; from += CHANGES_A_SECOND)
    portions.push({ observations: observations.slice(from, from + CHANGES_A_SECOND) });
  const last = portions.pop() ?? { observations: [] };
  return [...portions, { ...rest, ...last, ...(cursors === undefined ? {} : { cursors }) }];
}

function expect({ object, type }: Observation, expected: Map<string, string>): void {
  const { managedFields: _, ...metadata } = object.metadata;
  const masked = mask({ ...object, metadata: metadata as KubeObject['metadata'] }, HASH);
  const key = keyOf(object.metadata.uid, object.metadata.resourceVersion, type);
  // Told twice, the first time counts.
  if (!expected.has(key)) expected.set(key, hashOf(masked));
}

function keyOf(uid: string, resourceVersion: string, type: Change['type']): string {
  return `${uid} ${resourceVersion} ${type}`;
}

function hashOf(state: KubeObject): string {
  return createHash('sha256').update(canonicalJson(state)).digest('base64');
}

function bytesOf(file: string): number {
  const beside = ['', '-wal', '-shm', '.lock'].map((end) => statSync(`${file}${end}`, { throwIfNoEntry: false })?.size ?? 0);
  return beside.reduce((sum, size) => sum + size, 0);
}
