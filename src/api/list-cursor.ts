/** Opaque positions in lists that are put together here and not by the store: where the last page ended, with the name of the list. */
import { RequestError } from './problem.ts';

export function encodeListCursor(list: string, position: readonly (number | string)[]): string {
  return Buffer.from(JSON.stringify([list, ...position]), 'utf8').toString('base64url');
}

/** The position, each part of the type that `shape` names. Throws RequestError on anything else; `todo` says what would be right. */
export function decodeListCursor<T extends readonly (number | string)[]>(
  list: string,
  shape: readonly ('number' | 'string')[],
  cursor: string,
  todo: string,
): T {
  try {
    const [name, ...position] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    const fits = name === list && position.length === shape.length && shape.every((type, i) => typeof position[i] === type);
    if (fits) return position as unknown as T;
  } catch {
    // Not one of ours, said below.
  }
  throw new RequestError([{ in: 'query', name: 'continue', detail: `is not one of a ${list}; ${todo}` }]);
}
