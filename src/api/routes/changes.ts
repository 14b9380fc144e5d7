import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { Change } from '../../domain/change.ts';
import { FilterError, type FilterTerm, parseChangeFilter } from '../../domain/change-filter.ts';
import { compileChangeFilter } from '../../domain/change-match.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import type { AsyncStore } from '../../store/async-store.ts';
import type { ChangePage, ChangeQuery, ChangeSummary } from '../../store/store.ts';
import { decodeSearchCursor, encodeSearchCursor, LIST_STEP_MS, searchSteps } from '../change-search.ts';
import {
  LIMIT_DEFAULT,
  pageParameters,
  seqParameter,
  textParameter,
  timeParameter,
  wholeNumberParameter,
} from '../parameters.ts';
import { notFound, RequestError } from '../problem.ts';
import { type ApiSources, route } from '../route.ts';
import * as schemas from '../schemas/changes.ts';
import { CHANGE_TYPES } from '../schemas/shared.ts';
import { changeSummaryView, changeView, damagedView, isoTime } from '../views.ts';
import { changeExtras } from '../who.ts';
import { exportPages } from './export-pages.ts';

const SEARCH_MS_DEFAULT = 1_000;
const SEARCH_MS_MAX = 10_000;
const searchMsMessage = `must be a whole number from 1 to ${SEARCH_MS_MAX}`;

const query = z.strictObject({
  cluster: textParameter.optional(),
  group: textParameter.optional().describe('Empty for the core group'),
  kind: textParameter.optional(),
  namespace: textParameter.optional().describe('Empty for cluster-scoped objects'),
  name: textParameter.optional(),
  actor: textParameter.optional(),
  type: z.enum(CHANGE_TYPES).optional(),
  path: textParameter.optional().describe('A generic path, exactly, e.g. /spec/replicas'),
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  q: textParameter
    .optional()
    .describe(
      'A filter, e.g. `kind:Kafka path:spec.replicas actor:alice* value>3 after:7d score>=2 -type:ADDED`; see docs/queries.md',
    ),
  maxMs: wholeNumberParameter(1, SEARCH_MS_MAX, searchMsMessage)
    .default(SEARCH_MS_DEFAULT)
    .describe('Milliseconds after which the search stops and says so, with a cursor to go on from'),
  ...pageParameters,
});
type Query = z.output<typeof query>;

function changeQuery(input: Query): ChangeQuery {
  const { from, to, limit, q: _, maxMs: __, ...rest } = input;
  return { ...rest, fromMs: from, toMs: to, limit: limit ?? LIMIT_DEFAULT };
}

export const listChanges = route({
  path: '/v1/changes',
  id: 'listChanges',
  summary: 'Recorded changes, newest first',
  tag: 'changes',
  params: z.strictObject({}),
  query,
  response: schemas.ChangeList,
  problems: ['REQUEST_INVALID', 'CURSOR_EXPIRED'],
  async handle({ query: input }, sources) {
    if (input.q !== undefined) return searchedPage(input, input.q, sources);
    const { items, continue: more, stopped, lost = [] } = await listedPage(changeQuery(input), input.maxMs, sources.store);
    const metadata = { continue: more, ...(stopped && stoppedAt(stopped.observedMs)), ...damagedView(lost) };
    return { items: items.map(changeSummaryView), metadata };
  },
  export: {
    line: schemas.ChangeSummary,
    pages: ({ query: input }, sources) =>
      input.q === undefined
        ? exportPages(input, (position) => sources.store.changes(aStepOf(input, position)), changeSummaryView)
        : searchedLines(input, input.q, sources),
  },
});

/** Step by step, so that others are answered in between. */
async function listedPage(query: ChangeQuery, maxMs: number, store: AsyncStore): Promise<ChangePage> {
  const endMs = performance.now() + maxMs;
  const items: ChangeSummary[] = [];
  const lost: number[] = [];
  for (let position = {}; ; ) {
    const page = await store.changes({ ...query, ...position, limit: query.limit - items.length, msMax: LIST_STEP_MS });
    items.push(...page.items);
    lost.push(...(page.lost ?? []));
    if (page.stopped === undefined || page.continue === undefined || performance.now() > endMs) return { ...page, items, lost };
    // Full just when the step's time was up: whether there is more, the next page tells.
    if (items.length >= query.limit) return { items, lost, continue: page.continue };
    position = { continue: page.continue };
    await nextTurn();
  }
}

function aStepOf(input: Query, position: { limit: number; continue?: string }): ChangeQuery {
  return { ...changeQuery(input), ...position, msMax: LIST_STEP_MS };
}

function stoppedAt(observedMs: number | undefined) {
  return { stopped: { reason: 'time' as const, ...(observedMs !== undefined && { through: isoTime(observedMs) }) } };
}

function searchedPage(input: Query, q: string, sources: ApiSources): Promise<z.input<typeof schemas.ChangeList>> {
  const steps = stepsOf(input, q, sources);
  const limit = input.limit ?? LIMIT_DEFAULT;
  const endMs = performance.now() + input.maxMs;
  return (async () => {
    const found: ChangeSummary[] = [];
    const lost: number[] = [];
    for await (const { found: more, lost: missing, through } of steps) {
      found.push(...more);
      lost.push(...missing);
      if (found.length > limit) {
        const items = found.slice(0, limit);
        const last = items.at(-1)?.seq ?? 0;
        const metadata = { continue: encodeSearchCursor(last), ...damagedView(lost.filter((seq) => seq >= last)) };
        return { items: items.map(changeSummaryView), metadata };
      }
      if (performance.now() > endMs) {
        const metadata = { continue: encodeSearchCursor(through.seq), ...stoppedAt(through.observedMs), ...damagedView(lost) };
        return { items: found.map(changeSummaryView), metadata };
      }
      await nextTurn();
    }
    return { items: found.map(changeSummaryView), metadata: damagedView(lost) };
  })();
}

async function* searchedLines(input: Query, q: string, sources: ApiSources) {
  let left = input.limit ?? Number.POSITIVE_INFINITY;
  for await (const { found } of stepsOf(input, q, sources)) {
    yield found.slice(0, left).map(changeSummaryView);
    left -= found.length;
    if (left <= 0) return;
  }
}

function stepsOf(input: Query, q: string, { store, clock }: ApiSources) {
  const { limit: _, continue: token, ...asked } = changeQuery(input);
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const beforeSeq = token === undefined ? {} : { beforeSeq: decodeSearchCursor(token) };
  return searchSteps(store, compileChangeFilter(parsed(q, clock.nowMs())), { ...given, ...beforeSeq });
}

function parsed(q: string, nowMs: number): FilterTerm[] {
  try {
    return parseChangeFilter(q, nowMs);
  } catch (error) {
    if (error instanceof FilterError) throw new RequestError([{ in: 'query', name: 'q', detail: error.message }]);
    throw error;
  }
}

export const getChange = route({
  path: '/v1/changes/{seq}',
  id: 'getChange',
  summary: 'One change with its diff and, on request, the states before and after it',
  tag: 'changes',
  params: z.strictObject({ seq: seqParameter }),
  query: z.strictObject({ states: z.enum(['none', 'after', 'both']).default('none') }),
  response: schemas.Change,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  async handle({ params, query: input }, { store }) {
    const change = await store.change(params.seq);
    if (change === undefined) throw notFound(`No change ${params.seq} is recorded`);
    const extras = await changeExtras(store, change);
    if (input.states === 'none') return changeView(change, extras);
    const before = input.states === 'both' ? await stateBefore(store, change) : undefined;
    return changeView(change, { ...extras, after: change.state, ...(before === undefined ? {} : { before }) });
  },
});

/** The object's state just before a change in the same life; undefined for the first of a life. */
async function stateBefore(store: AsyncStore, change: Change): Promise<KubeObject | undefined> {
  if (change.type === 'ADDED') return undefined;
  for await (const earlier of store.history(change.ref, { seq: change.seq })) {
    if (earlier.seq === change.seq) continue;
    return earlier.uid === change.uid ? await store.stateAt(change.ref, { seq: earlier.seq }) : undefined;
  }
  return undefined;
}
