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
}

const BOOKKEEPING =
  /^\/(?:status(?:\/|$)|apiVersion$|kind$|metadata\/(?:resourceVersion|generation|uid|creationTimestamp|selfLink|managedFields|name|namespace|deletionTimestamp|deletionGracePeriodSeconds)(?:\/|$))/;

/** What the API server or a controller keeps for itself: no part of what somebody wanted. */
export function isBookkeeping(generic: string): boolean {
  return BOOKKEEPING.test(generic);
}

/** A kind has some hundreds of paths; beyond this their names are not kept. */
const PATHS_MAX = 20_000;

/** Derived from what it is asked, so no part of a snapshot. */
export class PathBook {
  readonly #kinds = new Map<string, Map<string, PathNames>>();
  #paths = 0;

  of(kind: string, generic: string): PathNames {
    let paths = this.#kinds.get(kind);
    const known = paths?.get(generic);
    if (known !== undefined) return known;
    const names = pathNames(kind, generic);
    if (this.#paths >= PATHS_MAX) return names;
    if (paths === undefined) {
      paths = new Map();
      this.#kinds.set(kind, paths);
    }
    this.#paths++;
    paths.set(generic, names);
    return names;
  }
}

export function pathNames(kind: string, generic: string): PathNames {
  const done = (op: FieldDiff['op']) => `${kind}\u0000${op}\u0000${generic}`;
  return {
    generic,
    tail: tailOf(generic),
    leaf: leafOf(generic),
    ofKind: `${kind}${generic}`,
    done: { add: done('add'), set: done('set'), remove: done('remove') },
    bookkeeping: isBookkeeping(generic),
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
