import { z } from 'zod';
import type { Change } from '../../domain/change.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import type { ChangeQuery, ChangeSummary, Store } from '../../store/store.ts';
import { LIMIT_DEFAULT, LIMIT_MAX, pageParameters, seqParameter, textParameter, timeParameter } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { changeSummaryView, changeView } from '../views.ts';
import { changeExtras } from '../who.ts';
import { exportPages } from './export-pages.ts';

const query = z.strictObject({
  cluster: textParameter.optional(),
  group: textParameter.optional().describe('Empty for the core group'),
  kind: textParameter.optional(),
  namespace: textParameter.optional().describe('Empty for cluster-scoped objects'),
  name: textParameter.optional(),
  actor: textParameter.optional(),
  type: z.enum(schemas.CHANGE_TYPES).optional(),
  path: textParameter.optional().describe('A generic path, exactly, e.g. /spec/replicas'),
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  ...pageParameters,
});

function changeQuery(input: z.output<typeof query>): ChangeQuery {
  const { from, to, limit, ...rest } = input;
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
  handle({ query: input }, { store }) {
    const page = store.changes(changeQuery(input));
    return { items: page.items.map(changeSummaryView), metadata: { continue: page.continue } };
  },
  export: {
    line: schemas.ChangeSummary,
    pages: ({ query: input }, { store }) =>
      exportPages(input, (position) => store.changes({ ...changeQuery(input), ...position }), changeSummaryView),
  },
});

export const getChange = route({
  path: '/v1/changes/{seq}',
  id: 'getChange',
  summary: 'One change with its diff and, on request, the states before and after it',
  tag: 'changes',
  params: z.strictObject({ seq: seqParameter }),
  query: z.strictObject({ states: z.enum(['none', 'after', 'both']).default('none') }),
  response: schemas.Change,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle({ params, query: input }, { store }) {
    const change = store.change(params.seq);
    if (change === undefined) throw notFound(`No change ${params.seq} is recorded`);
    const extras = changeExtras(store, change);
    if (input.states === 'none') return changeView(change, extras);
    const before = input.states === 'both' ? stateBefore(store, change) : undefined;
    return changeView(change, { ...extras, after: change.state, ...(before === undefined ? {} : { before }) });
  },
});

/** The object's state just before a change in the same life; undefined for the first of a life. */
function stateBefore(store: Store, change: Change): KubeObject | undefined {
  if (change.type === 'ADDED') return undefined;
  const previous = previousOf(store, change);
  return previous === undefined ? undefined : store.stateAt(change.ref, { seq: previous.seq });
}

function previousOf(store: Store, change: Change): ChangeSummary | undefined {
  const { cluster, group, kind, namespace, name } = change.ref;
  let position: string | undefined;
  do {
    // One millisecond more, so that an excluded end would still show changes of the same instant. No lower bound: event time may repeat.
    const page = store.changes({
      ...{ cluster, group, kind, namespace, name, toMs: change.observedMs + 1, limit: position === undefined ? 20 : LIMIT_MAX },
      ...(position === undefined ? {} : { continue: position }),
    });
    const found = page.items.find((other) => other.seq < change.seq);
    if (found !== undefined) return found.uid === change.uid ? found : undefined;
    position = page.continue;
  } while (position !== undefined);
  return undefined;
}
