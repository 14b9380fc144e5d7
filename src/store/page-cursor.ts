/** Opaque positions in a list: where the last page ended, as base64url of JSON with the name of the list it belongs to. */
import { CrowsnestError } from '../domain/errors.ts';
import type { Page } from './store.ts';

type Position = (number | string)[];

export function encodeCursor(list: string, position: Position): string {
  return Buffer.from(JSON.stringify([list, ...position]), 'utf8').toString('base64url');
}

/** The position, each part of the type that `shape` names. Throws REQUEST_INVALID on anything else. */
export function decodeCursor(list: string, shape: readonly ('number' | 'string')[], cursor: string): Position {
  const parts = parse(cursor);
  const fits = Array.isArray(parts) && parts.length === shape.length + 1 && parts[0] === list;
  if (fits && shape.every((type, i) => typeof parts[i + 1] === type)) return parts.slice(1) as Position;
  throw new CrowsnestError({
    code: 'REQUEST_INVALID',
    what: `the continue token is not one of this list of ${list}`,
    todo: 'Pass the token of the previous page unchanged, or leave it out to begin at the first page',
  });
}

/** The first `limit` of up to `limit + 1` items, with the position of the last of them when there are more. */
export function pageOf<T>(items: T[], limit: number, cursorOf: (last: T) => string): Page<T> {
  const last = items[limit - 1];
  if (items.length <= limit || last === undefined) return { items };
  return { items: items.slice(0, limit), continue: cursorOf(last) };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
