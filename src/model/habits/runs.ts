/** The runs of numbers in one direction, of which drift is made: one row of figures for each object and path. */
import { putFigure, reachRow, type Whole } from './columns.ts';
import { RowLists, type RowListsState } from './row-lists.ts';
import { SharedNames, type SharedNamesState } from './shared-names.ts';

export interface Run {
  up: boolean;
  steps: number;
  /** Rate of moves per edit, and edits of the object, before the run began. */
  rate: number;
  edits: number;
  /** Moves up and down before the run began. */
  ups: number;
  downs: number;
  firstMs: number;
  lastMs: number;
  from: number;
}

export interface RunsState {
  /** By row of the object: the number of each path and which of the runs is its own, in turns. */
  lists: RowListsState;
  paths: SharedNamesState;
  runs: {
    up: Uint8Array;
    steps: Whole;
    edits: Whole;
    ups: Whole;
    downs: Whole;
    rate: Float64Array;
    firstMs: Float64Array;
    lastMs: Float64Array;
    from: Float64Array;
  };
  used: number;
  /** Runs of objects that were forgotten. */
  free: number[];
}

export class Runs {
  readonly #lists = new RowLists();
  readonly #paths = new SharedNames();
  #state: Omit<RunsState, 'lists' | 'paths'> = {
    runs: {
      up: new Uint8Array(),
      steps: new Uint8Array(),
      edits: new Uint8Array(),
      ups: new Uint8Array(),
      downs: new Uint8Array(),
      rate: new Float64Array(),
      firstMs: new Float64Array(),
      lastMs: new Float64Array(),
      from: new Float64Array(),
    },
    used: 0,
    free: [],
  };

  /** How many paths of an object have a run. */
  count(row: number): number {
    return this.#lists.length(row) / 2;
  }

  get(row: number, path: string): Run | undefined {
    const at = this.#find(row, path);
    if (at < 0) return undefined;
    const { runs } = this.#state;
    return {
      up: runs.up[at] === 1,
      steps: runs.steps[at] as number,
      rate: runs.rate[at] as number,
      edits: runs.edits[at] as number,
      ups: runs.ups[at] as number,
      downs: runs.downs[at] as number,
      firstMs: runs.firstMs[at] as number,
      lastMs: runs.lastMs[at] as number,
      from: runs.from[at] as number,
    };
  }

  put(row: number, path: string, run: Run): void {
    const { runs } = this.#state;
    const known = this.#find(row, path);
    const at = known < 0 ? this.#begin(row, path) : known;
    runs.up[at] = run.up ? 1 : 0;
    runs.steps = putFigure(runs.steps, at, run.steps);
    runs.edits = putFigure(runs.edits, at, run.edits);
    runs.ups = putFigure(runs.ups, at, run.ups);
    runs.downs = putFigure(runs.downs, at, run.downs);
    runs.rate[at] = run.rate;
    runs.firstMs[at] = run.firstMs;
    runs.lastMs[at] = run.lastMs;
    runs.from[at] = run.from;
  }

  #begin(row: number, path: string): number {
    const state = this.#state;
    const at = state.free.pop() ?? state.used++;
    reachRow(state.runs, at);
    this.#lists.insert(row, this.#lists.length(row), [this.#paths.take(path), at]);
    return at;
  }

  #find(row: number, path: string): number {
    const number = this.#lists.length(row) === 0 ? -1 : this.#paths.find(path);
    const place = number < 0 ? -1 : this.#lists.placeOf(row, number);
    return place < 0 ? -1 : this.#lists.at(row, place + 1);
  }

  forget(row: number): void {
    for (let i = 0; i < this.#lists.length(row); i += 2) {
      this.#paths.drop(this.#lists.at(row, i));
      this.#state.free.push(this.#lists.at(row, i + 1));
    }
    this.#lists.forget(row);
  }

  save(): RunsState {
    return { ...this.#state, lists: this.#lists.save(), paths: this.#paths.save() };
  }

  load({ lists, paths, ...state }: RunsState): void {
    this.#lists.load(lists);
    this.#paths.load(paths);
    this.#state = state;
  }
}
