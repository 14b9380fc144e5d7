/** One promise of a store, checked on an empty one. */
import { it } from 'node:test';
import { type AsyncStore, asAsync } from '../../../src/store/async-store.ts';
import type { Store } from '../../../src/store/store.ts';

export type Check = (behaviour: string, run: (store: AsyncStore) => Promise<void>) => void;

/** `make` gives an empty store, which is closed after the check. */
export function checksOn(make: () => Store): Check {
  return (behaviour, run) =>
    void it(behaviour, async () => {
      const store = asAsync(make());
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
}
