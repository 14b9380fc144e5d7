/**
 * Slow drift: a number of one object that keeps moving in one direction. Two things together: it moves more often than it used to
 * (large-deviation exponent of the moves in this run against the rate before it), and always the same way (against how often its moves
 * went that way before). A counter that always climbs, or a dial that swings, stays silent.
 */
import { fieldName } from '../../domain/field-path.ts';
import { crowding, DAY_MS, type Detector, type Evidence, MINUTE_MS } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import type { PathHabits } from '../habits/path-habits.ts';
import { type Run, Runs, type RunsState } from '../habits/runs.ts';
import { KnownPlaces } from '../places.ts';
import { figure, quote, span } from '../words.ts';

const RUNS_MAX = 32;
const KINDS_MAX = 20_000;
const KIN_TRUST = 2;
const FORGET_MS = 30 * DAY_MS;
const APART_MS = 10 * MINUTE_MS;
const STEPS_MIN = 4;
const MEAN_MIN = 0.1;
/** A walk that wanders is busy as well; one that keeps its way is the point. */
const PACE_WEIGHT = 0.5;
const DIRECTION_WEIGHT = 1.5;

interface Moves {
  ups: number;
  downs: number;
}

interface State {
  runs: RunsState;
  /** Per kind and generic path: moves up and down. Some numbers only ever grow, whatever the object. */
  kinds: Map<string, Moves>;
  steps: number;
}

export class Drift implements Detector<State> {
  readonly name = 'drift';
  readonly #habits: PathHabits;
  readonly #runs = new Runs();
  readonly #kindsAt = new KnownPlaces<Moves>(KINDS_MAX);
  #state: Omit<State, 'runs'> = { kinds: new Map(), steps: 0 };

  constructor(habits: PathHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent): Evidence | undefined {
    if (event.type !== 'MODIFIED' || !event.timed) return undefined;
    if (this.#runs.count(event.row) === 0) return undefined;
    let surprise = 0;
    let found: { field: Field; run: Run } | undefined;
    for (const field of event.fields) {
      const run = steps(field) ? this.#runs.get(event.row, field.path) : undefined;
      if (run === undefined || run.steps < STEPS_MIN || !continues(run, field, event.atMs) || event.atMs - run.lastMs <= APART_MS)
        continue;
      const here = this.#surprise(event, field, run);
      if (here > surprise) {
        surprise = here;
        found = { field, run };
      }
    }
    if (found === undefined) return undefined;
    const { field, run } = found;
    return {
      surprise,
      explain: () => ({
        sentence: `${fieldName(field.path)} has moved ${run.up ? 'up' : 'down'} ${run.steps + 1} times in a row within ${span(event.atMs - run.firstMs)}, from ${figure(run.from)} to ${quote(field.next)}; so long a run in one direction is rare for it.`,
        path: field.path,
        observed: field.next,
        usual: Number(figure(run.from)),
        samples: this.#habits.objectEdits(event),
        scope: 'object',
        counterfactual: 'a step back, or no further step',
      }),
    };
  }

  #surprise(event: ChangeEvent, field: Field, run: Run): number {
    const moves = run.steps + 1;
    const edits = Math.max(moves, this.#habits.objectEdits(event) - run.edits + 1);
    // The kind's moves with this run's own taken out, so that a run does not make itself usual.
    const kin = this.#state.kinds.get(field.ofKind);
    const kinUps = Math.max(0, (kin?.ups ?? 0) - (run.up ? run.steps : 0));
    const kinDowns = Math.max(0, (kin?.downs ?? 0) - (run.up ? 0 : run.steps));
    const kinSame = ((run.up ? kinUps : kinDowns) + 1) / (kinUps + kinDowns + 2);
    const sameWay = ((run.up ? run.ups : run.downs) + KIN_TRUST * kinSame) / (run.ups + run.downs + KIN_TRUST);
    return PACE_WEIGHT * crowding(moves, Math.max(MEAN_MIN, edits * run.rate)) - DIRECTION_WEIGHT * run.steps * Math.log(sameWay);
  }

  learn(event: ChangeEvent): void {
    if (event.type !== 'MODIFIED') return;
    for (const field of event.fields) {
      if (!steps(field)) continue;
      const x = field.x as number;
      const up = (field.y as number) > x;
      const run = this.#runs.get(event.row, field.path);
      this.#state.steps++;
      const { kinds } = this.#state;
      const kin = this.#kindsAt.at(kinds, field) ?? this.#kindsAt.touch(kinds, field, field.ofKind, () => ({ ups: 0, downs: 0 }));
      if (up) kin.ups++;
      else kin.downs++;
      if (run !== undefined && continues(run, field, event.atMs)) {
        this.#runs.put(event.row, field.path, { ...run, steps: run.steps + 1, lastMs: event.atMs });
      } else if (run !== undefined || this.#runs.count(event.row) < RUNS_MAX) {
        this.#runs.put(event.row, field.path, {
          up,
          steps: 1,
          rate: this.#habits.moving(event, field),
          edits: this.#habits.objectEdits(event),
          ups: (run?.ups ?? 0) + (run?.up ? run.steps : 0),
          downs: (run?.downs ?? 0) + (run === undefined || run.up ? 0 : run.steps),
          firstMs: event.atMs,
          lastMs: event.atMs,
          from: x,
        });
      }
    }
  }

  mature(event: ChangeEvent): boolean {
    return this.#habits.objectEdits(event) >= 5 || this.#habits.kindEdits(event.kind) >= 20;
  }

  samples(): number {
    return this.#state.steps;
  }

  forget(row: number): void {
    this.#runs.forget(row);
  }

  save(): State {
    return { ...this.#state, runs: this.#runs.save() };
  }

  load({ runs, ...state }: State): void {
    this.#runs.load(runs);
    this.#kindsAt.clear();
    this.#state = state;
  }
}

function steps(field: Field): boolean {
  return field.op === 'set' && field.x !== undefined && field.y !== undefined && field.x !== field.y;
}

function continues(run: Run, field: Field, atMs: number): boolean {
  return run.up === (field.y as number) > (field.x as number) && atMs - run.lastMs < FORGET_MS;
}
