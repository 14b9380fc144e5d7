/**
 * Under which name the values of a field are counted. Some types are counted apart from the other values of the field: where something comes from, and
 * steps apart from starting values. Such a name is put together once: a new string has to be hashed and compared in full by each look-up.
 */

const APART = ['repo', 'url', 'base', 'host', 'step', 'type'] as const;
/** Of each type; a cluster has some thousands of fields. Beyond this their names are not kept. */
const NAMES_MAX = 10_000;

export interface Slot {
  in(field: string): string;
}

const PLAIN: Slot = { in: (field) => field };

/** Derived from what it is asked, so no part of a snapshot. */
export class SlotNames {
  readonly #apart = APART.map((type) => ({ start: `${type}:`, slot: new ApartSlot(type) }));

  /** Where values such as this one are counted. */
  of(token: string): Slot {
    for (const { start, slot } of this.#apart) if (token.startsWith(start)) return slot;
    return PLAIN;
  }
}

class ApartSlot implements Slot {
  readonly #type: string;
  readonly #names = new Map<string, string>();

  constructor(type: string) {
    this.#type = type;
  }

  in(field: string): string {
    const known = this.#names.get(field);
    if (known !== undefined) return known;
    const name = `${this.#type}@${field}`;
    if (this.#names.size < NAMES_MAX) this.#names.set(field, name);
    return name;
  }
}
