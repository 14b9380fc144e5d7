import type { Page } from '../../store/store.ts';
import { LIMIT_MAX } from '../parameters.ts';

/** All pages of a list, for an NDJSON export, each item through `view`; stops after `limit` items when one is given. */
export function* exportPages<T, V>(
  input: { limit?: number; continue?: string },
  read: (position: { limit: number; continue?: string }) => Page<T>,
  view: (item: T) => V,
): Iterable<V[]> {
  let left = input.limit ?? Number.POSITIVE_INFINITY;
  let position = input.continue;
  do {
    const page = read({ limit: Math.min(left, LIMIT_MAX), ...(position === undefined ? {} : { continue: position }) });
    left -= page.items.length;
    position = page.continue;
    yield page.items.map(view);
  } while (position !== undefined && left > 0);
}
