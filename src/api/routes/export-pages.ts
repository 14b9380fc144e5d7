import type { Page } from '../../store/store.ts';
import { LIMIT_MAX } from '../parameters.ts';

/** All pages of a list, for an NDJSON export, each item through `view`; stops after `limit` items when one is given. */
export async function* exportPages<T, V>(
  input: { limit?: number; continue?: string },
  read: (position: { limit: number; continue?: string }) => Promise<Page<T>>,
  view: (item: T) => V | Promise<V>,
): AsyncGenerator<V[]> {
  let left = input.limit ?? Number.POSITIVE_INFINITY;
  let position = input.continue;
  do {
    const page = await read({ limit: Math.min(left, LIMIT_MAX), ...(position === undefined ? {} : { continue: position }) });
    left -= page.items.length;
    position = page.continue;
    yield await Promise.all(page.items.map(view));
  } while (position !== undefined && left > 0);
}
