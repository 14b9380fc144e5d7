/**
 * How many things a visit deletes. An application is taken away with all it is made of: objects of several kinds, or of the same name in several
 * namespaces, whose names begin alike. These are one thing; what a mistake or an attack takes is of everything something.
 */
import type { ChangeEvent } from './features.ts';

/** Names that a visit deleted, by their first word and by kind. Plain data. */
export type Lost = Map<string, Map<string, Set<string>>>;

const FIRST_WORD = /^[^-._]*/;

/** Notes a deletion; gives by how many things more are lost. */
export function noteLost(lost: Lost, { ref, kind }: Pick<ChangeEvent, 'ref' | 'kind'>): number {
  const word = FIRST_WORD.exec(ref.name)?.[0] ?? '';
  let kinds = lost.get(word);
  if (kinds === undefined) {
    kinds = new Map();
    lost.set(word, kinds);
  }
  const before = thingsOf(kinds);
  const names = kinds.get(kind);
  if (names === undefined) kinds.set(kind, new Set([ref.name]));
  else names.add(ref.name);
  return thingsOf(kinds) - before;
}

/** Of one kind each name is a thing of its own: `db-1` and `db-2` are two, `db-1` with its secret one. */
function thingsOf(kinds: ReadonlyMap<string, ReadonlySet<string>>): number {
  let most = 0;
  for (const names of kinds.values()) most = Math.max(most, names.size);
  return most;
}
