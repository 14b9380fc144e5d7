/**
 * How many things a visit deletes. An application is taken away with all it is made of: objects of several kinds, or of the same name in several
 * namespaces, whose names begin alike. These are one thing; what a mistake or an attack takes is of everything something.
 */
import type { ChangeEvent } from './features.ts';

/** What was deleted under one first word. Plain data. */
interface LostWord {
  /** Things: as many as its most numerous kind has. */
  most: number;
  kinds: Map<string, LostKind>;
}

interface LostKind {
  things: number;
  /** The namespaces that each name was in. */
  names: Map<string, Set<string>>;
}

/** By first word. */
export type Lost = Map<string, LostWord>;

const FIRST_WORD = /^[^-._]*/;
/** What has one name in so many namespaces may be one application; the same name in each of many tenants' is a thing in each. */
const PLACES_OF_ONE = 3;

/**
 * Notes a deletion; gives by how many things more are lost. Of one kind each name is a thing of its own: `db-1` and `db-2` are two, `db-1` with its
 * secret one.
 */
export function noteLost(lost: Lost, { ref, kind }: Pick<ChangeEvent, 'ref' | 'kind'>): number {
  const word = FIRST_WORD.exec(ref.name)?.[0] ?? '';
  const ofWord = lost.get(word) ?? { most: 0, kinds: new Map<string, LostKind>() };
  lost.set(word, ofWord);
  const ofKind = ofWord.kinds.get(kind) ?? { things: 0, names: new Map<string, Set<string>>() };
  ofWord.kinds.set(kind, ofKind);
  const places = ofKind.names.get(ref.name) ?? new Set<string>();
  ofKind.names.set(ref.name, places);
  const before = places.size;
  places.add(ref.namespace ?? '');
  if (places.size > before && (before === 0 || before >= PLACES_OF_ONE)) ofKind.things++;
  const more = Math.max(0, ofKind.things - ofWord.most);
  ofWord.most += more;
  return more;
}
