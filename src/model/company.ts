/**
 * Objects that change together, and one of them stayed behind. Can be told only once the actor's visit is over, so it is asked about
 * whole groups when they close.
 */

import { describeRef } from '../domain/object-ref.ts';
import { touch } from './counts.ts';
import { type Evidence, type Group, HOUR_MS } from './detector.ts';
import type { ChangeEvent } from './features.ts';
import { many } from './words.ts';

const OBJECTS_MAX = 50_000;
const MATES_MAX = 24;
const GROUP_MAX = 6;
const ASKED_GROUP_MAX = 15;
const VISITS_MIN = 4;
const RECENT_MS = 6 * HOUR_MS;

interface Social {
  /** Visits in small groups, alone included. */
  visits: number;
  lastMs: number;
  alive: boolean;
  label: string;
  mates: Map<string, number>;
}

interface State {
  objects: Map<string, Social>;
  groups: number;
}

export class Company {
  readonly name = 'company';
  #state: State = { objects: new Map(), groups: 0 };

  /** The member of a closed group whose usual mate did not come, if any stands out. */
  scoreGroup(group: Group): { event: ChangeEvent; evidence: Evidence } | undefined {
    const here = new Set(group.events.map((event) => event.object));
    if (here.size > ASKED_GROUP_MAX) return undefined;
    let best: { event: ChangeEvent; surprise: number; mate: Social; together: number; visits: number } | undefined;
    for (const event of group.events) {
      const own = this.#state.objects.get(event.object);
      if (event.type !== 'MODIFIED' || !event.timed || own === undefined || own.visits < VISITS_MIN) continue;
      for (const [key, together] of own.mates) {
        const mate = here.has(key) || together < VISITS_MIN ? undefined : this.#state.objects.get(key);
        if (mate === undefined || !mate.alive || event.atMs - mate.lastMs < RECENT_MS) continue;
        const surprise = -Math.log((own.visits - together + 0.5) / (own.visits + 1)) - 0.5 * Math.log(Math.max(1, here.size / 6));
        if (best === undefined || surprise > best.surprise) best = { event, surprise, mate, together, visits: own.visits };
      }
    }
    if (best === undefined || best.surprise <= 0) return undefined;
    const { event, surprise, mate, together, visits } = best;
    return {
      event,
      evidence: {
        surprise,
        explain: () => ({
          sentence: `${describeRef(event.ref)} changed without ${mate.label}; ${together} of its ${many(visits, 'past change')} came together with it.`,
          observed: 'changed alone',
          usual: `together with ${mate.label}`,
          samples: visits,
          scope: 'object',
          counterfactual: `a change of ${mate.label} at the same time`,
        }),
      },
    };
  }

  learn(group: Group): void {
    const changed = [...new Map(group.events.filter((e) => e.type === 'MODIFIED' && e.timed).map((e) => [e.object, e])).values()];
    this.#state.groups++;
    for (const event of group.events) {
      const social = touch(this.#state.objects, event.object, OBJECTS_MAX, () => ({
        visits: 0,
        lastMs: event.atMs,
        alive: true,
        label: describeRef(event.ref),
        mates: new Map<string, number>(),
      }));
      social.alive = event.type !== 'DELETED';
      social.lastMs = event.atMs;
    }
    if (changed.length > GROUP_MAX) return;
    for (const event of changed) {
      const social = this.#state.objects.get(event.object) as Social;
      social.visits++;
      for (const mate of changed) {
        if (mate === event || (!social.mates.has(mate.object) && social.mates.size >= MATES_MAX)) continue;
        social.mates.set(mate.object, (social.mates.get(mate.object) ?? 0) + 1);
      }
    }
  }

  mature(): boolean {
    return this.#state.groups >= 100;
  }

  samples(): number {
    return this.#state.groups;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}
