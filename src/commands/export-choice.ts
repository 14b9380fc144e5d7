/** Which changes an export writes: all that are kept, or some by the search that `GET /v1/changes?q=` makes too. */
import { searchSteps } from '../api/change-search.ts';
import { parseChangeFilter } from '../domain/change-filter.ts';
import { compileChangeFilter } from '../domain/change-match.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { asAsync } from '../store/async-store.ts';
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
  for await (const { found, lost } of searchSteps(asAsync(store), wanted, within)) {
    signal.throwIfAborted();
    for (const { seq } of found) seqs.push(seq);
    for (const seq of lost) unreadable.add(seq);
  }
  return { seqs: seqs.reverse(), total: seqs.length, partial: true, unreadable };
}

/** The changes that retention has not let go of. Of a stretch that cannot be listed for damage each that may be there. */
function keptSeqs(store: Store, signal: AbortSignal): number[] {
  const seqs: number[] = [];
  let before = (listedBefore(store, undefined, 1)[0] ?? 0) + 1;
  while (before > 1) {
    signal.throwIfAborted();
    const listed = listedBefore(store, before, LISTED_AT_ONCE);
    seqs.push(...listed);
    const last = listed.at(-1);
    if (last === undefined) break;
    before = last;
  }
  return seqs.reverse();
}

/** With those that are lost, so that the export says so. */
function listedBefore(store: Store, beforeSeq: number | undefined, limit: number): number[] {
  try {
    const { items, lost = [] } = store.changes({ limit, ...(beforeSeq === undefined ? {} : { beforeSeq }) });
    return [...items.map(({ seq }) => seq), ...lost].sort((a, b) => b - a);
  } catch (error) {
    if (!isCrowsnestError(error, 'STORE_CORRUPT') || beforeSeq === undefined) throw error;
    return Array.from({ length: Math.min(LISTED_AT_ONCE, beforeSeq - 1) }, (_, i) => beforeSeq - 1 - i);
  }
}

function withoutWords(): CrowsnestError {
  return new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: 'text: needs the index of words, which this database has not',
    where: '--filter',
    todo: 'Ask by value:*word*, which needs none, or record with --full-text',
  });
}
