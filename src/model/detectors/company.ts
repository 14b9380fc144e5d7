/**
 * Objects that change together, and one of them stayed behind. Whole visits are asked about when they end, and since companions may
 * follow one by one, it is told only when the one missed has not come for a while.
 */

import { fieldName } from '../../domain/field-path.ts';
import { describeRef } from '../../domain/object-ref.ts';
import { insertByTime } from '../by-time.ts';
import { type Evidence, type Explanation, type Group, HOUR_MS, MINUTE_MS, seenMs } from '../detector.ts';
import { type ChangeEvent, objectParts, savedEvent } from '../features.ts';
import { clearRow, putFigure, reachRow, type Whole } from '../habits/columns.ts';
import { countCame, latestShare, missedLately, noteChance, timesCame, wasMissedLast } from '../habits/latest-moves.ts';
import { CROWD_MAX, Lockstep, type LockstepState, type Movers, movedIn, moversIn, moversOf } from '../habits/lockstep.ts';
import type { PathHabits } from '../habits/path-habits.ts';
import type { RowTable } from '../habits/row-table.ts';
import { many, quoteBoth } from '../words.ts';

const MATES_MAX = 24;
const GROUP_MAX = 24;
const ASKED_GROUP_MAX = 40;
const VISITS_MIN = 4;
const RECENT_MS = 6 * HOUR_MS;
/** Companions may follow one by one. */
const WAIT_MS = 45 * MINUTE_MS;
const WAITING_MAX = 2_000;
/**
 * How many times as often as so far a companion is missed, by what it has in the field that moves, and by whether one of the fields had moved in a tenth of the
 * object's edits before: companions belong to what an object mostly changes, a version above all. What has just what is replaced nearly always comes along; what
 * is not usually changed comes alone in one of a dozen visits, however seldom its object did so far (clean streams of six clusters; three others alike).
 */
const TIMES = { left: { wonted: 0.1, else: 0.3 }, apart: { wonted: 1.5, else: 1.5 }, unknown: { wonted: 0.45, else: 1.2 } };
const WONTED_SHARE = 0.1;
const UNWONTED_MIN = 0.08;

/** A change whose usual companion had not come when its visit ended: told unless that follows within the wait. Plain data. */
export interface Missing {
  dueMs: number;
  event: ChangeEvent;
  mate: string;
  /** The generic path that the two move together; absent where the objects change together, whatever it is. */
  path?: string;
  /** The generic path of a field in which the one missed still has what this one replaced. */
  left?: string;
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
  /** See lockstep.ts. */
  lockstep: LockstepState;
  /** By the time they come due. */
  waiting: Missing[];
}

export class Company {
  readonly name = 'company';
  readonly #table: Pick<RowTable, 'find' | 'nameOf'>;
  readonly #habits: Pick<PathHabits, 'objectMoved' | 'objectEdits'>;
  #state: CompanyState = {
    objects: { alive: new Uint8Array(), visits: new Uint8Array(), lastMs: new Float64Array() },
    mates: new Map(),
    groups: 0,
    lockstep: new Map(),
    waiting: [],
  };
  readonly #lockstep = new Lockstep();

  /** `table` has the objects, `habits` what is mostly changed in them. */
  constructor(table: Pick<RowTable, 'find' | 'nameOf'>, habits: Pick<PathHabits, 'objectMoved' | 'objectEdits'>) {
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
    const { event, mate, path, surprise } = missing;
    const mateMs = path === undefined ? this.#lastSeenMs(mate) : this.#lastMovedMs(mate, path);
    if (mateMs === undefined || mateMs >= event.atMs) return undefined;
    const { kind, namespace, name } = objectParts(mate);
    const label = describeRef({ kind, namespace, name });
    return {
      missing,
      evidence: {
        surprise,
        explain: () => (path === undefined ? apart(missing, label) : outOfStep(missing, path, label)),
      },
    };
  }

  /** When an object that is still there last changed. */
  #lastSeenMs(object: string): number | undefined {
    const row = this.#table.find(object) ?? -1;
    const { alive, lastMs } = this.#state.objects;
    return alive[row] === 1 ? lastMs[row] : undefined;
  }

  /** The same of a field that it moves with others. */
  #lastMovedMs(object: string, path: string): number | undefined {
    return this.#lastSeenMs(object) === undefined ? undefined : this.#lockstep.of(object)?.get(path)?.lastMs;
  }

  #missing(group: Group): Missing | undefined {
    const object = this.#missingObject(group);
    const field = this.#missingField(group);
    return (field?.surprise ?? 0) > (object?.surprise ?? 0) ? field : object;
  }

  #missingField(group: Group): Missing | undefined {
    let best: Missing | undefined;
    let movers: Movers | undefined;
    for (const event of group.events) {
      const known = isEdit(event) ? this.#lockstep.of(event.object) : undefined;
      if (known === undefined) continue;
      for (const path of movedIn(event)) {
        const field = known.get(path);
        if (field === undefined || field.moves < VISITS_MIN) continue;
        movers ??= moversIn(group.events.filter(isEdit));
        const here = moversOf(movers, event, path);
        if (here.size > CROWD_MAX) continue;
        for (const [mate, moves] of field.mates) {
          const together = timesCame(moves);
          if (together < VISITS_MIN || here.has(mate)) continue;
          const mateMs = this.#lastMovedMs(mate, path);
          // It moved in a later visit, so this one catches up. That they moved together a moment ago is no reason why it stays behind now.
          if (mateMs === undefined || mateMs > field.lastMs) continue;
          const { standing } = this.#lockstep.standing(event, mate, path) ?? UNKNOWN;
          if (standing === 'ahead') continue;
          const times = standing === 'unknown' ? 1 : TIMES[standing].wonted;
          const isApart = mateMs < field.lastMs - WAIT_MS;
          const surprise = -Math.log(missedShare({ moves, visits: field.moves, isApart, times, isLeft: standing === 'left' }));
          if (surprise <= (best?.surprise ?? 0)) continue;
          const left = standing === 'left' ? { left: path } : {};
          best = { dueMs: seenMs(group) + WAIT_MS, event, mate, path, ...left, surprise, together, visits: field.moves };
        }
      }
    }
    return best;
  }

  #missingObject(group: Group): Missing | undefined {
    const here = group.objects;
    if (here.size > ASKED_GROUP_MAX) return undefined;
    let best: Missing | undefined;
    const crowd = 0.5 * Math.log(Math.max(1, here.size / 6));
    for (const event of group.events) {
      const visits = this.#state.objects.visits[event.row] ?? 0;
      if (!isEdit(event) || visits < VISITS_MIN) continue;
      const lastMs = this.#state.objects.lastMs[event.row] as number;
      let isWonted: boolean | undefined;
      for (const [mate, moves] of this.#state.mates.get(event.row) ?? []) {
        const together = timesCame(moves);
        if (together < VISITS_MIN || here.has(mate)) continue;
        const mateMs = this.#lastSeenMs(mate);
        if (mateMs === undefined || event.atMs - mateMs < RECENT_MS) continue;
        // The mate went ahead alone, so this one catches up.
        if (mateMs > lastMs + WAIT_MS) continue;
        isWonted ??= this.#isWonted(event);
        const { standing, path: at } = this.#lockstep.standing(event, mate) ?? UNKNOWN;
        if (standing === 'ahead') continue;
        const isLeft = standing === 'left';
        const times = TIMES[standing][isWonted ? 'wonted' : 'else'];
        const least = isWonted || isLeft ? 0 : UNWONTED_MIN;
        const isApart = mateMs < lastMs - WAIT_MS;
        const surprise = -Math.log(missedShare({ moves, visits, isApart, times, isLeft, least })) - crowd;
        if (surprise <= (best?.surprise ?? 0)) continue;
        const left = isLeft ? { left: at } : {};
        best = { dueMs: seenMs(group) + WAIT_MS, event, mate, ...left, surprise, together, visits };
      }
    }
    return best;
  }

  /** Whether it changes what is often changed in the object. */
  #isWonted(event: ChangeEvent): boolean {
    const often = Math.max(1, WONTED_SHARE * this.#habits.objectEdits(event));
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
      // Made anew it has what it is to have: nothing in it is behind.
      if (event.type === 'DELETED') this.#lockstep.forget(event.object);
    }
    const modified = group.events.filter(({ type }) => type === 'MODIFIED');
    if (modified.length > 0) this.#lockstep.learn(modified);
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
    this.#lockstep.forget(this.#table.nameOf(row));
  }

  mature(): boolean {
    return this.#state.groups >= 100;
  }

  samples(): number {
    return this.#state.groups;
  }

  save(): CompanyState {
    const waiting = this.#state.waiting.map((missing) => ({ ...missing, event: savedEvent(missing.event) }));
    return { ...this.#state, waiting, lockstep: this.#lockstep.save() };
  }

  load(state: CompanyState): void {
    this.#state = state;
    this.#lockstep.load(state.lockstep);
  }
}

/**
 * In what share of such changes a mate does not come: over all of them, taken `times` and no less than `least`; and where it was missed the last time, and came
 * neither shortly before nor after (`isApart`), no less than of late.
 */
function missedShare(of: {
  moves: number;
  visits: number;
  isApart: boolean;
  times: number;
  isLeft: boolean;
  least?: number;
}): number {
  const { moves, visits, isApart, times, isLeft, least = 0 } = of;
  const lifelong = Math.min(1, Math.max(least, (times * (visits - timesCame(moves) + 0.5)) / (visits + 1)));
  return isApart && wasMissedLast(moves) ? Math.max(lifelong, latestShare(missedLately(moves)) * (isLeft ? times : 1)) : lifelong;
}

function apart({ event, together, visits, left }: Missing, label: string): Explanation {
  return {
    sentence: `${describeRef(event.ref)} changed without ${label}${stillHas(event, left)}; ${together} of its ${many(visits, 'past change')} came together with it.`,
    observed: 'changed alone',
    usual: `together with ${label}`,
    samples: visits,
    scope: 'object',
    counterfactual: `a change of ${label} at the same time`,
  };
}

function outOfStep({ event, together, visits, left }: Missing, path: string, label: string): Explanation {
  const field = event.fields.find(({ generic }) => generic === path);
  const named = fieldName(field?.path ?? path);
  return {
    sentence: `${named} of ${describeRef(event.ref)} moved without that of ${label}${stillHas(event, left)}; ${together} of ${many(visits, 'move')} before came together with it.`,
    ...(field === undefined ? {} : { path: field.path }),
    observed: 'moved alone',
    usual: `together with ${label}`,
    samples: visits,
    scope: 'object',
    counterfactual: `the same field of ${label} moved at the same time`,
  };
}

/** What the one missed still has of what was replaced, in words; nothing where it has not. */
function stillHas({ fields }: ChangeEvent, left: string | undefined): string {
  const field = fields.find(({ op, generic }) => op === 'set' && generic === left);
  return field === undefined ? '' : `, which still has ${quoteBoth(field.old, field.next)[0]}`;
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

const UNKNOWN = { standing: 'unknown', path: '' } as const;
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
