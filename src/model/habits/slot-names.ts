/**
 * Under which name the values of a field are counted. Some types are counted apart from the other values of the field: where something comes from, and
 * steps apart from starting values. Such a name is put together once: a new string has to be hashed and compared in full by each look-up.
 */

const APART = ['repo', 'url', 'base', 'host', 'step', 'type'] as const;
/** Of each type; a cluster has some thousands of fields. Beyond this their names are not kept. */
const NAMES_MAX = 10_000;
const CODES = 128;

export interface Slot {
  /** Below SLOTS. */
  readonly number: number;
  in(field: string): string;
}

export const SLOTS = APART.length + 1;

const PLAIN: Slot = { number: 0, in: (field) => field };

/** Derived from what it is asked, so no part of a snapshot. */
export class SlotNames {
  /** By the code of the first letter, which tells them apart. */
  readonly #apart: readonly ({ start: string; slot: Slot } | undefined)[];

  constructor() {
    const apart = new Array<{ start: string; slot: Slot } | undefined>(CODES).fill(undefined);
    for (const [i, type] of APART.entries()) apart[type.charCodeAt(0)] = { start: `${type}:`, slot: new ApartSlot(type, i + 1) };
    this.#apart = apart;
  }

  /** Where values such as this one are counted. */
  of(token: string): Slot {
    const code = token.charCodeAt(0);
    const apart = code < CODES ? this.#apart[code] : undefined;
    return apart !== undefined && token.startsWith(apart.start) ? apart.slot : PLAIN;
  }
}

class ApartSlot implements Slot {
  readonly number: number;
  readonly #type: string;
  readonly #names = new Map<string, string>();
  #asked = '';
  #answer = '';

  constructor(type: string, number: number) {
    this.#type = type;
    this.number = number;
  }

  in(field: string): string {
    if (field === this.#asked && this.#answer !== '') return this.#answer;
    this.#asked = field;
    this.#answer = this.#named(field);
    return this.#answer;
  }

  #named(field: string): string {
    const known = this.#names.get(field);
    if (known !== undefined) return known;
    const name = `${this.#type}@${field}`;
    if (this.#names.size < NAMES_MAX) this.#names.set(field, name);
    return name;
  }
}
