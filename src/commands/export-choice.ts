/** Which changes an export writes: all of them by counting, some by the search that `GET /v1/changes?q=` makes too. */
import { searchSteps } from '../api/change-search.ts';
import { parseChangeFilter } from '../domain/change-filter.ts';
import { compileChangeFilter } from '../domain/change-match.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { type AsyncStore, asAsync } from '../store/async-store.ts';
import type { Store } from '../store/store.ts';

export interface ExportChoice {
  /** Oldest first. */
  seqs: Iterable<number>;
  total: number;
  /** Only some of them, by a filter or by time. */
  partial: boolean;
  /** Changes lost to damage, of which nobody can say whether they fit. */
  unreadable: ReadonlySet<number>;
}

export async function chooseChanges(
  store: Store,
  { filter, from, to }: Pick<Options, 'filter' | 'from' | 'to'>,
  { nowMs, signal }: { nowMs: number; signal: AbortSignal },
): Promise<ExportChoice> {
  const terms = filter.flatMap((text) => parseChangeFilter(text, nowMs));
  const unreadable = new Set<number>();
  if (terms.length === 0 && from === undefined && to === undefined) {
    const total = store.changes({ limit: 1 }).items[0]?.seq ?? 0;
    return { seqs: countingTo(total), total, partial: false, unreadable };
  }
  const wanted = compileChangeFilter(terms);
  if (wanted.words.length > 0 && store.changesWith(wanted.words, 1, 1) === undefined) throw withoutWords();
  const within = { ...(from === undefined ? {} : { fromMs: from }), ...(to === undefined ? {} : { toMs: to }) };
  const seqs: number[] = [];
  for await (const { found } of searchSteps(despiteDamage(asAsync(store), unreadable), wanted, within)) {
    signal.throwIfAborted();
    for (const { seq } of found) if (!unreadable.has(seq)) seqs.push(seq);
  }
  return { seqs: seqs.reverse(), total: seqs.length, partial: true, unreadable };
}

function* countingTo(last: number): Generator<number> {
  for (let seq = 1; seq <= last; seq++) yield seq;
}

/** What is damaged is noted and costs itself only. */
function despiteDamage(store: AsyncStore, unreadable: Set<number>): AsyncStore {
  const change: AsyncStore['change'] = async (seq) => {
    try {
      return await store.change(seq);
    } catch (error) {
      if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
      unreadable.add(seq);
      return undefined;
    }
  };
  // A damaged change may hold anything.
  const mayHold: AsyncStore['mayHold'] = (seq, text) =>
    store.mayHold(seq, text).catch((error: unknown) => {
      if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
      return true;
    });
  const kinder: Partial<AsyncStore> = { change, mayHold };
  return new Proxy(store, { get: (target, name) => Reflect.get(name in kinder ? kinder : target, name) as unknown });
}

function withoutWords(): CrowsnestError {
  return new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: 'text: needs the index of words, which this database has not',
    where: '--filter',
    todo: 'Ask by value:*word*, which needs none, or record with --full-text',
  });
}
