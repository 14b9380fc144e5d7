/** What of the lists of kinds a stream has been told, so that it is told again only where it differs. */

import { formatListKeys } from '../../domain/list-keys-text.ts';
import { type ObjectRef, resourceKey } from '../../domain/object-ref.ts';
import type { ListKeys } from '../../domain/schema-tree.ts';
import type { SideEntry } from './stream-side.ts';

type Kind = Pick<ObjectRef, 'cluster' | 'group' | 'kind'>;

export class ToldListKeys {
  readonly #told = new Map<string, ListKeys | undefined>();
  readonly #before: (kind: Kind) => ListKeys | undefined;

  /** `before` says what the stream has been told already. */
  constructor(before: (kind: Kind) => ListKeys | undefined = () => undefined) {
    this.#before = before;
  }

  /** What has to stand before an object of a kind whose lists are such; undefined where nothing new is to be said. */
  news({ cluster, group, kind }: Kind, lists: ListKeys | undefined, atMs: number): SideEntry | undefined {
    const key = resourceKey({ cluster, group, kind });
    const told = this.#told.has(key) ? this.#told.get(key) : this.#before({ cluster, group, kind });
    this.#told.set(key, lists);
    if (told === lists || (told !== undefined && lists !== undefined && formatListKeys(told) === formatListKeys(lists)))
      return undefined;
    return { lists: { cluster, group, kind, lists }, atMs };
  }
}
