/**
 * How many things a visit deletes. An application is taken away with all it is made of: objects of several kinds, or of the same name in several
 * namespaces, whose names begin alike. These are one thing; what a mistake or an attack takes is of everything something.
 */
import type { ChangeEvent } from './features.ts';

/** Names that a visit deleted, by their first word and by kind, each with the namespaces it was in. Plain data. */
export type Lost = Map<string, Map<string, Map<string, Set<string>>>>;

const FIRST_WORD = /^[^-._]*/;
/** What has one name in so many namespaces may be one application; the same name in each of many tenants' is a thing in each. */
const PLACES_OF_ONE = 3;

/** Notes a deletion; gives by how many things more are lost. */
export function noteLost(lost: Lost, { ref, kind }: Pick<ChangeEvent, 'ref' | 'kind'>): number {
  const word = FIRST_WORD.exec(ref.name)?.[0] ?? '';
  let kinds = lost.get(word);
  if (kinds === undefined) {
    kinds = new Map();
    lost.set(word, kinds);
  }
  const before = thingsOf(kinds);
  let names = kinds.get(kind);
  if (names === undefined) {
    names = new Map();
    kinds.set(kind, names);
  }
  const places = names.get(ref.name);
  if (places === undefined) names.set(ref.name, new Set([ref.namespace ?? '']));
  else places.add(ref.namespace ?? '');
  return thingsOf(kinds) - before;
}

/** Of one kind each name is a thing of its own: `db-1` and `db-2` are two, `db-1` with its secret one. */
function thingsOf(kinds: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>): number {
  let most = 0;
  for (const names of kinds.values()) {
    let things = 0;
    for (const places of names.values()) things += Math.max(1, places.size - PLACES_OF_ONE + 1);
    most = Math.max(most, things);
  }
  return most;
}
