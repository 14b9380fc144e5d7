/**
 * Under which name the values of a field are counted. Some types are counted apart from the other values of the field: where something comes from, and
 * steps apart from starting values. Such a name is put together once: a new string has to be hashed and compared in full by each look-up.
 */

const APART = ['repo', 'url', 'base', 'host', 'step', 'type'] as const;
/** Of each type; a cluster has some thousands of fields. Beyond this their names are not kept. */
const NAMES_MAX = 10_000;

/** Derived from what it is asked, so no part of a snapshot. */
export class SlotNames {
  readonly #types = APART.map((type) => ({ type, start: `${type}:`, names: new Map<string, string>() }));

  of(token: string, field: string): string {
    for (const { type, start, names } of this.#types) {
      if (!token.startsWith(start)) continue;
      const known = names.get(field);
      if (known !== undefined) return known;
      const name = `${type}@${field}`;
      if (names.size < NAMES_MAX) names.set(field, name);
      return name;
    }
    return field;
  }
}
