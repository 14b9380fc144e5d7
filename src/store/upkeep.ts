/**
 * What a database needs beside being written and read: young records move into blocks, blocks into larger ones, old data goes, free pages go back. In
 * steps, as each holds up everything else; the writes of a step are one transaction of the part that takes it. The parts take turns: where the time
 * of a round is over, the next one goes on with the part after, so that a round lasts no longer than its time and one step.
 */
import type Database from 'better-sqlite3';
import { isDamage } from './containment.ts';
import type { Derived } from './derived.ts';
import type { Checkpoints } from './file/checkpoints.ts';
import { usedBytes } from './file/file-size.ts';
import type { Findings } from './findings/findings.ts';
import type { FullText } from './full-text.ts';
import type { KubeEvents } from './kube-events.ts';
import type { BlameMarks } from './log/blame-marks.ts';
import type { Blocks } from './log/blocks.ts';
import type { ChangeLog } from './log/change-log.ts';
import type { LogTimes } from './log/log-times.ts';
import type { NewestMarks } from './log/newest-marks.ts';
import type { ObjectHistory } from './log/object-history.ts';
import { RUN } from './log/posting-runs.ts';
import type { Postings } from './log/postings.ts';
import type { Retention } from './log/retention.ts';
import type { KeptFrom } from './log/retention-due.ts';
import type { Revisions } from './log/revisions.ts';
import type { SampleRetention } from './series/sample-retention.ts';
import type { SeriesTable } from './series/series.ts';
import type { SmallState } from './small-state.ts';

export interface UpkeepParts {
  db: Database.Database;
  checkpoints: Checkpoints;
  log: ChangeLog;
  derived: Derived;
  times: LogTimes;
  blocks: Blocks;
  revisions: Revisions;
  postings: Postings;
  series: SeriesTable;
  sampleRetention: SampleRetention;
  newestMarks: NewestMarks;
  blameMarks: BlameMarks;
  history: ObjectHistory;
  findings: Findings;
  kubeEvents: KubeEvents;
  retention: Retention;
  fullText: FullText | undefined;
  small: SmallState;
}

/** From this share of the cap on, the oldest changes go whatever their age. */
const CAP_SHARE = 0.9;
/** From here on something goes in each round, whose ever turn it is: otherwise a flood reaches the cap first. */
export const PRESSED_SHARE = 0.95;
/** Free pages left in the file for the next batches, so that it does not shrink and grow by turns. */
const FREE_PAGES_KEPT = 256;
/** Pages given back to the file system at once. */
const FREED_MAX = 64;
/** Between two turns of bringing the log into the file, while there is other upkeep to do. */
const CHECKPOINT_MS = 1_000;
/** Whoever asked something so lately is likely to ask again: then a slice lasts this share of its time. */
const ASKED_MS = 1_000;
const ASKED_SHARE = 1 / 3;
/** Changes without postings, or not sealed, beyond which questions wait longer for these than they would for upkeep: two runs, as they are made. */
const BEHIND_MAX = 2 * RUN;
/** Steps back through an object's history that are taken to find out who set its fields. */
const ACCOUNTED_LOOKS_MAX = 200;

type Task = [name: string, work: () => boolean];

export interface RoundOptions {
  /** The cap on the file, if it has one. */
  bytesMax: number | undefined;
  /** Somebody may wait for an answer. */
  isAsked: boolean;
  /** Is told of a task that met damage, and throws what is none; the others have their turn all the same. */
  failed: (task: string, error: unknown) => void;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  /** Whose turn it is, by its place among the tasks. */
  #turn = 0;
  #checkpointMs = 0;
  #isCheckpointDue = false;
  /** There may be findings of what is no longer kept. */
  #mayForget = true;
  /** Nothing of before this is left to forget, unless it was told late. */
  #forgottenBefore: KeptFrom | undefined;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Upkeep has to be caught up with, whoever asks meanwhile. */
  get isBehind(): boolean {
    const { log, postings, blocks } = this.#parts;
    return log.newest() - Math.min(postings.through, blocks.sealedThrough) > BEHIND_MAX;
  }

  /** One round, until `isOver` says so; true when there is more to do. */
  round(isOver: () => boolean, { bytesMax, isAsked, failed }: RoundOptions): boolean {
    const { db, times } = this.#parts;
    times.forget();
    if (this.#isCheckpointDue) {
      this.#checkpoint(isAsked);
      if (isOver()) return true;
    }
    const tasks = this.#tasks(isOver, bytesMax);
    const isPressed = isOverCap(db, bytesMax, PRESSED_SHARE);
    let worked = isPressed && attempt('changes', () => this.#release(() => true, bytesMax), failed);
    if (isPressed && attempt('old findings', () => this.#forgetFindings(), failed)) worked = true;
    let more = false;
    for (let asked = 0; asked < tasks.length && !more; asked++) {
      const [name, task] = tasks[this.#turn] as Task;
      this.#turn = (this.#turn + 1) % tasks.length;
      if (!attempt(name, task, failed)) continue;
      worked = true;
      more = isOver();
    }
    if (!worked) return false;
    const free = db.pragma('freelist_count', { simple: true }) as number;
    const freed = Math.min(free - FREE_PAGES_KEPT, FREED_MAX);
    // A page that is moved may be a damaged one.
    if (free > FREE_PAGES_KEPT * 2) attempt('free pages', () => db.pragma(`incremental_vacuum(${freed})`) !== undefined, failed);
    // It waits for the disk, so not after each slice; and where the time is over, alone in the next one.
    if (!more) this.#checkpoint(isAsked);
    else this.#isCheckpointDue = performance.now() - this.#checkpointMs >= CHECKPOINT_MS;
    return more;
  }

  /** Each does at least a step of what it has to do, and says whether it did anything. */
  #tasks(isOver: () => boolean, bytesMax: number | undefined): Task[] {
    const { log, derived, blocks, revisions, postings, sampleRetention, newestMarks } = this.#parts;
    return [
      ['what is derived', () => stepsUntil(isOver, () => derived.step())],
      ['blocks', () => blocks.maintain((record) => revisions.wholeRecord(record), isOver)],
      ['postings', () => stepsUntil(isOver, () => postings.step(log.newest()))],
      ['series', () => this.#rollSeries()],
      ['samples', () => stepsUntil(isOver, () => sampleRetention.step())],
      ['newest marks', () => stepsUntil(isOver, () => newestMarks.step())],
      ['findings', () => this.#settleFindings()],
      ['Kubernetes Events', () => this.#forgetOldEvents()],
      ['blame marks', () => stepsUntil(isOver, () => this.#accountForFields())],
      ['changes', () => this.#release(isOver, bytesMax)],
      ['old findings', () => stepsUntil(isOver, () => this.#forgetFindings())],
    ];
  }

  /** A step of making what follows from the record; false when all of it is there. */
  remake(): boolean {
    const { log, derived, postings, newestMarks } = this.#parts;
    return derived.step() || postings.step(log.newest()) || newestMarks.step() || this.#accountForFields();
  }

  #checkpoint(isAsked: boolean): void {
    this.#parts.checkpoints.run(isAsked);
    this.#checkpointMs = performance.now();
    this.#isCheckpointDue = false;
  }

  #rollSeries(): boolean {
    const worked = this.#parts.series.maintain();
    if (worked) this.#parts.sampleRetention.moved();
    return worked;
  }

  #settleFindings(): boolean {
    const { db, findings } = this.#parts;
    if (!findings.hasYoung) return false;
    db.transaction(() => findings.settle()).immediate();
    return true;
  }

  #forgetOldEvents(): boolean {
    const { db, kubeEvents, small } = this.#parts;
    if (!kubeEvents.hasOld()) return false;
    db.transaction(() => small.count('kubeEvents', kubeEvents.forgetOld())).immediate();
    return true;
  }

  /** Of objects that change often: a row that says of every field who set it. What cannot be found out quickly is left as it is. */
  #accountForFields(): boolean {
    const { blameMarks, history } = this.#parts;
    return blameMarks.step((objectId, seq) => {
      let looks = 0;
      return history.blameInPieces(objectId, seq, () => ++looks > ACCOUNTED_LOOKS_MAX);
    });
  }

  /** Lets go of what is too old, or too much. Finding out what that is takes steps of its own that let go of nothing. */
  #release(isOver: () => boolean, bytesMax: number | undefined): boolean {
    const { db, retention, blameMarks, fullText } = this.#parts;
    let released = 0;
    const worked = stepsUntil(isOver, () => {
      const more = retention.step(isOverCap(db, bytesMax));
      released += more ?? 0;
      return more !== undefined;
    });
    // A span that is worked off lets go of no more changes, and only then is what was found of them of no use.
    if (worked) this.#mayForget = true;
    if (released > 0) {
      blameMarks.released();
      if (fullText !== undefined) db.transaction(() => fullText.forgetReleased()).immediate();
    }
    return worked;
  }

  /** What was found of changes that are no longer kept goes with them, unless somebody was told of it or said something. */
  #forgetFindings(): boolean {
    const { db, findings, retention } = this.#parts;
    if (!this.#mayForget) return false;
    // What is damaged is met once, until more goes.
    this.#mayForget = false;
    const from = retention.keptFrom();
    const before = this.#forgottenBefore;
    if (from === undefined || (from.ms === before?.ms && from.seq === before.seq)) return false;
    try {
      const gone = findings.ofNoUse(from.ms, (seq) => retention.keepsMore(seq));
      this.#mayForget = gone.length > 0;
      if (gone.length > 0) db.transaction(() => findings.letGo(gone)).immediate();
      else this.#forgottenBefore = from;
    } catch (error) {
      this.#mayForget = !isDamage(error);
      throw error;
    }
    return this.#mayForget;
  }

  /** Something can go that makes room, whatever its age. */
  get canMakeRoom(): boolean {
    return this.#mayForget || this.#parts.retention.isDue(true);
  }
}

export function isAskedLately(agoMs: number): boolean {
  return agoMs < ASKED_MS;
}

/** How long a slice of `msMax` may last: less where people ask, unless what they ask would be slower for what is left undone. */
export function sliceMs(msMax: number, { isAsked, isBehind }: { isAsked: boolean; isBehind: boolean }): number {
  return isAsked && !isBehind ? msMax * ASKED_SHARE : msMax;
}

/** True where the oldest changes are to go whatever their age. */
export function isOverCap(db: Database.Database, bytesMax: number | undefined, share = CAP_SHARE): boolean {
  return bytesMax !== undefined && usedBytes(db) > bytesMax * share;
}

/** Whether a task did anything; one that fails did not. */
function attempt(name: string, work: () => boolean, failed: RoundOptions['failed']): boolean {
  try {
    return work();
  } catch (error) {
    failed(name, error);
    return false;
  }
}

/** Goes on while there is something to do and time for it; one step is taken in any case. True when anything was done. */
function stepsUntil(isOver: () => boolean, step: () => boolean): boolean {
  let worked = false;
  do {
    if (!step()) break;
    worked = true;
  } while (!isOver());
  return worked;
}
