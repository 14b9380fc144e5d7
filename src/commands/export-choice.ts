/** Which changes an export writes: all that are kept, or some by the search that `GET /v1/changes?q=` makes too. */
import { searchSteps } from '../api/change-search.ts';
import { parseChangeFilter } from '../domain/change-filter.ts';
import { compileChangeFilter } from '../domain/change-match.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { type AsyncStore, asAsync } from '../store/async-store.ts';
import type { Store } from '../store/store.ts';

const LISTED_AT_ONCE = 1_000;

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
    const seqs = keptSeqs(store, signal);
    return { seqs, total: seqs.length, partial: false, unreadable };
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

/** The changes that retention has not let go of. Of a stretch that cannot be listed for damage each that may be there. */
function keptSeqs(store: Store, signal: AbortSignal): number[] {
  const seqs: number[] = [];
  let before = (store.changes({ limit: 1 }).items[0]?.seq ?? 0) + 1;
  while (before > 1) {
    signal.throwIfAborted();
    const listed = listedBefore(store, before);
    seqs.push(...listed);
    const last = listed.at(-1);
    if (last === undefined) break;
    before = last;
  }
  return seqs.reverse();
}

function listedBefore(store: Store, beforeSeq: number): number[] {
  try {
    return store.changes({ limit: LISTED_AT_ONCE, beforeSeq }).items.map(({ seq }) => seq);
  } catch (error) {
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
    return Array.from({ length: Math.min(LISTED_AT_ONCE, beforeSeq - 1) }, (_, i) => beforeSeq - 1 - i);
  }
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
