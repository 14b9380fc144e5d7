/**
 * What comes after what: what is done to an object next, given the sorts of its last two changes, as objects of its kind go on. A chart of
 * which image after image was moved is not usually given other replicas; after a change of its values it often is.
 */

import type { Detector, Evidence, Explanation, Group } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { clearRow, reachRow } from '../habits/columns.ts';
import { NameBook } from '../habits/name-book.ts';
import { StepCounts, type StepCountsState } from '../habits/step-counts.ts';
import { ByPlace } from '../places.ts';
import { many } from '../words.ts';

const PASTS_MAX = 20_000;
const SORTS_MAX = 128;
/** Sorts of one change: what it did to each of its fields. */
const DEEDS_MAX = 32;
/** Names of fields of which texts are kept. */
const LEAVES_MAX = 10_000;
/** Probability of a sort that the kind never saw, before it is asked how often it sees news. */
const UNKNOWN = 1e-4;
const SURPRISE_MIN = 0.05;
/** People add labels and notes of ever new names, which is no news: fields added only stand for what went before. */
const ADDED_FIELD = ' add ';
const KNOWN_MIN = 10;
const MATURE_MIN = 200;
/** In a visit that comes back to an object, this many changes are looked through for what it did there before. */
const BACK_MAX = 64;

interface State {
  /** The sorts of each object's last two changes, by number; 0 where there was none. */
  objects: { last: Uint16Array; before: Uint16Array };
  changes: number;
}

interface Saved {
  state: State;
  /** By past: a kind, a kind after one change, after two. */
  pasts: StepCountsState;
  kinds: string[];
  sorts: string[];
}

type Steps = readonly [last: number, before: number];

export class Sequence implements Detector<Saved> {
  readonly name = 'sequence';
  readonly #pasts = new StepCounts({ keysMax: PASTS_MAX, tokensMax: SORTS_MAX });
  readonly #kinds = new NameBook();
  readonly #sorts = new NameBook();
  readonly #sortTexts = new SortTexts();
  #state: State = { objects: { last: new Uint16Array(), before: new Uint16Array() }, changes: 0 };

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (!event.timed) return undefined;
    const kind = this.#kinds.find(event.kind);
    const shortest = this.#pasts.find(pastOf(kind, 0, NO_STEPS));
    if (this.#pasts.n(shortest) < KNOWN_MIN) return undefined;
    const steps = this.#stepsOf(event, group);
    const middle = this.#pasts.find(pastOf(kind, 1, steps));
    const longest = this.#pasts.find(pastOf(kind, 2, steps));
    const sorts = this.#sortTexts.of(event);
    let asked = 0;
    let least = 1;
    let oddest = '';
    for (let i = 0; i < sorts.length; i++) {
      const sort = sorts[i] as string;
      if (sort.includes(ADDED_FIELD)) continue;
      asked++;
      // Witten-Bell: what a past has not seen is left to the shorter one, by the share of its steps that brought something new.
      const number = this.#sorts.find(sort);
      let p = this.#shareIn(shortest, number, UNKNOWN);
      if (middle >= 0) p = this.#shareIn(middle, number, p);
      if (longest >= 0) p = this.#shareIn(longest, number, p);
      if (p < least) {
        least = p;
        oddest = sort;
      }
    }
    if (oddest === '') return undefined;
    const surprise = -Math.log(least * asked);
    return surprise > SURPRISE_MIN ? { surprise, explain: () => this.#explain(event, steps, oddest) } : undefined;
  }

  #shareIn(past: number, sort: number, shorter: number): number {
    const fresh = this.#pasts.fresh(past);
    return (this.#pasts.seen(past, sort) + fresh * shorter) / (this.#pasts.n(past) + fresh);
  }

  /** By the longest past that was seen often enough to speak of; how odd the step is all of them say. */
  #explain({ kind, ref }: ChangeEvent, steps: Steps, sort: string): Explanation {
    const pasts = this.#rowsOf(kind, steps);
    const depth = Math.max(
      0,
      pasts.findLastIndex((past) => this.#pasts.n(past) >= KNOWN_MIN),
    );
    const past = pasts[depth] as number;
    const n = this.#pasts.n(past);
    const came = this.#pasts.seen(past, this.#sorts.find(sort));
    const most = this.#sorts.nameOf(this.#pasts.commonest(past) ?? 0);
    const usual = most === undefined || most === sort ? undefined : words(most);
    const before = steps.slice(0, depth).map((step) => words(this.#sorts.nameOf(step)));
    const after = before.length === 0 ? '' : `, after ${before.reverse().join(' and ')}`;
    return {
      sentence: `${ref.kind} ${ref.name} saw ${words(sort)}${after}. Of ${many(n, 'such step')} of ${ref.kind} objects ${came === 0 ? 'none' : came} went that way${usual === undefined ? '' : `; most often it was ${usual}`}.`,
      observed: words(sort),
      ...(usual === undefined ? {} : { usual }),
      samples: n,
      scope: 'kind',
      counterfactual: usual ?? 'a change of a usual sort',
    };
  }

  learn(event: ChangeEvent): void {
    if (!event.timed) return;
    const steps = this.#learntOf(event.row);
    const kind = this.#kinds.numberOf(event.kind);
    // Kinds beyond those that have a number would share one.
    if (kind === 0) return;
    const shortest = this.#pasts.rowOf(pastOf(kind, 0, steps));
    const middle = this.#pasts.rowOf(pastOf(kind, 1, steps));
    const longest = this.#pasts.rowOf(pastOf(kind, 2, steps));
    const sorts = this.#sortTexts.of(event);
    for (let i = 0; i < sorts.length; i++) {
      const number = this.#sorts.numberOf(sorts[i] as string);
      this.#pasts.count(shortest, number);
      this.#pasts.count(middle, number);
      this.#pasts.count(longest, number);
    }
    this.#state.changes++;
    const { objects } = this.#state;
    if (event.row >= objects.last.length) reachRow(objects, event.row);
    objects.last[event.row] = this.#sorts.numberOf(firstOf(sorts));
    objects.before[event.row] = steps[0];
  }

  #knownOf(kind: string): number {
    return this.#pasts.n(this.#pasts.find(pastOf(this.#kinds.find(kind), 0, NO_STEPS)));
  }

  /** Of the pasts that speak of what comes next, shortest first; -1 for those that never were. */
  #rowsOf(kind: string, steps: Steps): readonly number[] {
    const number = this.#kinds.find(kind);
    return [
      this.#pasts.find(pastOf(number, 0, steps)),
      this.#pasts.find(pastOf(number, 1, steps)),
      this.#pasts.find(pastOf(number, 2, steps)),
    ];
  }

  #learntOf(row: number): Steps {
    const { last, before } = this.#state.objects;
    return [last[row] ?? 0, before[row] ?? 0];
  }

  /** What was learnt of the object, and what this visit did to it before this change. */
  #stepsOf(event: ChangeEvent, group: Group): Steps {
    const learnt = this.#learntOf(event.row);
    if (group.events.length === group.objects.size) return learnt;
    const own: number[] = [];
    const at = group.events.lastIndexOf(event);
    for (let i = at - 1; i >= 0 && at - i <= BACK_MAX && own.length < 2; i--) {
      const other = group.events[i] as ChangeEvent;
      if (other.row === event.row) own.push(this.#sorts.find(firstOf(this.#sortTexts.of(other))));
    }
    return [...own, ...learnt].slice(0, 2) as [number, number];
  }

  mature(event: ChangeEvent): boolean {
    return this.#knownOf(event.kind) >= MATURE_MIN;
  }

  samples(): number {
    return this.#state.changes;
  }

  forget(row: number): void {
    clearRow(this.#state.objects, row);
  }

  save(): Saved {
    return { state: this.#state, pasts: this.#pasts.save(), kinds: this.#kinds.save(), sorts: this.#sorts.save() };
  }

  load({ state, pasts, kinds, sorts }: Saved): void {
    this.#state = state;
    this.#pasts.load(pasts);
    this.#kinds.load(kinds);
    this.#sorts.load(sorts);
  }
}

/** A past goes none, one or two changes back. */
const DEPTHS = 3;
const NO_STEPS: Steps = [0, 0];

/** As one number: numbers of kinds and of sorts take two bytes each. */
function pastOf(kind: number, depth: 0 | 1 | 2, [last, before]: Steps): number {
  const steps = depth === 0 ? 0 : depth === 1 ? last : last * 65_536 + before;
  return (kind * DEPTHS + depth) * 4_294_967_296 + steps;
}

/** What a change did, to each of its fields and by whose hand; fields by their last name. Derived, so no part of a snapshot. */
class SortTexts {
  /** By whose hand and what was done, by the name of the field: a new text has to be hashed and compared in full by each look-up. */
  readonly #known = new Map<string, Map<string, readonly [string]>>();
  /** The same by place, of machines and of people. */
  readonly #byPlace = { machine: bySort(), person: bySort() };

  of({ type, machine, fields }: ChangeEvent): readonly string[] {
    const who = machine ? 'machine' : 'person';
    if (type !== 'MODIFIED') return [`${who} ${type}`];
    const [first] = fields;
    // Most changes are of one field.
    if (first !== undefined && fields.length === 1) return this.#ofField(machine, first);
    const sorts: string[] = [];
    for (const field of fields) {
      if (sorts.length >= DEEDS_MAX) break;
      const [sort] = this.#ofField(machine, field);
      if (!sorts.includes(sort)) sorts.push(sort);
    }
    return sorts.length === 0 ? [`${who} nothing`] : sorts;
  }

  #ofField(machine: boolean, field: Field): readonly [string] {
    const { add, set, remove } = machine ? this.#byPlace.machine : this.#byPlace.person;
    const byPlace = field.op === 'set' ? set : field.op === 'add' ? add : remove;
    const known = byPlace.get(field);
    if (known !== undefined) return known;
    const alone = this.#alone(deedOf(machine, field.op), field.leaf);
    byPlace.put(field, alone);
    return alone;
  }

  #alone(deed: string, leaf: string): readonly [string] {
    let texts = this.#known.get(deed);
    if (texts === undefined) {
      texts = new Map();
      this.#known.set(deed, texts);
    }
    const known = texts.get(leaf);
    if (known !== undefined) return known;
    const alone = [`${deed} ${leaf}`] as const;
    if (texts.size < LEAVES_MAX) texts.set(leaf, alone);
    return alone;
  }
}

function bySort(): { [op in Field['op']]: ByPlace<readonly [string]> } {
  return { add: new ByPlace(), set: new ByPlace(), remove: new ByPlace() };
}

const OF_MACHINES = { add: 'machine add', set: 'machine set', remove: 'machine remove' } as const;
const OF_PEOPLE = { add: 'person add', set: 'person set', remove: 'person remove' } as const;

function deedOf(machine: boolean, op: Field['op']): string {
  return (machine ? OF_MACHINES : OF_PEOPLE)[op];
}

/** Which of them stands for the change as a past: the first by name, so that few pasts recur often. */
function firstOf(sorts: readonly string[]): string {
  if (sorts.length === 1) return sorts[0] as string;
  return sorts.reduce((first, sort) => (sort < first ? sort : first));
}

const DEEDS: { [deed: string]: string } = {
  ADDED: 'its creation',
  DELETED: 'its deletion',
  nothing: 'items put in another order or values written otherwise',
};
const OPS: { [op: string]: string } = { add: 'added', remove: 'removed', set: 'set' };

function words(sort: string | undefined): string {
  if (sort === undefined) return 'nothing known';
  const [who, deed = '', ...name] = sort.split(' ');
  return `${DEEDS[deed] ?? `${name.join(' ')} ${OPS[deed] ?? deed}`} by a ${who}`;
}
