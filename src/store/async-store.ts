/**
 * The store's port as a database server answers it: each method of `Store` with a promise, each iterable one by one. The embedded store fits
 * it through `asAsync`; whatever stands behind it later has to keep the contract of test/contract/check-store.ts.
 */
import type { ChangeSummary, HeadSummary, Store } from './store.ts';

type Streamed = 'heads' | 'history';
type Kept = 'file' | 'readOnly';
/** Saves the embedded store a cost that only it has. */
type Embedded = 'together';

export type AsyncStore = Pick<Store, Kept> & {
  [Name in Exclude<keyof Store, Streamed | Kept | Embedded>]: (
    ...given: Parameters<Store[Name]>
  ) => Promise<ReturnType<Store[Name]>>;
} & {
  heads(...given: Parameters<Store['heads']>): AsyncIterable<HeadSummary>;
  history(...given: Parameters<Store['history']>): AsyncIterable<ChangeSummary>;
};

const STREAMED: ReadonlySet<string | symbol> = new Set<Streamed>(['heads', 'history']);

/** A store that answers at once, behind the port of one that does not. What it throws comes as a rejection. */
export function asAsync(store: Store): AsyncStore {
  const answered = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      if (!STREAMED.has(name)) return async (...given: unknown[]) => member.apply(target, given);
      return async function* (...given: unknown[]) {
        yield* member.apply(target, given) as Iterable<unknown>;
      };
    },
  });
  return answered as unknown as AsyncStore;
}
