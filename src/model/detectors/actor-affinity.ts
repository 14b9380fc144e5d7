/**
 * Who changes what. An actor outside their habit is surprising twice over: from their side (how often do they go to a kind, namespace
 * or object they did not know) and from the target's (how often does it see somebody new). Each is an escape probability in the manner
 * of Witten and Bell: distinct newcomers over sightings. Where nobody has been yet somebody must be the first: a person who brings most
 * of what is new is no news there. What by that comes about once in ten such visits is passed over.
 */
import { describeRef } from '../../domain/object-ref.ts';
import { COMMONPLACE, DAY_MS, type Detector, type Evidence, type Explanation, type Group } from '../detector.ts';
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
type Place = Exclude<Level, 'object'>;

interface ActorHabit {
  groups: number;
  /** Distinct targets entered per level after the first group. */
  entered: Record<Level, number>;
  /** Of those, kinds and namespaces to which nobody had come before. */
  brought: Record<Place, number>;
}

export interface ActorAffinityState {
  groups: number;
  firstMs: number | undefined;
  actors: Map<string, ActorHabit>;
  /** What all actors brought: see ActorHabit. */
  brought: Record<Place, number>;
  /** Kinds and namespaces. */
  targets: Map<string, Target>;
  objects: VisitorsState;
}

export class ActorAffinity implements Detector<ActorAffinityState> {
  readonly name = 'actor-affinity';
  readonly #objects = new Visitors();
  readonly #places = new TargetBook();
  #state: Omit<ActorAffinityState, 'objects'> = {
    groups: 0,
    firstMs: undefined,
    actors: new Map(),
    brought: { kind: 0, namespace: 0 },
    targets: new Map(),
  };

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
    for (let i = 0; i < LEVELS.length; i++) {
      const level = LEVELS[i] as Level;
      const place = level === 'object' ? undefined : this.#targetOf(level, event);
      if (level === 'object' ? this.#objects.knows(event.row, event.actor.name) : place?.by.has(event.actor.name)) continue;
      if (level === 'kind') knowsKind = false;
      const target = level === 'object' ? this.#objects.get(event.row) : place;
      const weight = WEIGHT[level] * (event.machine ? chanceToCome(target) : 1);
      if (actor !== undefined && actor.groups >= 2) {
        const roams = (actor.entered[level] + 0.5) / (actor.groups + 1);
        const brings = target === undefined && level !== 'object' && !event.machine ? this.#brings(actor, level) : 0;
        surprise -= weight * Math.log(Math.min(1, Math.max(roams, brings)));
      }
      if (target !== undefined) surprise -= weight * Math.log(Math.min(1, (target.newcomers + 0.5) / (target.n + 1)));
    }
    if (!knowsKind) surprise = this.#others.weigh(surprise, actorClaim(event));
    return surprise > COMMONPLACE ? { surprise, explain: () => this.#explain(event, actor) } : undefined;
  }

  /** Probability that what is new at this level is this actor's: their share of what was brought, before any was their share of the visits. */
  #brings(actor: ActorHabit, level: Place): number {
    const { groups, brought } = this.#state;
    return (actor.brought[level] + actor.groups / groups) / (brought[level] + 1);
  }

  #explain(event: ChangeEvent, actor: ActorHabit | undefined): Explanation {
    const name = event.actor.name;
    const { ref } = event;
    const level = LEVELS.find((candidate) => !this.#knows(candidate, event)) ?? 'object';
    const target = level === 'object' ? this.#objects.target(event.row) : this.#targetOf(level, event);
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
    return this.#targetOf(level, event)?.by.has(name) ?? false;
  }

  #targetOf(level: Place, event: ChangeEvent): Target | undefined {
    return this.#places.find(this.#state.targets, level, event);
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
    // Most visits are of one change, which comes to no place twice.
    const visited = group.events.length > 1 ? new Set<string | number>() : undefined;
    for (const member of group.events) {
      if (!member.timed) continue;
      for (let i = 0; i < LEVELS.length; i++) {
        const level = LEVELS[i] as Level;
        const place = level === 'object' ? undefined : this.#places.of(level, member);
        const key = place?.key ?? member.row;
        if (visited?.has(key)) continue;
        visited?.add(key);
        const target = place === undefined ? undefined : this.#places.touch(state.targets, place);
        const isNew = target === undefined ? this.#objects.enter(member.row, name) : enter(target, name);
        // The first group of an actor enters everything: that says nothing about how they roam.
        if (actor.groups < 2 || !isNew) continue;
        actor.entered[level]++;
        if (target?.n !== 1 || level === 'object') continue;
        actor.brought[level]++;
        state.brought[level]++;
      }
    }
  }

  mature(event: ChangeEvent): boolean {
    const { firstMs } = this.#state;
    if (firstMs === undefined || event.atMs - firstMs < SPAN_MIN_MS) return false;
    const target = this.#targetOf('kind', event);
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
    this.#places.clear();
    this.#state = state;
  }
}

function newActor(): ActorHabit {
  return { groups: 0, entered: { kind: 0, namespace: 0, object: 0 }, brought: { kind: 0, namespace: 0 } };
}

function newTarget(): Target {
  return { n: 0, by: new Map(), newcomers: 0 };
}

interface KnownTarget {
  key: string;
  /** Undefined until somebody came; only while none can have given way. */
  target: Target | undefined;
}

/** Kinds and namespaces with the keys they go by and what is known of them, so that most are looked up once. Derived, so no part of the state. */
class TargetBook {
  #kinds = new Map<string, KnownTarget>();
  #namespaces = new Map<string, KnownTarget>();

  /** Undefined where nobody came yet. */
  find(targets: ReadonlyMap<string, Target>, level: Place, event: ChangeEvent): Target | undefined {
    const known = this.of(level, event);
    if (targets.size > TARGETS_MAX / 2) return targets.get(known.key);
    known.target ??= targets.get(known.key);
    return known.target;
  }

  touch(targets: Map<string, Target>, known: KnownTarget): Target {
    if (known.target !== undefined && targets.size <= TARGETS_MAX / 2) return known.target;
    known.target = touch(targets, known.key, TARGETS_MAX, newTarget);
    return known.target;
  }

  of(level: Exclude<Level, 'object'>, { kind, ref }: ChangeEvent): KnownTarget {
    const book = level === 'kind' ? this.#kinds : this.#namespaces;
    const name = level === 'kind' ? kind : ref.namespace;
    let known = book.get(name);
    if (known === undefined) {
      known = { key: level === 'kind' ? `k${name}` : `n${name}`, target: undefined };
      if (book.size < TARGETS_MAX) book.set(name, known);
    }
    return known;
  }

  /** To be called when the targets are others. */
  clear(): void {
    this.#kinds = new Map();
    this.#namespaces = new Map();
  }
}

/** Whether the actor had not come there before. */
function enter(target: Target, actor: string): boolean {
  target.n++;
  const before = target.by.get(actor);
  if (before !== undefined) {
    target.by.set(actor, before + 1);
    return false;
  }
  target.newcomers++;
  increment(target.by, actor, ACTORS_PER_TARGET_MAX);
  return true;
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
