/**
 * Objects that change together, and one of them stayed behind. Whole visits are asked about when they end, and since companions may
 * follow one by one, it is told only when the one missed has not come for a while.
 */

import { describeRef } from '../domain/object-ref.ts';
import { touch } from './counts.ts';
import { type Evidence, type Group, HOUR_MS, MINUTE_MS } from './detector.ts';
import type { ChangeEvent } from './features.ts';
import { many } from './words.ts';

const OBJECTS_MAX = 50_000;
const MATES_MAX = 24;
const GROUP_MAX = 24;
const ASKED_GROUP_MAX = 40;
const VISITS_MIN = 4;
const RECENT_MS = 6 * HOUR_MS;
/** Companions may follow one by one. */
const WAIT_MS = 45 * MINUTE_MS;
const WAITING_MAX = 2_000;

interface Social {
  /** Visits in small groups, alone included. */
  visits: number;
  lastMs: number;
  alive: boolean;
  label: string;
  mates: Map<string, number>;
}

/** A change whose usual companion had not come when its visit ended: told unless that follows within the wait. Plain data. */
export interface Missing {
  dueMs: number;
  event: ChangeEvent;
  mate: string;
  surprise: number;
  together: number;
  visits: number;
}

export interface CompanyState {
  objects: Map<string, Social>;
  groups: number;
  /** By the time they come due. */
  waiting: Missing[];
}

export class Company {
  readonly name = 'company';
  #state: CompanyState = { objects: new Map(), groups: 0, waiting: [] };

  /** Asked of a visit that has ended, before it is learnt: the member whose usual companion did not come, if any stands out, is waited for. */
  await(group: Group): void {
    const found = this.#missing(group);
    if (found === undefined) return;
    this.#state.waiting.push(found);
    if (this.#state.waiting.length > WAITING_MAX) this.#state.waiting.shift();
  }

  nextMs(): number {
    return this.#state.waiting[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** The first that is due by now, if its companion still has not come. */
  due(): { missing: Missing; evidence: Evidence } | undefined {
    const missing = this.#state.waiting.shift();
    if (missing === undefined) return undefined;
    const mate = this.#state.objects.get(missing.mate);
    if (mate === undefined || !mate.alive || mate.lastMs >= missing.event.atMs) return undefined;
    const { event, surprise, together, visits } = missing;
    return {
      missing,
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

  #missing(group: Group): Missing | undefined {
    const here = new Set(group.events.map((event) => event.object));
    if (here.size > ASKED_GROUP_MAX) return undefined;
    let best: Missing | undefined;
    for (const event of group.events) {
      const own = this.#state.objects.get(event.object);
      if (event.type !== 'MODIFIED' || !event.timed || own === undefined || own.visits < VISITS_MIN) continue;
      const crowd = 0.5 * Math.log(Math.max(1, here.size / 6));
      for (const [key, together] of own.mates) {
        const mate = here.has(key) || together < VISITS_MIN ? undefined : this.#state.objects.get(key);
        if (mate === undefined || !mate.alive || event.atMs - mate.lastMs < RECENT_MS) continue;
        const surprise = -Math.log((own.visits - together + 0.5) / (own.visits + 1)) - crowd;
        if (surprise <= (best?.surprise ?? 0)) continue;
        best = { dueMs: group.lastMs + WAIT_MS, event, mate: key, surprise, together, visits: own.visits };
      }
    }
    return best;
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

  save(): CompanyState {
    return this.#state;
  }

  load(state: CompanyState): void {
    this.#state = state;
  }
}
