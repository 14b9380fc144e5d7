/**
 * What was done lately elsewhere: a change that gives fields the values which other objects of the kind were given within two months is a step of
 * a roll-out, and done when it is due rather than when its author usually works. Values are kept as hashes.
 */
import { DAY_MS } from '../detector.ts';
import { type ChangeEvent, type Field, TEXT_MAX } from '../features.ts';
import { hashOfBoth } from '../hash.ts';
import { LatestNumbers, type LatestNumbersState } from './latest-numbers.ts';

const KEPT_MAX = 20_000;
const LATELY_DAYS = 60;
/** So many of a change's fields are looked up; the others speak against. */
const FIELDS_MAX = 8;
/** The share of its fields by which a change repeats another. */
const SHARE_MIN = 0.6;
/** Rows of objects are below this. */
const ROWS = 2 ** 24;

/** By hash of field and value: the day it was last given, times ROWS, plus the row of the object. */
export type EchoesState = LatestNumbersState;

export class Echoes {
  readonly #given = new LatestNumbers();

  /** Whether most of its fields were given these values on other objects lately. */
  repeats(event: ChangeEvent): boolean {
    if (event.type !== 'MODIFIED') return false;
    let asked = 0;
    let heard = 0;
    for (const field of event.fields) {
      asked++;
      if (field.op === 'remove' || asked > FIELDS_MAX || isCut(field)) continue;
      const last = this.#given.get(keyOf(field));
      if (last !== undefined && last % ROWS !== event.row && isLately(event, last)) heard++;
    }
    return heard > 0 && heard >= SHARE_MIN * asked;
  }

  learn(event: ChangeEvent): void {
    if (event.type !== 'MODIFIED') return;
    let noted = 0;
    for (const field of event.fields) {
      if (field.op === 'remove' || noted === FIELDS_MAX) continue;
      noted++;
      this.#given.put(keyOf(field), dayOf(event) * ROWS + (event.row % ROWS));
      if (this.#given.size > KEPT_MAX) this.#given.shift();
    }
  }

  save(): EchoesState {
    return this.#given.save();
  }

  load(state: EchoesState): void {
    this.#given.load(state);
  }
}

/** Either way: a clock may have been ahead when it was given. */
function isLately(event: ChangeEvent, last: number): boolean {
  return Math.abs(dayOf(event) - Math.floor(last / ROWS)) <= LATELY_DAYS;
}

/** Of a long text only the beginning is kept, which says nothing of its end. */
function isCut({ next }: Field): boolean {
  return typeof next === 'string' && next.length > TEXT_MAX;
}

function keyOf({ ofKind, next }: Field): number {
  // What JSON has no text for would be put together as `undefined`.
  return hashOfBoth(ofKind, JSON.stringify(next) ?? 'undefined');
}

function dayOf({ atMs }: ChangeEvent): number {
  return Math.floor(atMs / DAY_MS);
}
