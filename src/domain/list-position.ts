/** Opaque positions in lists: where a page ended, as base64url of JSON with the name of the list it belongs to. */

export type ListPosition = (number | string)[];

export function encodePosition(list: string, position: Readonly<ListPosition>): string {
  return Buffer.from(JSON.stringify([list, ...position]), 'utf8').toString('base64url');
}

/** The position, each part of the type that `shape` names; undefined for anything that is none of this list. */
export function decodePosition(list: string, shape: readonly ('number' | 'string')[], cursor: string): ListPosition | undefined {
  const parts = parse(cursor);
  const fits = Array.isArray(parts) && parts.length === shape.length + 1 && parts[0] === list;
  return fits && shape.every((type, i) => typeof parts[i + 1] === type) ? (parts.slice(1) as ListPosition) : undefined;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
