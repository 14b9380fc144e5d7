/** Lists objects in the order they were first seen, now or as they were at a time. */

import { encodePosition } from '../../domain/list-position.ts';
import { decodeFlags, decodeResourceVersion } from '../pack/row-codec.ts';
import { decodeCursor, pageOf } from '../page-cursor.ts';
import type { ObjectQuery, ObjectSummary, Page } from '../store.ts';
import type { ChangeLog, ChangeRow } from './change-log.ts';
import type { Interning } from './interning.ts';
import type { LogTimes } from './log-times.ts';
import type { NewestMarks } from './newest-marks.ts';
import type { ObjectEntry } from './object-entry.ts';
import type { Bygone } from './object-pages.ts';
import type { Objects } from './objects.ts';

/** Objects looked at in one go. */
const CHUNK = 500;

interface Parts {
  interning: Interning;
  objects: Objects;
  log: ChangeLog;
  times: LogTimes;
  newestMarks: NewestMarks;
}

interface Placed {
  objectId: number;
  summary: ObjectSummary;
}

export class ObjectQueries {
  readonly #parts: Parts;
  /** The changes that the objects of the last list stood at: who lists objects as they were asks for their states next. */
  readonly #listed = new Map<number, ChangeRow>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** To be called whenever rows of changes may be other ones. */
  forget(): void {
    this.#listed.clear();
  }

  listed(seq: number): ChangeRow | undefined {
    return this.#listed.get(seq);
  }

  /** Throws REQUEST_INVALID on a continue token that is not one of this list. */
  list(query: ObjectQuery): Page<ObjectSummary> {
    const after = query.continue === undefined ? 0 : (decodeCursor('objects', ['number'], query.continue)[0] as number);
    const found: Placed[] = [];
    this.#listed.clear();
    for (const entries of this.#pages(query, after)) {
      const summaries = query.atMs === undefined ? entries.map(summaryOf) : this.#summariesAt(entries, query.atMs, query);
      for (const [i, { objectId }] of entries.entries()) {
        const summary = summaries[i];
        if (summary !== undefined && (!summary.deleted || query.includeDeleted === true)) found.push({ objectId, summary });
      }
      if (found.length > query.limit) break;
    }
    const page = pageOf(found, query.limit, (last) => encodePosition('objects', [last.objectId]));
    return { ...page, items: page.items.map(({ summary }) => summary) };
  }

  /** The newest change of an object observed by a time, over all its lives. */
  changeAt({ objectId, seq: newestSeq }: Pick<ObjectEntry, 'objectId' | 'seq'>, atMs: number): ChangeRow | undefined {
    const { times, log, newestMarks } = this.#parts;
    let row = newestMarks.newestUpTo(objectId, times.highest(atMs), newestSeq);
    while (row !== undefined && row.observedMs > atMs) row = log.before(row);
    return row;
  }

  *#pages(query: ObjectQuery, after: number): Generator<ObjectEntry[]> {
    const { interning, objects } = this.#parts;
    const resources = interning.resources(query).map(({ id }) => id);
    const namespaceId = query.namespace === undefined ? undefined : interning.namespaceIdIfKnown(query.namespace);
    if (query.namespace !== undefined && namespaceId === undefined) return;
    // One more than asked for tells whether there are others.
    const chunk = Math.min(CHUNK, query.limit + 1);
    const bygone = query.includeDeleted === true || query.atMs === undefined ? undefined : this.#bygone(query.atMs);
    for (let from = after; ; ) {
      const page = objects.page({ resources, namespaceId, name: query.name, after: from, limit: chunk, bygone });
      yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < chunk) return;
      from = last.objectId;
    }
  }

  #bygone(atMs: number): Bygone {
    const { times, newestMarks } = this.#parts;
    const seqMax = times.highest(atMs);
    return { atMs, seqMax, objectIdMax: newestMarks.objectIdMaxAt(seqMax) };
  }

  /** Of each object as it was; undefined where it was not there. */
  #summariesAt(
    entries: readonly ObjectEntry[],
    atMs: number,
    { includeDeleted }: Pick<ObjectQuery, 'includeDeleted'>,
  ): (ObjectSummary | undefined)[] {
    const { times, newestMarks } = this.#parts;
    const high = times.highest(atMs);
    const asked = entries.filter(
      ({ deleted, lastMs, seq }) => !(deleted && includeDeleted !== true && lastMs <= atMs && seq <= high),
    );
    const rows = this.#observedBy(newestMarks.newestOfAll(asked, high), atMs);
    const summaries = new Map(asked.map((entry, i) => [entry, this.#summaryAt(entry, rows[i])]));
    return entries.map((entry) => summaries.get(entry));
  }

  /** Each change, or the newest one before it of its object that was observed by a time. */
  #observedBy(rows: readonly (ChangeRow | undefined)[], atMs: number): (ChangeRow | undefined)[] {
    let found = [...rows];
    for (;;) {
      const later = found.filter((row) => row !== undefined && row.observedMs > atMs) as ChangeRow[];
      if (later.length === 0) return found;
      const before = this.#parts.log.rows(later.map(({ seq, previous }) => seq - (previous ?? seq)));
      found = found.map((row) =>
        row === undefined || row.observedMs <= atMs
          ? row
          : (before.get(row.seq - (row.previous ?? row.seq)) ?? this.#parts.log.before(row)),
      );
    }
  }

  #summaryAt(entry: ObjectEntry, row: ChangeRow | undefined): ObjectSummary | undefined {
    const life = row === undefined ? undefined : this.#parts.objects.life(row.lifeId);
    if (row === undefined || life === undefined) return undefined;
    this.#listed.set(row.seq, row);
    return {
      ref: life.ref,
      uid: life.uid,
      resourceVersion: decodeResourceVersion(row.rv),
      generation: row.generation ?? undefined,
      seq: row.seq,
      deleted: decodeFlags(row.flags).type === 'DELETED',
      changes: row.ordinal,
      heartbeats: entry.heartbeats,
      firstMs: entry.firstMs,
      lastMs: row.observedMs,
    };
  }
}

export function summaryOf(entry: ObjectEntry): ObjectSummary {
  const { ref, uid, seq, deleted, changes, heartbeats, firstMs, lastMs } = entry;
  const resourceVersion = decodeResourceVersion(entry.rv);
  return {
    ...{ ref, uid, resourceVersion, seq, deleted, changes, heartbeats, firstMs, lastMs },
    generation: entry.generation ?? undefined,
  };
}
