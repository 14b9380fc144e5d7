/**
 * Who changes what. An actor outside their habit is surprising twice over: from their side (how often do they go to a kind, namespace
 * or object they did not know) and from the target's (how often does it see somebody new). Each is an escape probability in the manner
 * of Witten and Bell: distinct newcomers over sightings.
 */
import { describeRef } from '../../domain/object-ref.ts';
import { DAY_MS, type Detector, type Evidence, type Explanation, type Group } from '../detector.ts';
import type { ChangeEvent } from '../features.ts';
import { actorClaim, NO_OTHERS, type Others } from '../fleet.ts';
import { increment, touch } from '../habits/counts.ts';
import { type Target, Visitors, type VisitorsState } from '../habits/visitors.ts';
import { kindIn, many } from '../words.ts';

const ACTORS_MAX = 5_000;
const TARGETS_MAX = 20_000;
const ACTORS_PER_TARGET_MAX = 256;
const ACTOR_EVENTS_MIN = 20;
/** Two of each day of the week: until then most people are simply not yet known. */
const SPAN_MIN_MS = 14 * DAY_MS;
const WEIGHT = { kind: 1, namespace: 0.7, object: 0.3 } as const;
/** Visits to a kind, namespace or object that weigh as much as not having seen any. */
const FEW_VISITS = 5;
type Level = keyof typeof WEIGHT;
const LEVELS: readonly Level[] = ['kind', 'namespace', 'object'];

interface ActorHabit {
  groups: number;
  /** Distinct targets entered per level after the first group. */
  entered: Record<Level, number>;
}

export interface ActorAffinityState {
  groups: number;
  firstMs: number | undefined;
  actors: Map<string, ActorHabit>;
  /** Kinds and namespaces. */
  targets: Map<string, Target>;
  objects: VisitorsState;
}

export class ActorAffinity implements Detector<ActorAffinityState> {
  readonly name = 'actor-affinity';
  readonly #objects = new Visitors();
  readonly #keys = new TargetKeys();
  #state: Omit<ActorAffinityState, 'objects'> = { groups: 0, firstMs: undefined, actors: new Map(), targets: new Map() };

  readonly #others: Others;

  constructor(others = NO_OTHERS) {
    this.#others = others;
  }

  score(event: ChangeEvent): Evidence | undefined {
    if (!event.timed || event.actor.source === 'none') return undefined;
    const { actors, groups } = this.#state;
    const actor = actors.get(event.actor.name);
    let surprise = actor === undefined ? -Math.log((actors.size * 0.7 + 0.5) / (groups + 1)) : 0;
    let knowsKind = true;
    for (const level of LEVELS) {
      if (this.#knows(level, event)) continue;
      if (level === 'kind') knowsKind = false;
      const target = level === 'object' ? this.#objects.get(event.row) : this.#state.targets.get(this.#keys.of(level, event));
      const weight = WEIGHT[level] * (event.machine ? chanceToCome(target) : 1);
      if (actor !== undefined && actor.groups >= 2) {
        surprise -= weight * Math.log(Math.min(1, (actor.entered[level] + 0.5) / (actor.groups + 1)));
      }
      if (target !== undefined) surprise -= weight * Math.log(Math.min(1, (target.newcomers + 0.5) / (target.n + 1)));
    }
    if (!knowsKind) surprise = this.#others.weigh(surprise, actorClaim(event));
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, actor) } : undefined;
  }

  #explain(event: ChangeEvent, actor: ActorHabit | undefined): Explanation {
    const name = event.actor.name;
    const { ref } = event;
    const level = LEVELS.find((candidate) => !this.#knows(candidate, event)) ?? 'object';
    const target = level === 'object' ? this.#objects.target(event.row) : this.#state.targets.get(this.#keys.of(level, event));
    const place = {
      kind: kindIn({ kind: ref.kind, namespace: '' }),
      namespace: `anything in ${ref.namespace === '' ? 'the cluster scope' : `namespace ${ref.namespace}`}`,
      object: describeRef(ref),
    };
    const usual = topActor(target);
    const lead =
      actor === undefined
        ? `${name} has not been seen in this cluster before and now changed ${describeRef(ref)}`
        : `${name} has never changed ${place[level]} before`;
    const rest =
      target === undefined || usual === undefined
        ? 'nobody else has either'
        : `${usual[1]} of the last ${many(target.n, 'change')} ${level === 'object' ? 'of it' : 'there'} came from ${usual[0]}`;
    const elsewhere = level === 'kind' ? this.#others.words(actorClaim(event)) : '';
    return {
      sentence: `${lead}; ${rest}${elsewhere}.`,
      observed: name,
      usual: usual?.[0],
      samples: target?.n ?? 0,
      scope: level,
      counterfactual: usual === undefined ? undefined : `the same change by ${usual[0]}`,
    };
  }

  /** Whether its actor came to the event's kind, namespace or object before. */
  #knows(level: Level, event: ChangeEvent): boolean {
    const { name } = event.actor;
    if (level === 'object') return this.#objects.knows(event.row, name);
    return this.#state.targets.get(this.#keys.of(level, event))?.by.has(name) ?? false;
  }

  /** Once per group: one visit of the actor, however many objects it touched. */
  learn(event: ChangeEvent, group: Group): void {
    if (event !== group.events[0] || event.actor.source === 'none') return;
    const state = this.#state;
    const name = event.actor.name;
    state.groups++;
    state.firstMs ??= event.atMs;
    const actor = touch(state.actors, name, ACTORS_MAX, newActor);
    actor.groups++;
    const visited = new Set<string | number>();
    for (const member of group.events) {
      if (!member.timed) continue;
      for (const level of LEVELS) {
        const key = level === 'object' ? member.row : this.#keys.of(level, member);
        if (visited.has(key)) continue;
        visited.add(key);
        // The first group of an actor enters everything: that says nothing about how they roam.
        if (actor.groups > 1 && !this.#knows(level, member)) actor.entered[level]++;
        if (typeof key === 'number') this.#objects.enter(key, name);
        else enter(touch(state.targets, key, TARGETS_MAX, newTarget), name);
      }
    }
  }

  mature(event: ChangeEvent): boolean {
    const { firstMs } = this.#state;
    if (firstMs === undefined || event.atMs - firstMs < SPAN_MIN_MS) return false;
    const target = this.#state.targets.get(this.#keys.of('kind', event));
    const actor = this.#state.actors.get(event.actor.name);
    return (target?.n ?? 0) >= ACTOR_EVENTS_MIN || (actor?.groups ?? 0) >= ACTOR_EVENTS_MIN;
  }

  samples(): number {
    return this.#state.groups;
  }

  forget(row: number): void {
    this.#objects.forget(row);
  }

  save(): ActorAffinityState {
    return { ...this.#state, objects: this.#objects.save() };
  }

  load({ objects, ...state }: ActorAffinityState): void {
    this.#objects.load(objects);
    this.#state = state;
  }
}

function newActor(): ActorHabit {
  return { groups: 0, entered: { kind: 0, namespace: 0, object: 0 } };
}

function newTarget(): Target {
  return { n: 0, by: new Map(), newcomers: 0 };
}

/** Under which a kind or namespace goes, put together once for each. Derived, so no part of the state. */
class TargetKeys {
  readonly #kinds = new Map<string, string>();
  readonly #namespaces = new Map<string, string>();

  of(level: Exclude<Level, 'object'>, { kind, ref }: ChangeEvent): string {
    return level === 'kind' ? this.#known(this.#kinds, 'k', kind) : this.#known(this.#namespaces, 'n', ref.namespace);
  }

  #known(keys: Map<string, string>, sort: string, name: string): string {
    const known = keys.get(name);
    if (known !== undefined) return known;
    const key = `${sort}${name}`;
    if (keys.size < TARGETS_MAX) keys.set(name, key);
    return key;
  }
}

function enter(target: Target, actor: string): void {
  target.n++;
  if (!target.by.has(actor)) target.newcomers++;
  increment(target.by, actor, ACTORS_PER_TARGET_MAX);
}

/**
 * A machine keeps what somebody else has brought, when its turn comes: where hardly anybody has been yet, that it has not either says little. That it
 * brings something itself where nobody has been is another matter.
 */
function chanceToCome(target: Pick<Target, 'n'> | undefined): number {
  return target === undefined ? 1 : target.n / (target.n + FEW_VISITS);
}

function topActor(target: Target | undefined): [string, number] | undefined {
  let best: [string, number] | undefined;
  for (const entry of target?.by ?? []) if (best === undefined || entry[1] > best[1]) best = entry;
  return best;
}
