/** Pages of the store's lists, and what is said of a token that is none of theirs. */
import { CrowsnestError } from '../domain/errors.ts';
import { decodePosition, type ListPosition } from '../domain/list-position.ts';
import type { Page } from './store.ts';

/** The position, each part of the type that `shape` names. Throws REQUEST_INVALID on anything else. */
export function decodeCursor(list: string, shape: readonly ('number' | 'string')[], cursor: string): ListPosition {
  const position = decodePosition(list, shape, cursor);
  if (position !== undefined) return position;
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
