/**
 * Many objects at once: one actor deletes far more than it creates within half an hour (mass deletion), or touches far more objects
 * than its visits usually do (wave).
 */

import { DAY_MS, type Detector, type Evidence, type Group, MINUTE_MS } from '../detector.ts';
import type { ChangeEvent } from '../features.ts';
import { clearRow, putFigure, reachRow, type Whole } from '../habits/columns.ts';
import { touch } from '../habits/counts.ts';
import { NameBook } from '../habits/name-book.ts';
import { type Lost, noteLost } from '../lost-things.ts';
import { figure, many } from '../words.ts';

const ACTORS_MAX = 5_000;
const WINDOW_MS = 30 * MINUTE_MS;
const RECENT_MAX = 64;
const LOST_MIN = 4;
/** What one more object of the same thing weighs beside one more thing. */
const PART_WEIGHT = 0.2;
const THINGS_MIN = 2.5;
const SPREAD_MIN = 5;
const GROUPS_MIN = 10;
const PLACES_MAX = 20_000;
const TRIAL_MS = 7 * DAY_MS;
const SHARE_WEIGHT = 2;
const POPULATION_MIN = 5;

/** Deletions beyond creations, and of how many things. */
interface Loss {
  atMs: number;
  lost: number;
  things: number;
}

interface Habit {
  groups: number;
  /** Groups that deleted more than they created. */
  losing: number;
  /** Sum over groups of ln(objects touched), and of its square. */
  logs: number;
  squares: number;
  recent: Loss[];
  /** What these took, and since when it is gathered. */
  gone: Lost;
  goneMs: number;
}

interface State {
  actors: Map<string, Habit>;
  groups: number;
  /** Living objects per kind and namespace. */
  alive: Map<string, number>;
  /** Who created an object and when, one row each: clearing up one's own trial is no loss. */
  created: {
    /** In the book of creators; 0 where nothing is known. */
    by: Whole;
    atMs: Float64Array;
  };
}

function placeOf(event: ChangeEvent): string {
  return `${event.kind}\u0000${event.ref.namespace}`;
}

const newHabit = (): Habit => ({ groups: 0, losing: 0, logs: 0, squares: 0, recent: [], gone: new Map(), goneMs: 0 });

/** The habits of both detectors, taught by MassDelete. */
export class WaveHabits {
  state: State = {
    actors: new Map(),
    groups: 0,
    alive: new Map(),
    created: { by: new Uint8Array(), atMs: new Float64Array() },
  };
  readonly #creators = new NameBook();

  /** Whether the object is a trial of this actor's own. */
  isTrial({ row, actor, atMs }: ChangeEvent): boolean {
    const by = this.state.created.by[row] ?? 0;
    return by > 0 && by === this.#creators.find(actor.name) && atMs - (this.state.created.atMs[row] as number) < TRIAL_MS;
  }

  #noteCreator({ row, actor, atMs }: ChangeEvent): void {
    const { created } = this.state;
    if (row >= created.by.length) reachRow(created, row);
    if (created.by[row] !== 0) return;
    created.by = putFigure(created.by, row, this.#creators.numberOf(actor.name));
    created.atMs[row] = atMs;
  }

  forget(row: number): void {
    clearRow(this.state.created, row);
  }

  save(): { state: State; creators: string[] } {
    return { state: this.state, creators: this.#creators.save() };
  }

  load(saved: { state: State; creators: string[] }): void {
    this.state = saved.state;
    this.#creators.load(saved.creators);
  }

  learn(event: ChangeEvent, group: Group): void {
    if (event.type !== 'MODIFIED') {
      const place = placeOf(event);
      const count = (this.state.alive.get(place) ?? 0) + (event.type === 'ADDED' ? 1 : -1);
      if (count > 0 && (this.state.alive.has(place) || this.state.alive.size < PLACES_MAX)) this.state.alive.set(place, count);
      else this.state.alive.delete(place);
      if (event.type === 'DELETED') this.forget(event.row);
      else if (!event.imported) this.#noteCreator(event);
    }
    if (event !== group.events[0] || !event.timed) return;
    const habit = touch(this.state.actors, event.actor.name, ACTORS_MAX, newHabit);
    const { events } = group;
    const size = events.length === 1 ? 0 : Math.log(new Set(events.map((member) => member.object)).size);
    this.state.groups++;
    habit.groups++;
    habit.logs += size;
    habit.squares += size * size;
    let lost = 0;
    for (const member of group.events) lost += member.type === 'DELETED' ? 1 : member.type === 'ADDED' ? -1 : 0;
    if (lost <= 0) return;
    habit.losing++;
    while (habit.recent.length >= RECENT_MAX || group.lastMs - (habit.recent[0]?.atMs ?? group.lastMs) > WINDOW_MS)
      habit.recent.shift();
    if (habit.recent.length === 0 || habit.gone.size > RECENT_MAX || group.lastMs - habit.goneMs > WINDOW_MS) {
      habit.gone.clear();
      habit.goneMs = group.lastMs;
    }
    let things = 0;
    for (const member of group.events) if (member.type === 'DELETED') things += noteLost(habit.gone, member);
    habit.recent.push({ atMs: group.lastMs, lost, things: Math.min(lost, things) });
  }
}

export class MassDelete implements Detector<ReturnType<WaveHabits['save']>> {
  readonly name = 'mass-delete';
  readonly #habits: WaveHabits;

  constructor(habits: WaveHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type !== 'DELETED' || !event.timed) return undefined;
    if (this.#habits.isTrial(event)) return undefined;
    const habit = this.#habits.state.actors.get(event.actor.name);
    let lost = group.lost;
    let things = Math.min(lost, group.things);
    for (const past of habit?.recent ?? []) {
      if (event.atMs - past.atMs > WINDOW_MS || past.atMs >= group.firstMs) continue;
      lost += past.lost;
      things += past.things;
    }
    const weighty = things + PART_WEIGHT * (lost - things);
    if (lost < LOST_MIN || weighty < THINGS_MIN) return undefined;
    // Of a population of some size, how much is gone: twelve of forty weigh more than twelve of four thousand. That nothing is left of one thing is no news.
    const alive = this.#habits.state.alive.get(placeOf(event)) ?? 0;
    const share = alive + lost >= POPULATION_MIN ? Math.min(1, lost / Math.max(lost, alive + lost - group.lost)) : 0;
    const habitual = ((habit?.losing ?? 0) + 1) / ((habit?.groups ?? 0) + 5);
    return {
      surprise: Math.max(0.01, 1.5 * Math.log(weighty) + (SHARE_WEIGHT * share * things) / lost - 0.35 * Math.log(habitual)),
      explain: () => ({
        sentence: `${event.actor.name} deleted ${many(lost, 'object')} more than it created within half an hour, ${event.ref.kind} ${event.ref.name} among them; in ${habit?.losing ?? 0} of its ${many(habit?.groups ?? 0, 'earlier session')} it deleted more than it created.`,
        observed: lost,
        usual: 0,
        samples: habit?.groups ?? 0,
        scope: 'actor',
        counterfactual: 'one or two deletions',
      }),
    };
  }

  learn(event: ChangeEvent, group: Group): void {
    this.#habits.learn(event, group);
  }

  mature(): boolean {
    return this.#habits.state.groups >= GROUPS_MIN;
  }

  samples(): number {
    return this.#habits.state.groups;
  }

  forget(row: number): void {
    this.#habits.forget(row);
  }

  save(): ReturnType<WaveHabits['save']> {
    return this.#habits.save();
  }

  load(saved: ReturnType<WaveHabits['save']>): void {
    this.#habits.load(saved);
  }
}

export class Wave implements Detector<null> {
  readonly name = 'wave';
  readonly #habits: WaveHabits;

  constructor(habits: WaveHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    const size = group.objects.size;
    if (event.type === 'ADDED' || !event.timed || size < SPREAD_MIN) return undefined;
    const habit = this.#habits.state.actors.get(event.actor.name);
    const n = habit?.groups ?? 0;
    // Log-normal sizes with a prior of three visits of two or so objects each.
    const mean = ((habit?.logs ?? 0) + 3 * 0.7) / (n + 3);
    const variance = ((habit?.squares ?? 0) + 3 * 1.2) / (n + 3) - mean * mean;
    const surprise = (Math.log(size) - mean) / Math.sqrt(Math.max(0.15, variance));
    if (surprise <= 0) return undefined;
    return {
      surprise,
      explain: () => ({
        sentence: `${event.actor.name} touched ${many(size, 'object')} in one session; in ${many(n, 'earlier session')} it touched about ${figure(Math.exp(mean))} each.`,
        observed: size,
        usual: Number(figure(Math.exp(mean))),
        samples: n,
        scope: 'actor',
      }),
    };
  }

  mature(event: ChangeEvent): boolean {
    return (this.#habits.state.actors.get(event.actor.name)?.groups ?? 0) >= GROUPS_MIN;
  }

  samples(): number {
    return this.#habits.state.groups;
  }

  save(): null {
    return null;
  }

  load(): void {}
}
