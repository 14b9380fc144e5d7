/** The rows of changes: one after the other without a hole, each of an object, chained to the object's change before it. */
import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { decodeTimes, TIMES_DIMENSION } from '../log/log-times.ts';
import { bucketsOf, endOfRun, RUN, runsIn } from '../log/posting-runs.ts';
import { encodeRun, listsOf, POSTED_THROUGH, type RunRow } from '../log/postings.ts';
import { StateRow } from '../pack/state-row.ts';
import { MarkCheck } from './check-marks.ts';
import { type CheckReport, type Going, ROWS_PER_TURN } from './check-report.ts';

interface Row {
  seq: number;
  lifeId: number;
  observedMs: number;
  actorSetId: number;
  pathsetId: number | null;
  ordinal: number;
  previous: number | null;
  jump: number | null;
  objectId: number | null;
  resourceId: number | null;
  namespaceId: number | null;
  hasActors: number;
  hasPaths: number;
}

const ROWS = `SELECT c.seq, c.life_id AS lifeId, c.observed_ms AS observedMs, c.actor_set_id AS actorSetId, c.pathset_id AS pathsetId, c.ordinal, c.previous, c.jump,
    l.object_id AS objectId, o.resource_id AS resourceId, o.namespace_id AS namespaceId,
    EXISTS (SELECT 1 FROM actor_set a WHERE a.id = c.actor_set_id) AS hasActors,
    c.pathset_id IS NULL OR EXISTS (SELECT 1 FROM pathset p WHERE p.id = c.pathset_id) AS hasPaths
  FROM change c LEFT JOIN life l ON l.id = c.life_id LEFT JOIN object o ON o.id = l.object_id
  WHERE c.seq > ? ORDER BY c.seq LIMIT ?`;

/** Where an object's later changes may point back to: changes by ordinal, as in a Fenwick tree (see change-log.ts). */
type Marks = { ordinal: number; seq: number }[];

export async function checkLog(db: Database.Database, report: CheckReport, going: Going): Promise<void> {
  const page = db.prepare<[number, number], Row>(ROWS);
  const marks = new Map<number, Marks>();
  const postings = new PostingCheck(db, report);
  const newest = new MarkCheck(db, report);
  const thinned = thinnedRanges(db, report);
  let last = 0;
  let first: number | undefined;
  // The newest change that retention let go of, as far as the log has been gone through.
  let lastGone = 0;
  for (let done = 0; ; await turn()) {
    going.signal?.throwIfAborted();
    const rows = report.attempt('log', `changes after ${last}`, () => page.all(last, ROWS_PER_TURN));
    if (rows === undefined) return;
    for (const row of rows) {
      if (row.seq !== last + 1) {
        if (first !== undefined && !thinned.some(([from, to]) => from <= last + 1 && to >= row.seq - 1))
          report.add('log', 'changes are missing', `changes ${last + 1} to ${row.seq - 1}`);
        lastGone = row.seq - 1;
      }
      first ??= row.seq;
      last = row.seq;
      checkRow(row, lastGone, marks, report);
      if (!isOfObject(row)) continue;
      postings.take(row);
      newest.take(row.seq, row.objectId);
    }
    done += rows.length;
    going.onProgress?.(done);
    if (rows.length < ROWS_PER_TURN) break;
  }
  postings.end();
  newest.end();
}

/**
 * Spans that retention works on or has worked off, in which changes may be missing. One whose last block is gone, and which is to be told worked off next, too: that
 * no more is gone than was let go of, the totals say.
 */
function thinnedRanges(db: Database.Database, report: CheckReport): [number, number][] {
  const ranges = db
    .prepare<[], [number, number]>(
      `SELECT first_seq, last_seq FROM span s
       WHERE tier > 0 OR EXISTS (SELECT 1 FROM block b WHERE b.span_seq = s.block_key AND b.tier > 0)
         OR NOT EXISTS (SELECT 1 FROM block b WHERE b.span_seq = s.block_key) ORDER BY last_seq`,
    )
    .raw();
  const merged: [number, number][] = [];
  for (const [from, to] of report.attempt('log', 'spans', () => ranges.all()) ?? []) {
    const last = merged.at(-1);
    if (last !== undefined && from === last[1] + 1) last[1] = to;
    else merged.push([from, to]);
  }
  return merged;
}

/** What follows from the changes is made of those whose life and object are there. */
function isOfObject(row: Row): row is Row & { objectId: number; resourceId: number } {
  return row.objectId !== null && row.resourceId !== null;
}

function checkRow(row: Row, lastGone: number, marksOf: Map<number, Marks>, report: CheckReport): void {
  const where = `change ${row.seq}`;
  if (row.hasActors === 0) report.add('log', 'its actors are missing', where, `actors ${row.actorSetId}`);
  if (row.hasPaths === 0) report.add('log', 'its paths are missing', where, `paths ${row.pathsetId}`);
  if (!isOfObject(row)) {
    report.add('log', 'it belongs to no object', where, `life ${row.lifeId}`);
    return;
  }
  const known = marksOf.get(row.objectId);
  const marks = known ?? [];
  const of = `object ${row.objectId}`;
  const before = marks.at(-1);
  if (before === undefined) {
    // The first that is kept; what came before it was let go of, or there was nothing.
    if (row.ordinal === 1 ? row.previous !== null : lastGone === 0)
      report.add('log', 'the chain of its object begins in the middle', where, of);
  } else {
    const gap = row.ordinal - before.ordinal;
    if (gap !== 1 && (gap < 1 || lastGone <= before.seq))
      report.add('log', 'its place in the chain of its object is wrong', where, of);
    if (row.previous !== row.seq - before.seq) report.add('log', 'it does not point to the change before it', where, of);
  }
  const target = row.ordinal & (row.ordinal - 1);
  while (marks.length > 0 && (marks.at(-1)?.ordinal ?? 0) > target) marks.pop();
  const mark = marks.at(-1);
  if (row.jump !== null && mark?.ordinal === target && row.jump !== row.seq - mark.seq)
    report.add('log', 'it jumps to a change that is not the one to jump to', where, of);
  marks.push({ ordinal: row.ordinal, seq: row.seq });
  if (known === undefined) marksOf.set(row.objectId, marks);
}

const NO_TIMES: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** Compares the postings of each run with what its rows say. */
class PostingCheck {
  readonly #report: CheckReport;
  readonly #stored;
  readonly #through: number;
  readonly #noted: Map<number, Map<string, string>>;
  #rows: RunRow[] = [];
  #times: [number, number] = NO_TIMES;
  /** The end of the run that is gone through. */
  #last = RUN;

  constructor(db: Database.Database, report: CheckReport) {
    this.#report = report;
    this.#stored = db.prepare<[number], { dimension: number; value: number; data: Buffer }>(
      'SELECT dimension, value, data FROM posting WHERE last_seq = ?',
    );
    const through = new StateRow(db, POSTED_THROUGH);
    this.#through = Number(report.attempt('postings', POSTED_THROUGH, () => through.get()) ?? 0);
    this.#noted = report.attempt('postings', 'posting_run', () => notedIn(db)) ?? new Map<number, Map<string, string>>();
  }

  take({ seq, observedMs, actorSetId, pathsetId, resourceId, namespaceId }: Row): void {
    if (seq > this.#last) {
      this.end();
      this.#last = endOfRun(seq);
    }
    if (seq > this.#through) return;
    this.#rows.push([seq, actorSetId, pathsetId, resourceId, namespaceId]);
    this.#times = [Math.min(this.#times[0], observedMs), Math.max(this.#times[1], observedMs)];
  }

  /** The run that was gone through is whole. */
  end(): void {
    if (this.#last <= this.#through) this.#compare(this.#last);
  }

  #compare(last: number): void {
    const where = `changes ${last - RUN + 1} to ${last}`;
    const lists = listsOf(this.#rows);
    const noted = this.#noted.get(last) ?? new Map<string, string>();
    const buckets = bucketsOf(lists);
    const isNoted = buckets.every(({ dimension, bucket, bits }) => noted.get(`${dimension} ${bucket}`) === bits.toString('hex'));
    if (!isNoted || noted.size !== buckets.length)
      this.#report.add('postings', 'which values a run of changes has is not what was noted', where);
    this.#report.attempt('postings', where, () => {
      const missing = new Map(
        lists.map(({ dimension, value, seqs }) => [`${dimension} ${value}`, encodeRun({ dimension, value, last }, seqs)]),
      );
      let times: ReturnType<typeof decodeTimes> | undefined;
      for (const { dimension, value, data } of this.#stored.iterate(last)) {
        if (dimension === TIMES_DIMENSION) {
          times = decodeTimes(last, String(data));
          continue;
        }
        const expected = missing.get(`${dimension} ${value}`);
        if (expected === undefined || !expected.equals(data))
          this.#report.add('postings', 'a list of changes with one value is wrong', where);
        missing.delete(`${dimension} ${value}`);
      }
      // Some of those that it speaks of may be let go of since.
      const [from, to] = [times?.from ?? NO_TIMES[0], times?.to ?? NO_TIMES[1]];
      if (this.#rows.length > 0 && !(from <= this.#times[0] && to >= this.#times[1]))
        this.#report.add('postings', 'a run of changes is said to be of another time', where);
      for (const _ of missing) this.#report.add('postings', 'a list of changes with one value is missing', where);
    });
    this.#rows = [];
    this.#times = NO_TIMES;
  }
}

/** Which values each run has, by its end, as dimension, bucket and bits. */
function notedIn(db: Database.Database): Map<number, Map<string, string>> {
  const noted = new Map<number, Map<string, string>>();
  const rows = db.prepare<[], [number, number, number, Buffer]>('SELECT dimension, bucket, era, data FROM posting_run').raw();
  for (const [dimension, bucket, era, data] of rows.iterate())
    for (const { last, bits } of runsIn({ dimension, bucket, era }, data)) {
      if (!noted.has(last)) noted.set(last, new Map());
      noted.get(last)?.set(`${dimension} ${bucket}`, bits.toString('hex'));
    }
  return noted;
}
