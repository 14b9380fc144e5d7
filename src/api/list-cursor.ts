/** Continue tokens of lists that are put together here and not by the store. */
import { decodePosition, type ListPosition } from '../domain/list-position.ts';
import { RequestError } from './problem.ts';

/** The position, each part of the type that `shape` names. Throws RequestError on anything else; `todo` says what would be right. */
export function decodeListCursor(
  list: string,
  shape: readonly ('number' | 'string')[],
  cursor: string,
  todo: string,
): ListPosition {
  const position = decodePosition(list, shape, cursor);
  if (position?.every((part) => typeof part === 'string' || Number.isSafeInteger(part))) return position;
  throw new RequestError([{ in: 'query', name: 'continue', detail: `is not one of a ${list}; ${todo}` }]);
}
