/**
 * Who came to each object how often. Most objects know one actor: their first lies in columns, by row, and only those that know more of them have a
 * Map for the others.
 */
import { clearRow, putFigure, reachRow, type Whole } from './columns.ts';
import { increment } from './counts.ts';
import { NameBook } from './name-book.ts';

const ACTORS_MAX = 256;

/** Visits to a kind, namespace or object. */
export interface Target {
  n: number;
  /** Visits of each actor, in the order of their first. */
  by: Map<string, number>;
  newcomers: number;
}

export interface VisitorsState {
  columns: {
    n: Whole;
    newcomers: Whole;
    /** Who came first, in the book of names, and how often. */
    first: Whole;
    firstVisits: Whole;
  };
  /** By row. */
  others: Map<number, Map<string, number>>;
  names: string[];
}

export class Visitors {
  readonly #names = new NameBook();
  #columns: VisitorsState['columns'] = {
    n: new Uint8Array(),
    newcomers: new Uint8Array(),
    first: new Uint8Array(),
    firstVisits: new Uint8Array(),
  };
  #others: VisitorsState['others'] = new Map();

  /** Undefined where nobody came yet. */
  get(row: number): Pick<Target, 'n' | 'newcomers'> | undefined {
    const n = this.#columns.n[row] ?? 0;
    return n === 0 ? undefined : { n, newcomers: this.#columns.newcomers[row] as number };
  }

  knows(row: number, actor: string): boolean {
    const first = this.#columns.first[row] ?? 0;
    return (first > 0 && first === this.#names.find(actor)) || (this.#others.get(row)?.has(actor) ?? false);
  }

  /** Whether the actor had not come there before. */
  enter(row: number, actor: string): boolean {
    const columns = this.#columns;
    if (row >= columns.n.length) reachRow(columns, row);
    const isNew = !this.knows(row, actor);
    if (isNew) columns.newcomers = putFigure(columns.newcomers, row, (columns.newcomers[row] as number) + 1);
    columns.n = putFigure(columns.n, row, (columns.n[row] as number) + 1);
    const number = this.#names.numberOf(actor);
    if (columns.n[row] === 1) columns.first = putFigure(columns.first, row, number);
    if (number > 0 && columns.first[row] === number) {
      columns.firstVisits = putFigure(columns.firstVisits, row, (columns.firstVisits[row] as number) + 1);
      return isNew;
    }
    let others = this.#others.get(row);
    if (others === undefined) {
      others = new Map();
      this.#others.set(row, others);
    }
    increment(others, actor, ACTORS_MAX - 1);
    return isNew;
  }

  target(row: number): Target | undefined {
    return targetIn(this.save(), row);
  }

  forget(row: number): void {
    clearRow(this.#columns, row);
    this.#others.delete(row);
  }

  save(): VisitorsState {
    return { columns: this.#columns, others: this.#others, names: this.#names.save() };
  }

  load({ columns, others, names }: VisitorsState): void {
    this.#columns = columns;
    this.#others = others;
    this.#names.load(names);
  }
}

/** In a saved state. */
export function targetIn({ columns, others, names }: VisitorsState, row: number): Target | undefined {
  const n = columns.n[row] ?? 0;
  if (n === 0) return undefined;
  const by = new Map<string, number>();
  const first = names[(columns.first[row] as number) - 1];
  if (first !== undefined) by.set(first, columns.firstVisits[row] as number);
  for (const [actor, visits] of others.get(row) ?? []) by.set(actor, visits);
  return { n, by, newcomers: columns.newcomers[row] as number };
}
