/**
 * What a path is called by detectors, once for each kind and path: a key that is put together anew for each look-up costs more than the look-up, as a
 * new string has to be hashed and compared in full.
 */
import type { FieldDiff } from '../domain/diff/field-diff.ts';

export interface PathNames {
  generic: string;
  /** The last two segments: the same idea in any kind, e.g. `resources/limits`. */
  tail: string;
  /** The last name, list positions aside. */
  leaf: string;
  /** Kind and generic path. */
  ofKind: string;
  /** Kind, generic path and what was done there. */
  done: { [op in FieldDiff['op']]: string };
  bookkeeping: boolean;
  /** See `PLACE`; below zero where the book gives none. */
  place: number;
}

const BOOKKEEPING =
  /^\/(?:status(?:\/|$)|apiVersion$|kind$|metadata\/(?:resourceVersion|generation|uid|creationTimestamp|selfLink|managedFields|name|namespace|deletionTimestamp|deletionGracePeriodSeconds)(?:\/|$))/;

/** What the API server or a controller keeps for itself: no part of what somebody wanted. */
export function isBookkeeping(generic: string): boolean {
  // Most paths lie in the spec or the status, and are asked about several times for each change.
  if (generic.startsWith('/s')) {
    if (generic.startsWith('/spec/')) return false;
    if (generic.startsWith('/status/')) return true;
  }
  return BOOKKEEPING.test(generic);
}

/** A kind has some hundreds of paths; beyond this their names are not kept. */
const PATHS_MAX = 20_000;

/** Derived from what it is asked, so no part of a snapshot. */
export class PathBook {
  readonly #numbered: boolean;
  readonly #kinds = new Map<string, Map<string, PathNames>>();
  #paths = 0;
  /** The kind that was asked for last: all paths of a change are of one. */
  #kind: { name: string; paths: Map<string, PathNames> } | undefined;

  /** `numbered` gives each path a place; only one book may do so for those who keep anything by place. */
  constructor({ numbered = false } = {}) {
    this.#numbered = numbered;
  }

  of(kind: string, generic: string): PathNames {
    const paths = this.#pathsOf(kind);
    const known = paths.get(generic);
    if (known !== undefined) return known;
    if (this.#paths >= PATHS_MAX) return pathNames(kind, generic);
    const names = pathNames(kind, generic, this.#numbered ? this.#paths : -1);
    this.#paths++;
    paths.set(generic, names);
    return names;
  }

  #pathsOf(kind: string): Map<string, PathNames> {
    if (this.#kind?.name === kind) return this.#kind.paths;
    let paths = this.#kinds.get(kind);
    if (paths === undefined) {
      paths = new Map();
      if (this.#paths < PATHS_MAX) this.#kinds.set(kind, paths);
    }
    this.#kind = { name: kind, paths };
    return paths;
  }
}

export function pathNames(kind: string, generic: string, place = -1): PathNames {
  const done = (op: FieldDiff['op']) => `${kind}\u0000${op}\u0000${generic}`;
  return {
    generic,
    tail: tailOf(generic),
    leaf: leafOf(generic),
    ofKind: `${kind}${generic}`,
    done: { add: done('add'), set: done('set'), remove: done('remove') },
    bookkeeping: isBookkeeping(generic),
    place,
  };
}

export function tailOf(generic: string): string {
  const last = generic.lastIndexOf('/');
  return last <= 0 ? generic : generic.slice(generic.lastIndexOf('/', last - 1) + 1);
}

function leafOf(generic: string): string {
  let end = generic.length;
  while (generic.endsWith('/[*]', end)) end -= 4;
  return generic.slice(generic.lastIndexOf('/', end - 1) + 1, end);
}
