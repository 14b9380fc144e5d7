/**
 * What comes after what: what is done to an object next, given the sorts of its last two changes, as objects of its kind go on. A chart of
 * which image after image was moved is not usually given other replicas; after a change of its values it often is.
 */

import type { Detector, Evidence, Explanation, Group } from '../detector.ts';
import type { ChangeEvent } from '../features.ts';
import { clearRow, reachRow } from '../habits/columns.ts';
import { commonest, countToken, makeTokenCounts, type TokenCounts, touch } from '../habits/counts.ts';
import { NameBook } from '../habits/name-book.ts';
import { many } from '../words.ts';

const PASTS_MAX = 20_000;
const SORTS_MAX = 128;
/** Sorts of one change: what it did to each of its fields. */
const DEEDS_MAX = 32;
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
  /** By past: a kind, a kind after one change, after two. */
  pasts: Map<string, TokenCounts>;
  /** The sorts of each object's last two changes, by number; 0 where there was none. */
  objects: { last: Uint16Array; before: Uint16Array };
  changes: number;
}

type Steps = readonly [last: number, before: number];

export class Sequence implements Detector<{ state: State; sorts: string[] }> {
  readonly name = 'sequence';
  readonly #sorts = new NameBook();
  #state: State = { pasts: new Map(), objects: { last: new Uint16Array(), before: new Uint16Array() }, changes: 0 };

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (!event.timed || this.#knownOf(event.kind) < KNOWN_MIN) return undefined;
    const steps = this.#stepsOf(event, group);
    const pasts = pastsOf(event.kind, steps).map((past) => this.#state.pasts.get(past));
    const sorts = sortsOf(event).filter((sort) => !sort.includes(ADDED_FIELD));
    let least = 1;
    let oddest = '';
    for (const sort of sorts) {
      // Witten-Bell: what a past has not seen is left to the shorter one, by the share of its steps that brought something new.
      let p = UNKNOWN;
      for (const counts of pasts)
        if (counts !== undefined) p = ((counts.seen.get(sort) ?? 0) + counts.fresh * p) / (counts.n + counts.fresh);
      if (p < least) {
        least = p;
        oddest = sort;
      }
    }
    if (oddest === '') return undefined;
    const surprise = -Math.log(least * sorts.length);
    return surprise > SURPRISE_MIN ? { surprise, explain: () => this.#explain(event, steps, oddest) } : undefined;
  }

  /** By the longest past that was seen often enough to speak of; how odd the step is all of them say. */
  #explain({ kind, ref }: ChangeEvent, steps: Steps, sort: string): Explanation {
    const tallies = pastsOf(kind, steps).map((past) => this.#state.pasts.get(past));
    const depth = Math.max(
      0,
      tallies.findLastIndex((counts) => counts !== undefined && counts.n >= KNOWN_MIN),
    );
    const counts = tallies[depth] ?? makeTokenCounts();
    const came = counts.seen.get(sort) ?? 0;
    const most = commonest(counts)?.[0];
    const usual = most === undefined || most === sort ? undefined : words(most);
    const before = steps.slice(0, depth).map((step) => words(this.#sorts.nameOf(step)));
    const after = before.length === 0 ? '' : `, after ${before.reverse().join(' and ')}`;
    return {
      sentence: `${ref.kind} ${ref.name} saw ${words(sort)}${after}. Of ${many(counts.n, 'such step')} of ${ref.kind} objects ${came === 0 ? 'none' : came} went that way${usual === undefined ? '' : `; most often it was ${usual}`}.`,
      observed: words(sort),
      ...(usual === undefined ? {} : { usual }),
      samples: counts.n,
      scope: 'kind',
      counterfactual: usual ?? 'a change of a usual sort',
    };
  }

  learn(event: ChangeEvent): void {
    if (!event.timed) return;
    const steps = this.#learntOf(event.row);
    const pasts = pastsOf(event.kind, steps).map((past) => touch(this.#state.pasts, past, PASTS_MAX, makeTokenCounts));
    const sorts = sortsOf(event);
    for (const told of sorts) {
      // The book's own text, so that all pasts share one.
      const sort = this.#sorts.nameOf(this.#sorts.numberOf(told)) ?? told;
      for (const counts of pasts) countToken(counts, sort, SORTS_MAX);
    }
    this.#state.changes++;
    const { objects } = this.#state;
    reachRow(objects, event.row);
    objects.last[event.row] = this.#sorts.numberOf(firstOf(sorts));
    objects.before[event.row] = steps[0];
  }

  #knownOf(kind: string): number {
    return this.#state.pasts.get(kind)?.n ?? 0;
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
      if (other.row === event.row) own.push(this.#sorts.find(firstOf(sortsOf(other))));
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

  save(): { state: State; sorts: string[] } {
    return { state: this.#state, sorts: this.#sorts.save() };
  }

  load(saved: { state: State; sorts: string[] }): void {
    this.#state = saved.state;
    this.#sorts.load(saved.sorts);
  }
}

/** The pasts that speak of what comes next, shortest first. */
function pastsOf(kind: string, [last, before]: Steps): readonly string[] {
  return [kind, `${kind} ${last}`, `${kind} ${last} ${before}`];
}

/** What the change did, to each of its fields and by whose hand; fields by their last name. */
function sortsOf(event: ChangeEvent): readonly string[] {
  const who = event.machine ? 'machine' : 'person';
  if (event.type !== 'MODIFIED') return [`${who} ${event.type}`];
  const sorts = new Set<string>();
  for (const { op, leaf } of event.fields) {
    if (sorts.size >= DEEDS_MAX) break;
    sorts.add(`${who} ${op} ${leaf}`);
  }
  return sorts.size === 0 ? [`${who} nothing`] : [...sorts];
}

/** Which of them stands for the change as a past: the first by name, so that few pasts recur often. */
function firstOf(sorts: readonly string[]): string {
  return sorts.reduce((first, sort) => (sort < first ? sort : first));
}

const DEEDS: { [deed: string]: string } = {
  ADDED: 'its creation',
  DELETED: 'its deletion',
  nothing: 'items put in another order',
};
const OPS: { [op: string]: string } = { add: 'added', remove: 'removed', set: 'set' };

function words(sort: string | undefined): string {
  if (sort === undefined) return 'nothing known';
  const [who, deed = '', ...name] = sort.split(' ');
  return `${DEEDS[deed] ?? `${name.join(' ')} ${OPS[deed] ?? deed}`} by a ${who}`;
}
