/** Finds the facts of facts.ts in an event, and weighs them by how rare each is in its kind. */
import { fieldName, parentPath } from '../../domain/field-path.ts';
import type { Severity } from '../../domain/finding.ts';
import type { Json } from '../../domain/json.ts';
import { type Detector, type Evidence, type Group, sameInGroup } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { increment, touch } from '../habits/counts.ts';
import { ByPlace } from '../places.ts';
import { many, quote } from '../words.ts';
import { FOUND, type FoundFact } from '../worked-out.ts';
import { type Fact, isOfTexts } from './fact.ts';
import { FACTS } from './facts.ts';

const KINDS_MAX = 5_000;
const PATHS_MAX = 20_000;
const HAD_MAX = 20_000;
const WEIGHT: Record<Severity, number> = { critical: 6, warning: 4.5, info: 3 };
/** A fact that was seen this often, in this share of its kind's changes, is how things are done here. */
const USUAL_MIN = 3;
const USUAL_SHARE = 0.02;

/** The longest name that Kubernetes gives to anything, its slash escaped; keys of a kind's own may be as long as an object. */
const SEGMENT_MAX = 318;
/** Of a longer path its end. */
const PATH_MAX = 640;

/**
 * The facts that could apply to a path. Patterns take time with the square of what they are asked of and more, and whoever may write an object chooses its
 * keys: so they are asked of a path with the ends of its names alone.
 */
export function factsAt(generic: string): Fact[] {
  const path = generic.length <= SEGMENT_MAX ? generic : bounded(generic);
  return FACTS.filter((fact) => fact.path.test(path));
}

function bounded(generic: string): string {
  const names = generic.split('/').map((name) => name.slice(-SEGMENT_MAX));
  return names.join('/').slice(-PATH_MAX);
}

interface State {
  kinds: Map<string, number>;
  /** `kind\0fact` -> changes that brought it. */
  facts: Map<string, number>;
  /** What was brought to which object, in any of its lives: see `ofObject`. A Map, so that what was not brought for longest goes first; its values say nothing. */
  had: Map<string, number>;
  seen: number;
}

type Found = FoundFact<Field>;

/** The facts that could apply to a path, by what was done there: few can, and the tests are of many shapes. */
interface AtPath {
  removed: readonly Fact[];
  /** What came to be a text. */
  text: readonly Fact[];
  other: readonly Fact[];
}

function atPath(facts: readonly Fact[]): AtPath {
  const gains = facts.filter(({ when }) => when === 'gain');
  return {
    removed: facts.filter(({ when }) => when === 'loss'),
    text: gains,
    other: gains.filter(({ value, step }) => step === undefined && (value === undefined || !isOfTexts(value))),
  };
}

function factsFor({ op, next }: Field, atPath: AtPath): readonly Fact[] {
  if (op === 'remove') return atPath.removed;
  return typeof next === 'string' ? atPath.text : atPath.other;
}

/** An entry of a list that is longer goes by its place. */
const ENTRY_MAX = 64;
/** Of most changes. */
const NONE: readonly Found[] = [];

export class FactDetector implements Detector<State> {
  readonly name = 'fact';
  /** Which facts could apply to a path: derived, so not part of the state. */
  readonly #byPath = new Map<string, AtPath>();
  readonly #byPlace = new ByPlace<AtPath>();
  #state: State = { kinds: new Map(), facts: new Map(), had: new Map(), seen: 0 };

  /** The facts a change brought about; what already held before is none. */
  find(event: ChangeEvent): readonly Found[] {
    const known = event[FOUND];
    if (known !== undefined) return known;
    const found = this.#search(event);
    event[FOUND] = found;
    return found;
  }

  #search(event: ChangeEvent): readonly Found[] {
    if (event.type === 'DELETED') return NONE;
    let found: Found[] | undefined;
    const { fields } = event;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as Field;
      const facts = factsFor(field, this.#byPlace.get(field) ?? this.#factsOf(field));
      for (let j = 0; j < facts.length; j++) {
        const fact = facts[j] as Fact;
        if (!holds(fact, field) || !isOfThis(fact, event)) continue;
        if (fact.when === 'loss' && (isElsewhere(event, field) || this.#wentWithItsOwner(event, field))) continue;
        found ??= [];
        found.push({ fact, field });
      }
    }
    return found ?? NONE;
  }

  /** Whether nothing is left of what a field protected: fields that protect nothing went away together with it. */
  #wentWithItsOwner(event: ChangeEvent, field: Field): boolean {
    const lost = lostWith(event, field);
    // What is noted on a thing is not the thing.
    if (/\/(?:annotations|labels)$/.test(lost)) return false;
    return event.fields.some((other) => {
      if (other.op !== 'remove' || !isBelow(other.generic, lost)) return false;
      return (this.#byPlace.get(other) ?? this.#factsOf(other)).removed.length === 0;
    });
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    const all = this.find(event);
    if (all.length === 0) return undefined;
    let best: (Found & { surprise: number }) | undefined;
    for (const { fact, field } of all) {
      if (this.#isUsual(event, fact)) continue;
      const surprise =
        WEIGHT[fact.severity] -
        (this.#hadIt(event, { fact, field }) ? 0 : Math.log(this.#share(event, fact))) -
        Math.log(sameInGroup(group, field)) -
        // Any of so many fields might have brought one.
        Math.log(event.breadth);
      if (best === undefined || surprise > best.surprise) best = { fact, field, surprise };
    }
    if (best === undefined) return undefined;
    const found = best;
    return { surprise: Math.max(0.01, best.surprise), explain: () => this.explain(event, found) };
  }

  explain(event: ChangeEvent, { fact, field }: Found) {
    const count = this.#state.facts.get(`${event.kind}\u0000${fact.id}`) ?? 0;
    const samples = this.#state.kinds.get(event.kind) ?? 0;
    const habit = this.#hadIt(event, { fact, field })
      ? '; this object had that before'
      : samples === 0
        ? ''
        : `; ${count === 0 ? 'no' : count} other of ${many(samples, 'change')} of ${event.ref.kind} objects did this`;
    const value = fact.when === 'gain' ? ` = ${quote(field.next)}` : '';
    return {
      sentence: `${fieldName(field.path)}${value} ${fact.means}${habit}.`,
      path: field.path,
      observed: field.next,
      usual: field.old,
      samples,
      scope: 'kind',
    };
  }

  /** The gravest fact that is not simply how this kind is used here: such a one counts without any statistics. */
  gravest(event: ChangeEvent): Found | undefined {
    const all = this.find(event);
    if (all.length === 0) return undefined;
    let gravest: Found | undefined;
    for (const found of all) {
      if (found.fact.severity === 'info') continue;
      if (this.#isUsual(event, found.fact)) continue;
      if (gravest === undefined || WEIGHT[found.fact.severity] > WEIGHT[gravest.fact.severity]) gravest = found;
    }
    return gravest;
  }

  #isUsual(event: ChangeEvent, fact: Fact): boolean {
    const count = this.#state.facts.get(`${event.kind}\u0000${fact.id}`) ?? 0;
    return count >= USUAL_MIN && count >= USUAL_SHARE * (this.#state.kinds.get(event.kind) ?? 0);
  }

  /** What its object had before, say before it was made anew, is no news. */
  #hadIt(event: ChangeEvent, found: Found): boolean {
    return this.#state.had.has(ofObject(event, found));
  }

  #share(event: ChangeEvent, fact: Fact): number {
    const n = this.#state.kinds.get(event.kind) ?? 0;
    return Math.min(1, ((this.#state.facts.get(`${event.kind}\u0000${fact.id}`) ?? 0) + 0.3) / (n + 5));
  }

  #factsOf(field: Field): AtPath {
    const { generic } = field;
    const facts = touch(this.#byPath, generic, PATHS_MAX, () => atPath(factsAt(generic)));
    this.#byPlace.put(field, facts);
    return facts;
  }

  learn(event: ChangeEvent): void {
    if (event.type === 'DELETED') return;
    this.#state.seen++;
    increment(this.#state.kinds, event.kind, KINDS_MAX);
    const found = this.find(event);
    if (found.length === 0) return;
    const ids = new Set(found.map(({ fact }) => fact.id));
    for (const id of ids) increment(this.#state.facts, `${event.kind}\u0000${id}`, KINDS_MAX * 8);
    const { had } = this.#state;
    for (const one of found) touch(had, ofObject(event, one), HAD_MAX, () => 1);
  }

  /** Facts hold from the first minute. */
  mature(): boolean {
    return true;
  }

  samples(): number {
    return this.#state.seen;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}

/** A step at another place of the object, or another entry of a list, is another step. */
function ofObject({ object }: ChangeEvent, { fact, field }: Found): string {
  const { generic, path, next } = field;
  const entry = generic.endsWith('/[*]') && typeof next === 'string' && next.length <= ENTRY_MAX ? next : '';
  return `${object}\u0000${fact.id}\u0000${entry === '' ? path : `${generic}\u0000${entry}`}`;
}

function isOfThis({ kind, edits }: Fact, event: ChangeEvent): boolean {
  return (kind === undefined || kind.test(event.kind)) && (edits === undefined || event.type !== 'ADDED');
}

/** Whether the same change put the value somewhere else under this name, as a new layout of a chart's values does. */
function isElsewhere({ fields }: ChangeEvent, { leaf, old }: Field): boolean {
  let text: string | undefined;
  return fields.some(({ op, leaf: other, next }) => {
    if (op === 'remove' || other !== leaf) return false;
    text ??= JSON.stringify(old);
    return JSON.stringify(next) === text;
  });
}

/** The outermost of what went away with a field: nothing that the object still holds lies below it. */
function lostWith({ held }: ChangeEvent, { generic }: Field): string {
  let lost = generic;
  for (
    let above = parentPath(lost);
    above !== '' && held?.some((path) => isBelow(path, above)) === false;
    above = parentPath(lost)
  )
    lost = above;
  return lost;
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(above) && path[above.length] === '/';
}

/** Of what said nothing there is nothing lost: an empty list goes where its first item comes. */
function isEmpty(value: Json): boolean {
  return value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
}

function holds(fact: Fact, field: Field): boolean {
  const { value, from, step } = fact;
  if (fact.when === 'loss')
    return field.op === 'remove' && field.old !== undefined && !isEmpty(field.old) && (value === undefined || value(field.old));
  if (field.op === 'remove' || field.next === undefined) return false;
  if (from !== undefined && (field.op !== 'set' || field.old === undefined || !from(field.old))) return false;
  if (step !== undefined) return field.op === 'set' && field.old !== undefined && step(field.old, field.next);
  if (value === undefined) return true;
  return value(field.next) && !(field.op === 'set' && field.old !== undefined && value(field.old));
}
