/**
 * Slow drift: a number of one object that keeps moving in one direction in small steps. Each further step adds the surprise of that
 * field moving at all, so a counter that always climbs stays silent.
 */
import { touch } from './counts.ts';
import { DAY_MS, type Detector, type Evidence, MINUTE_MS } from './detector.ts';
import type { ChangeEvent, Field } from './features.ts';
import type { PathHabits } from './path-habits.ts';
import { fieldName, figure, quote, span } from './words.ts';

const OBJECTS_MAX = 50_000;
const RUNS_MAX = 32;
const FORGET_MS = 30 * DAY_MS;
const APART_MS = 10 * MINUTE_MS;
const STEPS_MIN = 2;
const STEP_SURPRISE_MAX = 5;

interface Run {
  up: boolean;
  steps: number;
  surprise: number;
  firstMs: number;
  lastMs: number;
  from: number;
}

interface State {
  objects: Map<string, Map<string, Run>>;
  steps: number;
}

export class Drift implements Detector<State> {
  readonly name = 'drift';
  readonly #habits: PathHabits;
  #state: State = { objects: new Map(), steps: 0 };

  constructor(habits: PathHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent): Evidence | undefined {
    if (event.type !== 'MODIFIED' || !event.timed) return undefined;
    const runs = this.#state.objects.get(event.object);
    if (runs === undefined) return undefined;
    let surprise = 0;
    let found: { field: Field; run: Run } | undefined;
    for (const field of event.fields) {
      const run = steps(field) ? runs.get(field.path) : undefined;
      if (run === undefined || run.steps < STEPS_MIN || !continues(run, field, event.atMs) || event.atMs - run.lastMs <= APART_MS)
        continue;
      const here = run.surprise + this.#stepSurprise(event, field);
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
        sentence: `${fieldName(field.path)} has moved ${run.up ? 'up' : 'down'} ${run.steps + 1} times in a row within ${span(event.atMs - run.firstMs)}, from ${figure(run.from)} to ${quote(field.next)}; it seldom moves at all.`,
        path: field.path,
        observed: field.next,
        usual: Number(figure(run.from)),
        samples: this.#habits.objectEdits(event),
        scope: 'object',
        counterfactual: 'a step back, or no further step',
      }),
    };
  }

  #stepSurprise(event: ChangeEvent, field: Field): number {
    return Math.min(STEP_SURPRISE_MAX, -Math.log(this.#habits.moving(event, field)));
  }

  learn(event: ChangeEvent): void {
    if (event.type !== 'MODIFIED') return;
    for (const field of event.fields) {
      if (!steps(field)) continue;
      const x = field.x as number;
      const up = (field.y as number) > x;
      const runs = touch(this.#state.objects, event.object, OBJECTS_MAX, () => new Map<string, Run>());
      const run = runs.get(field.path);
      const surprise = this.#stepSurprise(event, field);
      this.#state.steps++;
      if (run !== undefined && continues(run, field, event.atMs)) {
        run.steps++;
        run.surprise += surprise;
        run.lastMs = event.atMs;
      } else if (run !== undefined || runs.size < RUNS_MAX) {
        runs.set(field.path, { up, steps: 1, surprise, firstMs: event.atMs, lastMs: event.atMs, from: x });
      }
    }
  }

  mature(event: ChangeEvent): boolean {
    return this.#habits.objectEdits(event) >= 5 || this.#habits.kindEdits(event.kind) >= 20;
  }

  samples(): number {
    return this.#state.steps;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}

function steps(field: Field): boolean {
  return field.op === 'set' && field.x !== undefined && field.y !== undefined && field.x !== field.y;
}

function continues(run: Run, field: Field, atMs: number): boolean {
  return run.up === (field.y as number) > (field.x as number) && atMs - run.lastMs < FORGET_MS;
}
