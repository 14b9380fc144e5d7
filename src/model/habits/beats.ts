/**
 * The signs of life of many keys (objects, statuses, or actors on a kind), one row each: what a Beat says is packed into columns, of which a Beat is
 * unpacked to be worked on and put back. There are twice as many as objects.
 */
import type { ObjectRef } from '../../domain/object-ref.ts';
import { MINUTE_MS } from '../detector.ts';
import { clearRow, putFigure, reachRow, type Whole } from './columns.ts';
import { CLOCKS, GapLog, type GapLogState } from './gap-log.ts';
import type { NameBook } from './name-book.ts';

/** After as many beats that somebody else brings, a key has another habit. */
const VOTES_MAX = 30;
/** Signs of life that come closer to each other are one beat. */
export const APART_MS = 10 * MINUTE_MS;

/** The kind of an object, as it was called when its key was first seen. */
export type Head = Pick<ObjectRef, 'cluster' | 'group' | 'version' | 'kind'>;

export interface Gaps {
  count(): number;
  /** On one clock, oldest first. */
  on(clock: number): Float64Array;
}

/** A sign of life of one key, with what was seen of the cluster and of the kind by then. */
export interface Sign {
  atMs: number;
  by: string;
  visits: number;
  ofKind: number;
  /** Whether the object is still there after it. */
  alive: boolean;
}

export interface Beat {
  /** Of `nameOfHead`. */
  head: string;
  /** Who brought the last beat: what one actor leaves undone at once is one silence. */
  by: string;
  /** Who brings most of them (the survivor of a majority vote) and by how many votes: their silence is this one's as well. */
  habit: { by: string; votes: number };
  lastMs: number;
  /**
   * On the wall clock; in visits of anybody to the cluster: when all is quiet, one more quiet object is no news; and in changes of objects of
   * the same kind, a visit's counted once.
   */
  gaps: Gaps;
  lastVisits: number;
  lastOfKind: number;
  /** Due times that passed in vain and were followed by a beat after all. */
  late: number;
  beats: number;
  alive: boolean;
  /** How often this silence was told already. */
  told: number;
  /** Rises with each beat, and goes on when the row gets another key. */
  serial: number;
}

export interface BeatsState {
  columns: {
    /** 1 once a beat was put. */
    known: Uint8Array;
    alive: Uint8Array;
    told: Uint8Array;
    /** Numbers in the book of names: of the head, who brought the last beat, who brings most. */
    head: Whole;
    by: Whole;
    habit: Whole;
    votes: Whole;
    lastVisits: Whole;
    lastOfKind: Whole;
    late: Whole;
    beats: Whole;
    lastMs: Float64Array;
  };
  serials: { serial: Whole };
  gaps: GapLogState;
}

export class Beats {
  readonly #names: NameBook;
  readonly #heads: NameBook;
  readonly #gaps = new GapLog();
  #state: Omit<BeatsState, 'gaps'> = {
    columns: {
      known: new Uint8Array(),
      alive: new Uint8Array(),
      told: new Uint8Array(),
      head: new Uint8Array(),
      by: new Uint8Array(),
      habit: new Uint8Array(),
      votes: new Uint8Array(),
      lastVisits: new Uint8Array(),
      lastOfKind: new Uint8Array(),
      late: new Uint8Array(),
      beats: new Uint8Array(),
      lastMs: new Float64Array(),
    },
    serials: { serial: new Uint8Array() },
  };

  /** The books of actors and of heads, which tables may share. Heads are few, and must not be left out because actors are many. */
  constructor(names: NameBook, heads: NameBook) {
    this.#names = names;
    this.#heads = heads;
  }

  get(row: number): Beat | undefined {
    const { columns, serials } = this.#state;
    if (!columns.known[row]) return undefined;
    return {
      head: this.#heads.nameOf(columns.head[row] as number) ?? '',
      by: this.#nameIn(columns.by, row),
      habit: { by: this.#nameIn(columns.habit, row), votes: columns.votes[row] as number },
      lastMs: columns.lastMs[row] as number,
      gaps: this.#gapsOf(row),
      lastVisits: columns.lastVisits[row] as number,
      lastOfKind: columns.lastOfKind[row] as number,
      late: columns.late[row] as number,
      beats: columns.beats[row] as number,
      alive: columns.alive[row] === 1,
      told: columns.told[row] as number,
      serial: serials.serial[row] as number,
    };
  }

  #gapsOf(row: number): Gaps {
    const log = this.#gaps;
    return { count: () => log.count(row), on: (clock) => log.on(row, clock) };
  }

  has(row: number): boolean {
    return this.#state.columns.known[row] === 1;
  }

  /** The first beat of a key. */
  begin(row: number, head: string, sign: Sign): void {
    const { columns, serials } = this.#state;
    reachRow(columns, row);
    reachRow(serials, row);
    columns.known[row] = 1;
    columns.alive[row] = 1;
    const by = this.#names.numberOf(sign.by);
    columns.head = putFigure(columns.head, row, this.#heads.numberOf(head));
    columns.by = putFigure(columns.by, row, by);
    columns.habit = putFigure(columns.habit, row, by);
    columns.votes[row] = 1;
    this.#noteTimes(row, sign);
    this.#count(row);
  }

  /** One more sign of life; false where it came so soon after the last that it is the same beat. Works on the columns, as it is every change's. */
  come(row: number, sign: Sign): boolean {
    const { columns } = this.#state;
    columns.alive[row] = sign.alive ? 1 : 0;
    if ((columns.told[row] as number) > 0) {
      columns.late = putFigure(columns.late, row, (columns.late[row] as number) + 1);
      columns.told[row] = 0;
    }
    const gap = sign.atMs - (columns.lastMs[row] as number);
    if (gap < APART_MS) return false;
    const visits = Math.max(1, sign.visits - (columns.lastVisits[row] as number));
    const ofKind = Math.max(1, sign.ofKind - (columns.lastOfKind[row] as number));
    this.#gaps.push(row, [gap, visits, ofKind]);
    const by = this.#names.numberOf(sign.by);
    columns.by = putFigure(columns.by, row, by);
    this.#vote(row, by);
    columns.beats = putFigure(columns.beats, row, (columns.beats[row] as number) + 1);
    this.#noteTimes(row, sign);
    this.#count(row);
    return true;
  }

  #noteTimes(row: number, { atMs, visits, ofKind }: Sign): void {
    const { columns } = this.#state;
    columns.lastMs[row] = atMs;
    columns.lastVisits = putFigure(columns.lastVisits, row, visits);
    columns.lastOfKind = putFigure(columns.lastOfKind, row, ofKind);
  }

  #count(row: number): void {
    const { serials } = this.#state;
    serials.serial = putFigure(serials.serial, row, (serials.serial[row] as number) + 1);
  }

  /**
   * Boyer and Moore's majority vote: whoever brought more than half of the beats survives, in two fields; with no more votes than can be lost again, so
   * that a writer who goes by another name from some day on is known by that in time. Who has no number in the book is nobody's habit. */
  #vote(row: number, by: number): void {
    const { columns } = this.#state;
    const votes = columns.votes[row] as number;
    if (by > 0 && columns.habit[row] === by) columns.votes = putFigure(columns.votes, row, Math.min(votes + 1, VOTES_MAX));
    else if (votes > 1) columns.votes[row] = votes - 1;
    else {
      columns.habit = putFigure(columns.habit, row, by);
      columns.votes[row] = 1;
    }
  }

  /** One more time that nothing came when it was due. */
  tell(row: number): void {
    const { told } = this.#state.columns;
    told[row] = (told[row] as number) + 1;
  }

  /** The gaps on the wall clock, oldest first, into an array with room for GAPS_MAX; returns how many there are. */
  readGaps(row: number, into: Float64Array): number {
    const n = this.#gaps.count(row);
    if (n > 0) this.#gaps.read(row, CLOCKS.time, into);
    return n;
  }

  isAlive(row: number): boolean {
    return this.#state.columns.alive[row] === 1;
  }

  lastMsOf(row: number): number {
    return this.#state.columns.lastMs[row] as number;
  }

  serialOf(row: number): number {
    return this.#state.serials.serial[row] as number;
  }

  /** Keys with a beat. */
  size(): number {
    return this.#state.columns.known.reduce((sum, known) => sum + known, 0);
  }

  forget(row: number): void {
    clearRow(this.#state.columns, row);
    this.#gaps.forget(row);
  }

  #nameIn(column: Whole, row: number): string {
    return this.#names.nameOf(column[row] as number) ?? '';
  }

  save(): BeatsState {
    return { ...this.#state, gaps: this.#gaps.save() };
  }

  load({ gaps, ...state }: BeatsState): void {
    this.#gaps.load(gaps);
    this.#state = state;
  }
}

export function nameOfHead({ cluster, group, version, kind }: Head): string {
  return [cluster, group, version, kind].join('\u0000');
}

export function headOf(name: string): Head {
  const [cluster = '', group = '', version = '', kind = ''] = name.split('\u0000');
  return { cluster, group, version, kind };
}
