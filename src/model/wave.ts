/**
 * Many objects at once: one actor deletes far more than it creates within half an hour (mass deletion), or touches far more objects
 * than its visits usually do (wave).
 */
import { touch } from './counts.ts';
import { type Detector, type Evidence, type Group, MINUTE_MS } from './detector.ts';
import type { ChangeEvent } from './features.ts';
import { figure, many } from './words.ts';

const ACTORS_MAX = 5_000;
const WINDOW_MS = 30 * MINUTE_MS;
const RECENT_MAX = 64;
const LOST_MIN = 3;
const SPREAD_MIN = 5;
const GROUPS_MIN = 10;

interface Habit {
  groups: number;
  /** Groups that deleted more than they created. */
  losing: number;
  /** Sum over groups of ln(objects touched), and of its square. */
  logs: number;
  squares: number;
  recent: { atMs: number; lost: number }[];
}

interface State {
  actors: Map<string, Habit>;
  groups: number;
}

const newHabit = (): Habit => ({ groups: 0, losing: 0, logs: 0, squares: 0, recent: [] });

/** The habits of both detectors; recent losses count at once. */
class WaveHabits {
  state: State = { actors: new Map(), groups: 0 };

  learn(event: ChangeEvent, group: Group): void {
    if (event !== group.events[0] || !event.timed) return;
    const habit = touch(this.state.actors, event.actor.name, ACTORS_MAX, newHabit);
    const size = Math.log(new Set(group.events.map((member) => member.object)).size);
    this.state.groups++;
    habit.groups++;
    habit.logs += size;
    habit.squares += size * size;
    let lost = 0;
    for (const member of group.events) lost += member.type === 'DELETED' ? 1 : member.type === 'ADDED' ? -1 : 0;
    if (lost <= 0) return;
    habit.losing++;
    habit.recent.push({ atMs: group.lastMs, lost });
    while (habit.recent.length > RECENT_MAX || group.lastMs - habit.recent[0]!.atMs > WINDOW_MS) habit.recent.shift();
  }
}

export class MassDelete implements Detector<State> {
  readonly name = 'mass-delete';
  readonly #habits = new WaveHabits();

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type !== 'DELETED' || !event.timed) return undefined;
    const habit = this.#habits.state.actors.get(event.actor.name);
    let lost = group.lost;
    for (const past of habit?.recent ?? [])
      if (event.atMs - past.atMs <= WINDOW_MS && past.atMs < group.firstMs) lost += past.lost;
    if (lost < LOST_MIN) return undefined;
    const habitual = ((habit?.losing ?? 0) + 1) / ((habit?.groups ?? 0) + 5);
    return {
      surprise: Math.max(0.01, Math.log(lost) - 0.35 * Math.log(habitual)),
      explain: () => ({
        sentence: `${event.actor.name} deleted ${many(lost, 'object')} more than it created within half an hour, ${event.ref.kind} ${event.ref.name} among them; ${habit?.losing ?? 0} of its ${many(habit?.groups ?? 0, 'past visit')} deleted anything on balance.`,
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

  save(): State {
    return this.#habits.state;
  }

  load(state: State): void {
    this.#habits.state = state;
  }
}

export class Wave implements Detector<State> {
  readonly name = 'wave';
  readonly #habits = new WaveHabits();

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
        sentence: `${event.actor.name} changed ${many(size, 'object')} at once; its ${many(n, 'past visit')} touched about ${figure(Math.exp(mean))} each.`,
        observed: size,
        usual: Number(figure(Math.exp(mean))),
        samples: n,
        scope: 'actor',
      }),
    };
  }

  learn(event: ChangeEvent, group: Group): void {
    this.#habits.learn(event, group);
  }

  mature(event: ChangeEvent): boolean {
    return (this.#habits.state.actors.get(event.actor.name)?.groups ?? 0) >= GROUPS_MIN;
  }

  samples(): number {
    return this.#habits.state.groups;
  }

  save(): State {
    return this.#habits.state;
  }

  load(state: State): void {
    this.#habits.state = state;
  }
}
