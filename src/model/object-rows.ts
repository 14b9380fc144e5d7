/**
 * Rows of objects by where these lie. An id that is put together for each change has to be hashed, interned and compared in full by the look-up, which with
 * some ten thousand objects takes as long as what a detector does; so it is asked first whether the row that was last given for the ends of these names is it.
 * Derived from what it is asked, so no part of a snapshot.
 */
import type { ObjectRef } from '../domain/object-ref.ts';
import { objectId } from './features.ts';
import type { RowTable } from './habits/row-table.ts';

type Place = Pick<ObjectRef, 'group' | 'kind' | 'namespace' | 'name'>;

const SLOTS = 2 ** 16;
const PRIME = 0x01000193;
/** Letters at the end of a name and of a namespace by which its slot is chosen: what tells names apart stands there. */
const NAME_END = 16;
const NAMESPACE_END = 8;

export class ObjectRows {
  readonly #table: Pick<RowTable, 'rowOf' | 'nameOf' | 'isAtEase'>;
  /** One more than the row, 0 where none was given. */
  readonly #given = new Int32Array(SLOTS);

  constructor(table: Pick<RowTable, 'rowOf' | 'nameOf' | 'isAtEase'>) {
    this.#table = table;
  }

  /** As `rowOf` of the object's id. */
  of(place: Place): number {
    const slot = slotOf(place);
    const row = (this.#given[slot] as number) - 1;
    if (row >= 0 && this.#table.isAtEase() && isIdOf(this.#table.nameOf(row), place)) return row;
    const found = this.#table.rowOf(objectId(place));
    this.#given[slot] = found + 1;
    return found;
  }
}

function slotOf({ kind, namespace, name }: Place): number {
  const hash = hashOfEnd(hashOfEnd(kind.length ^ name.length, namespace, NAMESPACE_END), name, NAME_END);
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}

function hashOfEnd(start: number, text: string, length: number): number {
  let hash = start;
  for (let i = Math.max(0, text.length - length); i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return hash;
}

const SLASH = 0x2f;
const BETWEEN = 0;

/** Whether `objectId` would put together this. */
function isIdOf(id: string | undefined, { group, kind, namespace, name }: Place): boolean {
  const atKind = group.length + 1;
  const atNamespace = atKind + kind.length + 1;
  const atName = atNamespace + namespace.length + 1;
  return (
    id !== undefined &&
    id.length === atName + name.length &&
    id.startsWith(name, atName) &&
    id.startsWith(namespace, atNamespace) &&
    id.startsWith(kind, atKind) &&
    id.startsWith(group) &&
    id.charCodeAt(atName - 1) === BETWEEN &&
    id.charCodeAt(atNamespace - 1) === BETWEEN &&
    id.charCodeAt(atKind - 1) === SLASH
  );
}
