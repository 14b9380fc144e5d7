/** Reads the history of one object: its changes back from any of them, the states it went through, who set which field. */
import type Database from 'better-sqlite3';
import { type BlamedField, type BlameStep, blameInPieces } from '../../domain/blame.ts';
import { isBookkeepingPath } from '../../domain/diff/bookkeeping.ts';
import type { ObjectRef } from '../../domain/object-ref.ts';
import { decodeFlags, isCheckpoint } from '../pack/row-codec.ts';
import { corruptRecord } from '../store-errors.ts';
import type { BlameMarks } from './blame-marks.ts';
import type { ChangeLog, ChangeRow } from './change-log.ts';
import type { Interning } from './interning.ts';
import type { ListKeyTable } from './list-keys.ts';
import type { Objects } from './objects.ts';
import type { Revisions } from './revisions.ts';

interface Parts {
  db: Database.Database;
  interning: Interning;
  objects: Objects;
  log: ChangeLog;
  listKeys: ListKeyTable;
  revisions: Revisions;
  marks: BlameMarks;
}

/** How often the time is looked at: a step by paths alone takes about a microsecond, rebuilding a state a thousand. */
const STEPS_PER_LOOK = 64;

type Step = [seq: number, lifeId: number, flags: number, pathsetId: number | null, previous: number | null];

export class ObjectHistory {
  readonly #parts: Parts;
  readonly #step: Database.Statement<[number], Step>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#step = parts.db
      .prepare<[number], Step>('SELECT seq, life_id, flags, pathset_id, previous FROM change WHERE seq = ?')
      .raw();
  }

  /** The object's changes from `seq`, or its newest, back to its first. Each is read when it is asked for. */
  *back(ref: ObjectRef, seq?: number): Generator<ChangeRow> {
    const from = this.#start(ref, seq);
    if (from !== undefined) yield* this.#parts.log.back(from.seq, from.objectId);
  }

  /** Undefined when there is no such object or `seq` is no change of it. */
  blame(ref: ObjectRef, seq: number | undefined, isOver: () => boolean): { seq: number; fields: BlamedField[] } | undefined {
    const from = this.#start(ref, seq);
    if (from === undefined) return undefined;
    for (const pieces = this.blameInPieces(from.objectId, from.seq, isOver); ; ) {
      const { done, value } = pieces.next();
      if (done === true) return { seq: from.seq, fields: value };
    }
  }

  /**
   * The same for an object and a change of it by their numbers, with a pause wherever the time is looked at. What it has read must stay as it is
   * until it is done.
   */
  *blameInPieces(objectId: number, seq: number, isOver: () => boolean): Generator<undefined, BlamedField[]> {
    const { log, listKeys, objects, revisions, marks } = this.#parts;
    const row = (of: number): ChangeRow => {
      const found = log.row(of);
      if (found === undefined) throw corruptRecord('a change is missing from the chain of its object', `change ${of}`);
      return found;
    };
    let steps = 0;
    let looked = false;
    let mark = marks.upTo(objectId, seq);
    const newest = row(seq);
    const resourceId = objects.life(newest.lifeId)?.resourceId ?? 0;
    const lists = listKeys.at(resourceId, seq);
    const isNamedOtherwise = (at: number): boolean => listKeys.at(resourceId, at) !== lists;
    const pieces = blameInPieces(
      revisions.state(newest),
      {
        lists,
        steps: this.#steps(seq, isNamedOtherwise),
        sides: (of) => {
          steps = 0;
          return revisions.sides(row(of), 'MODIFIED');
        },
        known: (of) => {
          if (mark !== undefined && mark.seq > of) mark = marks.upTo(objectId, of);
          return mark?.seq === of ? { ...mark, namedOtherwise: isNamedOtherwise(of) } : undefined;
        },
        isOver: () => {
          if (steps++ % STEPS_PER_LOOK > 0) return false;
          looked = true;
          return isOver();
        },
      },
      isBookkeepingPath,
    );
    for (;;) {
      const { done, value } = pieces.next();
      if (done === true) return value;
      if (looked) yield;
      looked = false;
    }
  }

  #start(ref: ObjectRef, seq: number | undefined): { objectId: number; seq: number } | undefined {
    const { objects, log } = this.#parts;
    const entry = objects.find(ref);
    if (entry === undefined) return undefined;
    const { objectId } = entry;
    if (seq === undefined) return { objectId, seq: log.newestUpTo(entry.seq, entry.seq, objectId)?.seq ?? entry.seq };
    const row = log.row(seq);
    const isOwn = row !== undefined && objects.life(row.lifeId)?.objectId === entry.objectId;
    return isOwn ? { objectId: entry.objectId, seq } : undefined;
  }

  /** Back to where the uid began, across lives under other versions. */
  *#steps(seq: number, isNamedOtherwise: (seq: number) => boolean): Generator<BlameStep> {
    const { objects, interning } = this.#parts;
    let [lifeId, uid] = [-1, undefined as string | undefined];
    for (let at: number | null = seq; at !== null; ) {
      const step = this.#step.get(at);
      if (step === undefined) return;
      const [, stepLifeId, flags, pathsetId, previous] = step as Step;
      if (stepLifeId !== lifeId) {
        lifeId = stepLifeId;
        const lifeUid = objects.life(lifeId)?.uid;
        if (uid !== undefined && lifeUid !== uid) return;
        uid = lifeUid;
      }
      const paths = pathsetId === null ? [] : interning.exactPaths(pathsetId);
      const { type } = decodeFlags(flags);
      yield { seq: at, type, paths, standsForMore: isCheckpoint(flags), namedOtherwise: isNamedOtherwise(at) };
      at = previous === null ? null : at - previous;
    }
  }
}
