/**
 * The store's port as a database server answers it: each method of `Store` with a promise, each iterable one by one. The API reads
 * through it; the embedded store fits it by `asAsync`; whatever stands behind it later has to keep the contract of test/contract/check-store.ts.
 */
import type { ChangeSummary, HeadSummary, Store } from './store.ts';

type Streamed = 'heads' | 'history';
type Kept = 'file' | 'readOnly' | 'isPressed';
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
  const wrapped = new Map<string | symbol, unknown>();
  const answered = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (!isMethod(member)) return member;
      let answering = wrapped.get(name);
      if (answering === undefined) {
        answering = STREAMED.has(name) ? streaming(target, member) : async (...given: unknown[]) => member.apply(target, given);
        wrapped.set(name, answering);
      }
      return answering;
    },
  });
  return answered as unknown as AsyncStore;
}

function isMethod(member: unknown): member is (...given: unknown[]) => unknown {
  return typeof member === 'function';
}

function streaming(store: Store, member: (...given: unknown[]) => unknown) {
  return async function* (...given: unknown[]) {
    yield* member.apply(store, given) as Iterable<unknown>;
  };
}
