/**
 * Objects that change together, and one of them stayed behind. Whole visits are asked about when they end, and since companions may
 * follow one by one, it is told only when the one missed has not come for a while.
 */

import { describeRef } from '../../domain/object-ref.ts';
import { insertByTime } from '../by-time.ts';
import { type Evidence, type Group, HOUR_MS, MINUTE_MS, seenMs } from '../detector.ts';
import { type ChangeEvent, objectParts } from '../features.ts';
import { clearRow, putFigure, reachRow, type Whole } from '../habits/columns.ts';
import { countCame, latestShare, missedLately, noteChance, timesCame, wasMissedLast } from '../habits/latest-moves.ts';
import type { PathHabits } from '../habits/path-habits.ts';
import type { RowTable } from '../habits/row-table.ts';
import { many } from '../words.ts';

const MATES_MAX = 24;
const GROUP_MAX = 24;
const ASKED_GROUP_MAX = 40;
const VISITS_MIN = 4;
const RECENT_MS = 6 * HOUR_MS;
/** Companions may follow one by one. */
const WAIT_MS = 45 * MINUTE_MS;
const WAITING_MAX = 2_000;
/**
 * Companions belong to what an object mostly changes, a version above all, and less to what else is set in it: where one of the fields had moved in a tenth of
 * its edits before, its companion was missed .45 times as often as it was so far, else 1.2 times (clean streams of five clusters; two others alike).
 */
const WONTED = { share: 0.1, missed: 0.45, else: 1.2 };

/** A change whose usual companion had not come when its visit ended: told unless that follows within the wait. Plain data. */
export interface Missing {
  dueMs: number;
  event: ChangeEvent;
  mate: string;
  surprise: number;
  together: number;
  visits: number;
}

export interface CompanyState {
  /** One row for each object. */
  objects: {
    /** 1 while it is there, 0 before and after. */
    alive: Uint8Array;
    /** Visits in small groups, alone included. */
    visits: Whole;
    lastMs: Float64Array;
  };
  /** By row, with whom it changed how often, and how often of late (`latest-moves.ts`); only of objects that ever did not change alone. */
  mates: Map<number, Map<string, number>>;
  groups: number;
  /** By the time they come due. */
  waiting: Missing[];
}

export class Company {
  readonly name = 'company';
  readonly #table: Pick<RowTable, 'find'>;
  readonly #habits: Pick<PathHabits, 'objectMoved' | 'objectEdits'>;
  #state: CompanyState = {
    objects: { alive: new Uint8Array(), visits: new Uint8Array(), lastMs: new Float64Array() },
    mates: new Map(),
    groups: 0,
    waiting: [],
  };

  /** `table` has the objects, `habits` what is mostly changed in them. */
  constructor(table: Pick<RowTable, 'find'>, habits: Pick<PathHabits, 'objectMoved' | 'objectEdits'>) {
    this.#table = table;
    this.#habits = habits;
  }

  /** Asked of a visit that has ended, before it is learnt: the member whose usual companion did not come, if any stands out, is waited for. */
  await(group: Group): void {
    const found = this.#missing(group);
    if (found === undefined) return;
    insertByTime(this.#state.waiting, found, ({ dueMs }) => dueMs);
    if (this.#state.waiting.length > WAITING_MAX) this.#state.waiting.shift();
  }

  nextMs(): number {
    return this.#state.waiting[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** The first that is due by now, if its companion still has not come. */
  due(): { missing: Missing; evidence: Evidence } | undefined {
    const missing = this.#state.waiting.shift();
    if (missing === undefined) return undefined;
    const { event, mate, surprise, together, visits } = missing;
    const mateMs = this.#lastSeenMs(mate);
    if (mateMs === undefined || mateMs >= event.atMs) return undefined;
    const { kind, namespace, name } = objectParts(mate);
    const label = describeRef({ kind, namespace, name });
    return {
      missing,
      evidence: {
        surprise,
        explain: () => ({
          sentence: `${describeRef(event.ref)} changed without ${label}; ${together} of its ${many(visits, 'past change')} came together with it.`,
          observed: 'changed alone',
          usual: `together with ${label}`,
          samples: visits,
          scope: 'object',
          counterfactual: `a change of ${label} at the same time`,
        }),
      },
    };
  }

  /** When an object that is still there last changed. */
  #lastSeenMs(object: string): number | undefined {
    const row = this.#table.find(object) ?? -1;
    const { alive, lastMs } = this.#state.objects;
    return alive[row] === 1 ? lastMs[row] : undefined;
  }

  #missing(group: Group): Missing | undefined {
    const here = group.objects;
    if (here.size > ASKED_GROUP_MAX) return undefined;
    let best: Missing | undefined;
    for (const event of group.events) {
      const visits = this.#state.objects.visits[event.row] ?? 0;
      if (!isEdit(event) || visits < VISITS_MIN) continue;
      const crowd = 0.5 * Math.log(Math.max(1, here.size / 6));
      let usually: number | undefined;
      for (const [mate, moves] of this.#state.mates.get(event.row) ?? []) {
        const together = timesCame(moves);
        if (together < VISITS_MIN || here.has(mate)) continue;
        const mateMs = this.#lastSeenMs(mate);
        if (mateMs === undefined || event.atMs - mateMs < RECENT_MS) continue;
        // The mate went ahead alone, so this one catches up.
        const lastMs = this.#state.objects.lastMs[event.row] as number;
        if (mateMs > lastMs + WAIT_MS) continue;
        usually ??= this.#isWonted(event) ? WONTED.missed : WONTED.else;
        const lifelong = Math.min(1, (usually * (visits - together + 0.5)) / (visits + 1));
        // One that came shortly before or after was not missed.
        const apart = wasMissedLast(moves) && lastMs - mateMs > WAIT_MS;
        const alone = apart ? Math.max(lifelong, latestShare(missedLately(moves))) : lifelong;
        const surprise = -Math.log(alone) - crowd;
        if (surprise <= (best?.surprise ?? 0)) continue;
        best = { dueMs: seenMs(group) + WAIT_MS, event, mate, surprise, together, visits };
      }
    }
    return best;
  }

  /** Whether it changes what is often changed in the object. */
  #isWonted(event: ChangeEvent): boolean {
    const often = Math.max(1, WONTED.share * this.#habits.objectEdits(event));
    return event.fields.some(({ op, path }) => op === 'set' && this.#habits.objectMoved(event, path) >= often);
  }

  learn(group: Group): void {
    const changed = changedIn(group.events);
    const { objects } = this.#state;
    this.#state.groups++;
    for (const event of group.events) {
      if (event.row >= objects.alive.length) reachRow(objects, event.row);
      objects.alive[event.row] = event.type === 'DELETED' ? 0 : 1;
      objects.lastMs[event.row] = event.atMs;
    }
    if (changed.length > GROUP_MAX) return;
    for (const event of changed) {
      objects.visits = putFigure(objects.visits, event.row, (objects.visits[event.row] as number) + 1);
      const known = this.#state.mates.get(event.row);
      if (known !== undefined) noteChances(known, changed);
      if (changed.length === 1) return;
      const mates = known ?? this.#matesOf(event.row);
      for (const mate of changed) if (mate !== event) countMate(mates, mate.object);
    }
  }

  #matesOf(row: number): Map<string, number> {
    let mates = this.#state.mates.get(row);
    if (mates === undefined) {
      mates = new Map();
      this.#state.mates.set(row, mates);
    }
    return mates;
  }

  forget(row: number): void {
    clearRow(this.#state.objects, row);
    this.#state.mates.delete(row);
  }

  mature(): boolean {
    return this.#state.groups >= 100;
  }

  samples(): number {
    return this.#state.groups;
  }

  save(): CompanyState {
    return this.#state;
  }

  load(state: CompanyState): void {
    this.#state = state;
  }
}

/** Of companions too few to be missed it need not be known. */
function noteChances(mates: Map<string, number>, changed: readonly ChangeEvent[]): void {
  for (const [mate, moves] of mates) {
    if (timesCame(moves) < VISITS_MIN) continue;
    // Who changed alone came with nobody; most visits are of one change.
    const came = changed.length > 1 && changed.some(({ object }) => object === mate);
    const noted = noteChance(moves, came);
    if (noted !== moves) mates.set(mate, noted);
  }
}

function countMate(mates: Map<string, number>, mate: string): void {
  const moves = mates.get(mate);
  if (moves !== undefined) mates.set(mate, countCame(moves));
  else if (mates.size < MATES_MAX) mates.set(mate, 1);
}

const NONE: readonly ChangeEvent[] = [];

function isEdit({ type, timed }: ChangeEvent): boolean {
  return type === 'MODIFIED' && timed;
}

/** The last edit of each object. */
function changedIn(events: readonly ChangeEvent[]): readonly ChangeEvent[] {
  // Most visits are of one change.
  if (events.length === 1) return isEdit(events[0] as ChangeEvent) ? events : NONE;
  const edits = events.filter(isEdit);
  return edits.length < 2 ? edits : [...new Map(edits.map((event) => [event.object, event])).values()];
}
