/**
 * Under which name an actor's habits are kept. Once admission tells users where managedFields told managers, every actor would be new and
 * every habit lost. So whoever is first seen by user name during the first two weeks after that goes on under the manager's name, for
 * good; whoever is first seen later has a name and habits of their own, which is how an unknown user of a well-known client is noticed.
 * Where admission is on from the first day there is nothing to lose, and everybody goes by user name.
 *
 * Audit and pushed claims play no part: they mostly come too late to be judged by, and so are never what the model sees.
 */
import { type Actor, type Change, UNKNOWN_ACTOR } from '../domain/change.ts';
import { DAY_MS } from './detector.ts';

export const WINDOW_MS = 14 * DAY_MS;
const FROM_THE_START_MS = DAY_MS;
const USERS_MAX = 10_000;

interface State {
  /** The first change told with a user name. */
  sinceMs: number | undefined;
  /** False where that was on the first day. */
  hadManagers: boolean;
  /** Users that go on under the names of their clients. */
  former: Set<string>;
}

export class HabitNames {
  #state: State = { sinceMs: undefined, hadManagers: false, former: new Set() };

  /** The change as the detectors are to see it; itself unless a user goes on as a manager. `firstMs` is when the cluster's history began. */
  habitual(change: Change, firstMs: number): Change {
    if (change.actor.source !== 'admission') return change;
    const state = this.#state;
    if (state.sinceMs === undefined) {
      state.sinceMs = change.observedMs;
      state.hadManagers = change.observedMs - firstMs > FROM_THE_START_MS;
    }
    if (!state.hadManagers) return change;
    const { name } = change.actor;
    if (!state.former.has(name)) {
      if (change.observedMs - state.sinceMs > WINDOW_MS || state.former.size >= USERS_MAX) return change;
      state.former.add(name);
    }
    // State and diff of a change may still have to be built, which copying would neither do nor keep possible.
    return {
      ...change,
      get state() {
        return change.state;
      },
      get diff() {
        return change.diff;
      },
      ...(change.member === undefined ? {} : { member: change.member.bind(change) }),
      actor: managerOf(change),
    };
  }

  save(): State {
    return this.#state;
  }

  load(saved: State): void {
    this.#state = saved;
  }
}

/** Who it would have been without admission: nobody where a deletion left no trace. */
function managerOf(change: Change): Actor {
  return change.candidates.find((actor) => actor.source === 'managedFields') ?? UNKNOWN_ACTOR;
}
