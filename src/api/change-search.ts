/**
 * Searches the recorded changes by a filter: what an index answers is asked of the store, the rest is checked on rows, on values where the
 * filter speaks of them, and on findings. It works in small steps, so that the rest of the process goes on in between and the search can end
 * at any of them: where it got to is its cursor, which later changes do not move.
 */
import type { ChangeFilter } from '../domain/change-match.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import { encodePosition } from '../domain/list-position.ts';
import type { AsyncStore } from '../store/async-store.ts';
import type { ChangeQuery, ChangeSummary } from '../store/store.ts';
import { decodeListCursor } from './list-cursor.ts';
import { RequestError } from './problem.ts';

/** Rows looked at in one step, and changes whose values are: a row takes microseconds, values milliseconds. */
const ROWS_PER_STEP = 200;
const VALUES_PER_STEP = 4;
/** Changes with words or findings, of which the rows are looked at. */
const WORDS_PER_STEP = 64;
/** With more findings than this of a score, going by the changes is the better way. */
const FINDINGS_MAX = 2_000;
const FINDINGS_PER_CHANGE_MAX = 50;
/** For which one step of listing may hold up the rest of the process. */
export const LIST_STEP_MS = 10;

export type SearchQuery = Omit<ChangeQuery, 'limit' | 'continue' | 'msMax'>;

/** The last change looked at, and when that was; undefined as long as none was that is still kept. */
interface Through {
  seq: number;
  observedMs: number | undefined;
}

export interface SearchStep {
  found: ChangeSummary[];
  /** Changes that are lost to damage, of which nobody can say whether they fit. */
  lost: readonly number[];
  /** All down to it was looked at. */
  through: Through;
}

/** What is to be looked at next, and all down to where that is. */
interface Step {
  rows: ChangeSummary[];
  lost?: readonly number[];
  through: Through;
}

/** Newest first, a step at a time; each step is read when it is asked for. */
export async function* searchSteps(store: AsyncStore, filter: ChangeFilter, query: SearchQuery): AsyncGenerator<SearchStep> {
  const bounded = { ...filter.bounds, ...query, ...timesOf(filter, query) };
  if (filter.words.length > 0) yield* checked(store, filter, wordSteps(store, filter, bounded));
  else yield* checked(store, filter, otherSteps(store, filter, bounded));
}

async function* otherSteps(store: AsyncStore, filter: ChangeFilter, bounded: SearchQuery): AsyncGenerator<Step> {
  const judged = filter.scoreMin === undefined ? undefined : await judgedChanges(store, filter.scoreMin, bounded);
  yield* judged === undefined ? rowSteps(store, filter, bounded) : judgedSteps(store, filter, judged, bounded);
}

async function* checked(store: AsyncStore, filter: ChangeFilter, steps: AsyncIterable<Step>): AsyncGenerator<SearchStep> {
  for await (const { rows, through, lost: missing = [] } of steps) {
    const found = [];
    const lost = [...missing];
    for (const row of rows) {
      if (!filter.fitsRow(row)) continue;
      const fits = await unlessLost(() => fitsDeep(store, filter, row));
      if (fits === LOST) lost.push(row.seq);
      else if (fits) found.push(row);
    }
    yield { found, lost, through };
  }
}

const LOST = Symbol('lost to damage');

async function unlessLost<T>(read: () => Promise<T>): Promise<T | typeof LOST> {
  try {
    return await read();
  } catch (error) {
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
    return LOST;
  }
}

function timesOf({ bounds }: ChangeFilter, query: SearchQuery): Pick<ChangeQuery, 'fromMs' | 'toMs'> {
  const [fromMs, toMs] = [
    Math.max(bounds.fromMs ?? Number.NEGATIVE_INFINITY, query.fromMs ?? Number.NEGATIVE_INFINITY),
    Math.min(bounds.toMs ?? Number.POSITIVE_INFINITY, query.toMs ?? Number.POSITIVE_INFINITY),
  ];
  return { ...(Number.isFinite(fromMs) && { fromMs }), ...(Number.isFinite(toMs) && { toMs }) };
}

async function* rowSteps(store: AsyncStore, filter: ChangeFilter, query: SearchQuery): AsyncGenerator<Step> {
  const isDeep = filter.fitsFields !== undefined || filter.fitsScore !== undefined;
  // Where a text is looked for, most changes are told by their record alone.
  const size = !isDeep ? ROWS_PER_STEP : filter.heldTexts.length > 0 ? VALUES_PER_STEP * 4 : VALUES_PER_STEP;
  for (let from: Pick<ChangeQuery, 'continue'> = {}; ; ) {
    const page = await store.changes({ ...query, ...from, limit: ROWS_PER_STEP, msMax: LIST_STEP_MS });
    const { items, stopped, lost = [], continue: more } = page;
    for (let at = 0; at < items.length; at += size) {
      const rows = items.slice(at, at + size);
      yield { rows, through: rows.at(-1) as ChangeSummary };
    }
    if (stopped !== undefined) yield { rows: [], lost, through: stopped };
    else if (lost.length > 0) yield { rows: [], lost, through: throughOf(items, lost) };
    if (more === undefined) return;
    from = { continue: more };
  }
}

/** As far as a page got of which some changes are lost. */
function throughOf(items: readonly ChangeSummary[], lost: readonly number[]): Through {
  const last = items.at(-1);
  const seq = Math.min(last?.seq ?? Number.POSITIVE_INFINITY, ...lost.slice(-1));
  return { seq, observedMs: last?.observedMs };
}

/** The changes with findings of at least a score, when they are few. */
async function judgedChanges(store: AsyncStore, scoreMin: number, query: SearchQuery): Promise<number[] | undefined> {
  const { cluster, kind, namespace, name } = query;
  const named = { cluster, kind, namespace, name };
  const asked = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const { items, continue: more } = await store.findings({ ...asked, scoreMin, limit: FINDINGS_MAX });
  if (more !== undefined) return undefined;
  const seqs = items.flatMap(({ subject }) => (subject.type === 'change' ? [subject.seq] : []));
  return [...new Set(seqs)].sort((a, b) => b - a);
}

async function* wordSteps(store: AsyncStore, filter: ChangeFilter, query: SearchQuery): AsyncGenerator<Step> {
  for (let beforeSeq = query.beforeSeq ?? Number.MAX_SAFE_INTEGER; ; ) {
    const seqs = await store.changesWith(filter.words, beforeSeq, WORDS_PER_STEP);
    if (seqs === undefined) {
      const detail = 'text: needs the index of words, which --full-text keeps';
      throw new RequestError([{ in: 'query', name: 'q', detail }]);
    }
    yield* judgedSteps(store, filter, seqs, query);
    const last = seqs.at(-1);
    if (last === undefined || seqs.length < WORDS_PER_STEP) return;
    beforeSeq = last;
  }
}

/** Rows first, as those that do not fit need no values. */
async function* judgedSteps(
  store: AsyncStore,
  filter: ChangeFilter,
  seqs: readonly number[],
  query: SearchQuery,
): AsyncGenerator<Step> {
  const { beforeSeq = Number.POSITIVE_INFINITY } = query;
  const left = seqs.filter((seq) => seq < beforeSeq);
  let observedMs: number | undefined;
  for (let from = 0; from < left.length; from += WORDS_PER_STEP) {
    const looked = left.slice(from, from + WORDS_PER_STEP);
    let rows: ChangeSummary[] = [];
    const lost: number[] = [];
    for (const seq of looked) {
      const row = await unlessLost(() => store.summary(seq));
      if (row === LOST) lost.push(seq);
      else if (row === undefined) continue;
      else {
        observedMs = row.observedMs;
        if (isWithin(row, query) && filter.fitsRow(row)) rows.push(row);
      }
      if (rows.length < VALUES_PER_STEP) continue;
      yield { rows, through: { seq, observedMs } };
      rows = [];
    }
    yield { rows, lost, through: { seq: looked.at(-1) as number, observedMs } };
  }
}

/** What the store would have checked; `path` and `actor` as it does, exactly. */
function isWithin(row: ChangeSummary, query: SearchQuery): boolean {
  const { cluster, group, kind, namespace, name } = query;
  for (const [key, value] of Object.entries({ cluster, group, kind, namespace, name })) {
    if (value !== undefined && row.ref[key as 'cluster'] !== value) return false;
  }
  if (query.actor !== undefined && row.actor.name !== query.actor) return false;
  if (query.type !== undefined && row.type !== query.type) return false;
  if (query.path !== undefined && !row.paths.includes(query.path)) return false;
  return row.observedMs >= (query.fromMs ?? row.observedMs) && row.observedMs <= (query.toMs ?? row.observedMs);
}

async function fitsDeep(store: AsyncStore, filter: ChangeFilter, row: ChangeSummary): Promise<boolean> {
  if (filter.fitsScore !== undefined && !filter.fitsScore(await scoreOf(store, row))) return false;
  if (filter.fitsFields === undefined) return true;
  for (const texts of filter.heldTexts) if (!(await holdsOneOf(store, row.seq, texts))) return false;
  return filter.fitsFields(row.type, (await store.change(row.seq))?.diff ?? []);
}

async function holdsOneOf(store: AsyncStore, seq: number, texts: readonly string[]): Promise<boolean> {
  for (const text of texts) if (await store.mayHold(seq, text)) return true;
  return false;
}

async function scoreOf(store: AsyncStore, { seq, ref, observedMs }: ChangeSummary): Promise<number> {
  const { cluster, kind, namespace, name } = ref;
  const at = { fromMs: observedMs, toMs: observedMs, limit: FINDINGS_PER_CHANGE_MAX };
  const { items } = await store.findings({ cluster, kind, namespace, name, ...at });
  return Math.max(0, ...items.flatMap(({ subject, score }) => (subject.type === 'change' && subject.seq === seq ? [score] : [])));
}

const CURSOR = 'search';

export function encodeSearchCursor(seq: number): string {
  return encodePosition(CURSOR, [seq]);
}

export function decodeSearchCursor(cursor: string): number {
  const todo = 'pass the token of the previous page unchanged, with the same q';
  return decodeListCursor(CURSOR, ['number'], cursor, todo)[0] as number;
}
