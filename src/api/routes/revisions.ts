/** Revisions of objects: two compared, one accounted for field by field, and all there were at a time. */
import { z } from 'zod';
import { diffValues } from '../../domain/field-diff.ts';
import { type KubeObject, type ObjectRef, objectKey } from '../../domain/object-ref.ts';
import type { ObjectQuery, Store } from '../../store/store.ts';
import {
  flagParameter,
  pageParameters,
  revisionParameter,
  textParameter,
  timeParameter,
  wholeNumberParameter,
} from '../parameters.ts';
import { notFound, RequestError } from '../problem.ts';
import { revisionDiff, unifiedText } from '../revision-diff.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { isoTime } from '../views.ts';
import { OBJECT_PATH, objectParams, requireObject } from './objects.ts';

export const getObjectDiff = route({
  path: `${OBJECT_PATH}/diff`,
  id: 'getObjectDiff',
  summary: 'What changed between two of its revisions',
  description:
    'List items are told apart by the merge keys of the kind’s schema where it is known, else by the members that usually name them, else by what they contain.',
  tag: 'objects',
  params: objectParams,
  query: z.strictObject({
    from: revisionParameter.optional().describe('A change number or a time; default the revision before `to`'),
    to: revisionParameter.optional().describe('A change number or a time; default the newest'),
    noise: flagParameter.optional().describe('Keep what is left out as noise'),
    text: flagParameter.optional().describe('Also as text for people'),
  }),
  response: schemas.ObjectDiff,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle({ params: named, query }, { store, schemas: book }) {
    const { ref, seq: newest } = requireObject(store, named);
    const to = query.to === undefined ? newest : seqOf(store, ref, query.to, 'to');
    const from = query.from === undefined ? seqBefore(store, ref, to) : seqOf(store, ref, query.from, 'from');
    const [before, after] = [stateAfter(store, ref, from), stateAfter(store, ref, to)];
    const { changes, noise } = revisionDiff(before, after, {
      schema: book?.of(ref.cluster, ref),
      keepNoise: query.noise === true,
    });
    const names = { before: `change ${from}`, after: `change ${to}` };
    const text = query.text === true ? unifiedText(before, changes, names) : undefined;
    return { ref, from, to, changes, noise, text, diff: diffValues(before, after) };
  },
});

/** Longer and the rest of the API would wait for it. What was found out is remembered, so the next call gets further. */
const BLAME_MS_MAX = 250;

export const getObjectBlame = route({
  path: `${OBJECT_PATH}/blame`,
  id: 'getObjectBlame',
  summary: 'Which change set each field of a revision, who made it, and when',
  tag: 'objects',
  params: objectParams,
  query: z.strictObject({ at: revisionParameter.optional().describe('A change number or a time; default the newest') }),
  response: schemas.Blame,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle({ params: named, query }, { store }) {
    const { ref, seq: newest } = requireObject(store, named);
    const at = query.at === undefined ? newest : seqOf(store, ref, query.at, 'at');
    const blame = store.blame(ref, { seq: at, msMax: BLAME_MS_MAX });
    if (blame === undefined) throw notFound(`No change of ${named.kind} ${named.name} is recorded`);
    const seqs = new Set(blame.fields.flatMap(({ seq, notAfter }) => seq ?? notAfter ?? []));
    const changes = [...seqs].sort((a, b) => b - a).flatMap((seq) => changeNamed(store, ref, seq));
    return { ref, seq: blame.seq, fields: blame.fields, changes };
  },
});

/** Objects asked for at a time, and states sent at a time. The first ones go out at once, while the rest is still to be looked for. */
const OBJECTS_PER_READ = 100;
const OBJECTS_OF_FIRST_READ = 8;
const STATES_PER_WRITE = 4;
const STATES_DEFAULT = 20;
const STATES_MAX = 100;
const statesLimitMessage = `must be a whole number from 1 to ${STATES_MAX}`;

const statesQuery = z.strictObject({
  cluster: textParameter.optional(),
  group: textParameter.optional().describe('Empty for the core group'),
  kind: textParameter.optional(),
  namespace: textParameter.optional().describe('Empty for cluster-scoped objects'),
  at: timeParameter.optional().describe('Default now'),
  limit: wholeNumberParameter(1, STATES_MAX, statesLimitMessage)
    .optional()
    .describe(`At most this many on a page; default ${STATES_DEFAULT}. As NDJSON there is no bound`),
  continue: pageParameters.continue,
});

export const listStates = route({
  path: '/v1/states',
  id: 'listStates',
  summary: 'Whole states of all objects as they are, or as they were at a time',
  description:
    'As NDJSON a whole namespace or cluster is streamed, no faster than it is read. Of pages, pass the `at` of the first one with each further one.',
  tag: 'objects',
  params: z.strictObject({}),
  query: statesQuery,
  response: schemas.ObjectStateList,
  problems: ['REQUEST_INVALID', 'CURSOR_EXPIRED'],
  handle({ query }, { store, clock }) {
    const { at, limit = STATES_DEFAULT, ...rest } = query;
    const atMs = at ?? clock.nowMs();
    const page = store.objects({ ...rest, atMs, limit });
    return { items: page.items.map(({ ref, seq }) => stateView(store, ref, seq, atMs)), metadata: { continue: page.continue } };
  },
  export: {
    line: schemas.ObjectState,
    pages: ({ query: { at, limit: _, ...rest } }, { store, clock }) => statePages(store, { ...rest, atMs: at ?? clock.nowMs() }),
  },
});

function* statePages(store: Store, query: Omit<ObjectQuery, 'limit'> & { atMs: number }) {
  let position = query.continue;
  do {
    const page = store.objects({
      ...query,
      limit: position === query.continue ? OBJECTS_OF_FIRST_READ : OBJECTS_PER_READ,
      ...(position === undefined ? {} : { continue: position }),
    });
    for (let from = 0; from < Math.max(1, page.items.length); ) {
      const few = page.items.slice(from, from + (from === 0 ? 1 : STATES_PER_WRITE));
      from += Math.max(1, few.length);
      yield few.map(({ ref, seq }) => stateView(store, ref, seq, query.atMs));
    }
    position = page.continue;
  } while (position !== undefined);
}

function stateView(store: Store, ref: ObjectRef, seq: number, atMs: number): z.input<typeof schemas.ObjectState> {
  return { ref, seq, at: isoTime(atMs), state: stateAfter(store, ref, seq) };
}

function seqOf(store: Store, ref: ObjectRef, revision: { seq: number } | { atMs: number }, parameter: string): number {
  if ('seq' in revision) {
    const [change] = take(store.history(ref, revision), 1);
    if (change !== undefined) return change.seq;
    throw new RequestError([{ in: 'query', name: parameter, detail: `${revision.seq} is not a change of this object` }]);
  }
  const { cluster, group, kind, namespace, name } = ref;
  const named = { cluster, group, kind, namespace, name };
  const [then] = store.objects({ ...named, atMs: revision.atMs, includeDeleted: true, limit: 1 }).items;
  if (then !== undefined && objectKey(then.ref) === objectKey(ref)) return then.seq;
  throw notFound(`${kind} ${name} was not recorded yet at ${isoTime(revision.atMs)}`);
}

function seqBefore(store: Store, ref: ObjectRef, seq: number): number {
  const [, before] = take(store.history(ref, { seq }), 2);
  if (before !== undefined) return before.seq;
  throw new RequestError([
    { in: 'query', name: 'from', detail: `change ${seq} is the first of this object: there is none before it` },
  ]);
}

function changeNamed(store: Store, ref: ObjectRef, seq: number) {
  return take(store.history(ref, { seq }), 1).map(({ type, observedMs, actor, own }) => {
    return { seq, type, time: isoTime(observedMs), actor, own };
  });
}

function stateAfter(store: Store, ref: ObjectRef, seq: number): KubeObject {
  const state = store.stateAt(ref, { seq });
  if (state === undefined) throw new Error(`change ${seq} leads to no state`);
  return state;
}

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
