/**
 * The signs of life of many keys (objects, statuses, or actors on a kind), one row each: what a Beat says is packed into columns, of which a Beat is
 * unpacked to be worked on and put back. There are twice as many as objects.
 */
import type { ObjectRef } from '../domain/object-ref.ts';
import { clearRow, putFigure, reachRow, type Whole } from './columns.ts';
import { GapLog, type GapLogState } from './gap-log.ts';
import type { NameBook } from './name-book.ts';

/** The kind of an object, as it was called when its key was first seen. */
export type Head = Pick<ObjectRef, 'cluster' | 'group' | 'version' | 'kind'>;

export interface Gaps {
  count(): number;
  /** On one clock, oldest first. */
  on(clock: number): Float64Array;
  push(gap: readonly [time: number, visits: number, kind: number]): void;
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
    head: Uint16Array;
    by: Uint16Array;
    habit: Uint16Array;
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
      head: new Uint16Array(),
      by: new Uint16Array(),
      habit: new Uint16Array(),
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
      gaps: this.gapsOf(row),
      lastVisits: columns.lastVisits[row] as number,
      lastOfKind: columns.lastOfKind[row] as number,
      late: columns.late[row] as number,
      beats: columns.beats[row] as number,
      alive: columns.alive[row] === 1,
      told: columns.told[row] as number,
      serial: serials.serial[row] as number,
    };
  }

  gapsOf(row: number): Gaps {
    const log = this.#gaps;
    return { count: () => log.count(row), on: (clock) => log.on(row, clock), push: (gap) => log.push(row, gap) };
  }

  /** All but the gaps, which go straight into the log. */
  put(row: number, beat: Beat): void {
    const { columns, serials } = this.#state;
    reachRow(columns, row);
    reachRow(serials, row);
    columns.known[row] = 1;
    columns.head[row] = this.#heads.numberOf(beat.head);
    columns.by[row] = this.#names.numberOf(beat.by);
    columns.habit[row] = this.#names.numberOf(beat.habit.by);
    columns.lastMs[row] = beat.lastMs;
    putFigure(columns, 'votes', row, beat.habit.votes);
    for (const figure of ['lastVisits', 'lastOfKind', 'late', 'beats'] as const) putFigure(columns, figure, row, beat[figure]);
    columns.alive[row] = beat.alive ? 1 : 0;
    columns.told[row] = beat.told;
    putFigure(serials, 'serial', row, beat.serial);
  }

  /** Keys with a beat. */
  size(): number {
    return this.#state.columns.known.reduce((sum, known) => sum + known, 0);
  }

  /** Of a row without a beat: what its next one's serial goes on from. */
  serialOf(row: number): number {
    return this.#state.serials.serial[row] ?? 0;
  }

  forget(row: number): void {
    clearRow(this.#state.columns, row);
    this.#gaps.forget(row);
  }

  #nameIn(column: Uint16Array, row: number): string {
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
