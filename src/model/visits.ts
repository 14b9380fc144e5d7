/**
 * Visits: what one actor does at one moment belongs together, whoever else is at work meanwhile. A visit lasts while its changes come no
 * further apart than VISIT_GAP_MS, within a span and a number that keep it small.
 */
import type { Change } from '../domain/change.ts';
import type { Group } from './detector.ts';
import { type ChangeEvent, type Field, savedEvent } from './features.ts';
import { FewTexts } from './few-texts.ts';
import { type Lost, noteLost } from './lost-things.ts';
import { type SavedTop, savedTops, topsIn } from './tails/top.ts';

export const VISIT_GAP_MS = 2_000;
const SPAN_MAX_MS = 60_000;
const EVENTS_MAX = 1_000;
const OPEN_MAX = 256;

/** A group still open, with the indices of its events that are too odd to be learnt at once. */
export interface Visit extends Group {
  same: FewTexts;
  objects: FewTexts;
  quarantined: number[];
  /** Of those that somebody called wrong before it closed: they are never learnt. */
  withheld?: number[] | undefined;
  /** The highest score among its events. */
  scoreMax: number;
}

/** As a snapshot has it. */
type SavedVisit = Omit<Visit, 'same' | 'objects' | 'tops' | 'gone' | 'surprises'> & {
  same: Map<string, number>;
  objects: Set<string>;
  tops: Map<string, SavedTop>;
  gone: Lost;
  surprises: Map<string, number[]>;
};

export function makeVisit(actor: string, atMs: number): Visit {
  return {
    actor,
    firstMs: atMs,
    lastMs: atMs,
    events: [],
    same: new FewTexts(),
    objects: new FewTexts(),
    lost: 0,
    gone: undefined,
    things: 0,
    surprises: undefined,
    tops: [],
    quarantined: [],
    scoreMax: 0,
    // As with events: one shape for all of them.
    lateMs: undefined,
    withheld: undefined,
  };
}

export function joinVisit(visit: Visit, event: ChangeEvent): void {
  visit.events.push(event);
  visit.lastMs = Math.max(visit.lastMs, event.atMs);
  visit.objects.add(event.object);
  visit.lost += event.type === 'DELETED' ? 1 : event.type === 'ADDED' ? -1 : 0;
  if (event.type === 'DELETED') {
    visit.gone ??= new Map();
    visit.things += noteLost(visit.gone, event);
  }
  const { fields } = event;
  // Most changes are of one field or two.
  const first = fields[0];
  if (first === undefined) return;
  if (fields.length <= 2) {
    visit.same.add(first.done);
    const second = fields.length === 2 ? fields[1] : undefined;
    if (second !== undefined && second.done !== first.done) visit.same.add(second.done);
  } else {
    const seen = new Set<string>();
    for (let i = 0; i < fields.length; i++) {
      const { done } = fields[i] as Field;
      if (seen.has(done)) continue;
      seen.add(done);
      visit.same.add(done);
    }
  }
}

/** The visits under way, at most one per actor. */
export class Visits {
  #open = new Map<string, Visit>();

  /** The visit a change belongs to. One that it cannot join, or that must make room, is handed to `close`, which drops it. */
  open(change: Change, close: (visit: Visit) => void): Visit {
    const actor = change.actor.name;
    const atMs = change.observedMs;
    const current = this.#open.get(actor);
    if (current !== undefined) {
      const near = Math.abs(atMs - current.lastMs) <= VISIT_GAP_MS && atMs - current.firstMs <= SPAN_MAX_MS;
      if (near && current.events.length < EVENTS_MAX) return current;
      close(current);
    }
    if (this.#open.size >= OPEN_MAX) close(this.earliest() as Visit);
    const visit = makeVisit(actor, atMs);
    this.#open.set(actor, visit);
    return visit;
  }

  /** The visit that has been quiet for longest. */
  earliest(): Visit | undefined {
    let earliest: Visit | undefined;
    for (const visit of this.#open.values()) if (earliest === undefined || visit.lastMs < earliest.lastMs) earliest = visit;
    return earliest;
  }

  /** Keeps a change of a visit under way from being learnt. False where none has it. */
  withhold(seq: number): boolean {
    for (const visit of this.#open.values()) {
      const at = visit.events.findIndex((event) => event.seq === seq);
      if (at < 0) continue;
      visit.withheld ??= [];
      visit.withheld.push(at);
      return true;
    }
    return false;
  }

  drop(visit: Visit): void {
    this.#open.delete(visit.actor);
  }

  all(): Iterable<Visit> {
    return this.#open.values();
  }

  save(): Map<string, SavedVisit> {
    return new Map(Array.from(this.#open, ([actor, visit]) => [actor, savedVisit(visit)]));
  }

  load(open: Map<string, SavedVisit>): void {
    this.#open = new Map(
      Array.from(open, ([actor, visit]) => {
        const [same, objects] = [FewTexts.from(visit.same), FewTexts.from(Array.from(visit.objects, (object) => [object, 1]))];
        return [actor, { ...visit, same, objects, tops: topsIn(visit.tops) }];
      }),
    );
  }
}

function savedVisit({ lateMs, withheld, ...visit }: Visit): SavedVisit {
  const { gone = new Map(), surprises = new Map() } = visit;
  const [same, objects] = [visit.same.toMap(), new Set(visit.objects.toMap().keys())];
  const events = visit.events.map(savedEvent);
  const saved: SavedVisit = { ...visit, events, same, objects, gone, surprises, tops: savedTops(visit.tops) };
  if (lateMs !== undefined) saved.lateMs = lateMs;
  if (withheld !== undefined) saved.withheld = withheld;
  return saved;
}
