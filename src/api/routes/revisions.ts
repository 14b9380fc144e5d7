/** Revisions of objects: two compared, one accounted for field by field, and all there were at a time. */
import { z } from 'zod';
import { diffValues } from '../../domain/diff/field-diff.ts';
import { type KubeObject, type ObjectRef, objectKey } from '../../domain/object-ref.ts';
import type { AsyncStore } from '../../store/async-store.ts';
import type { ObjectQuery, ObjectSummary } from '../../store/store.ts';
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
import { type ApiSources, route } from '../route.ts';
import * as schemas from '../schemas/changes.ts';
import { isoTime } from '../views.ts';
import { manifestFor, manifestParameter, OBJECT_PATH, objectParams, requireObject } from './objects.ts';

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
  async handle({ params: named, query }, { store, schemas: book }) {
    const { ref, seq: newest } = await requireObject(store, named);
    const to = query.to === undefined ? newest : await seqOf(store, ref, query.to, 'to');
    const from = query.from === undefined ? await seqBefore(store, ref, to) : await seqOf(store, ref, query.from, 'from');
    const [before, after] = [await stateAfter(store, ref, from), await stateAfter(store, ref, to)];
    const lists = await store.lists(ref, to);
    const { changes, noise } = revisionDiff(before, after, {
      lists: lists ?? book?.of(ref.cluster, ref)?.mergeKeys,
      keepNoise: query.noise === true,
    });
    const names = { before: `change ${from}`, after: `change ${to}` };
    const text = query.text === true ? unifiedText(before, changes, names) : undefined;
    return { ref, from, to, changes, noise, text, diff: diffValues(before, after, '', lists) };
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
  async handle({ params: named, query }, { store }) {
    const { ref, seq: newest } = await requireObject(store, named);
    const at = query.at === undefined ? newest : await seqOf(store, ref, query.at, 'at');
    const blame = await store.blame(ref, { seq: at, msMax: BLAME_MS_MAX });
    if (blame === undefined) throw notFound(`No change of ${named.kind} ${named.name} is recorded`);
    const seqs = new Set(blame.fields.flatMap(({ seq, notAfter }) => seq ?? notAfter ?? []));
    const changes = [];
    for (const seq of [...seqs].sort((a, b) => b - a)) changes.push(...(await changeNamed(store, ref, seq)));
    const kept = new Set(changes.map(({ seq }) => seq));
    const fields = blame.fields.map((field) =>
      field.seq === undefined || kept.has(field.seq) ? field : { ...field, gone: true as const },
    );
    return { ref, seq: blame.seq, fields, changes };
  },
});

/** Objects and states asked for at a time, and states sent at a time. The first ones go out at once, while the rest is still to be looked for. */
const OBJECTS_PER_READ = 100;
const OBJECTS_OF_FIRST_READ = 8;
const STATES_PER_READ = 24;
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
  manifest: manifestParameter,
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
  async handle({ query }, sources) {
    const { at, manifest, limit = STATES_DEFAULT, ...rest } = query;
    const atMs = at ?? sources.clock.nowMs();
    const page = await sources.store.objects({ ...rest, atMs, limit });
    const states = await statesOf(sources.store, page.items);
    return { items: await stateViews(sources, states, { atMs, manifest }), metadata: { continue: page.continue } };
  },
  export: {
    line: schemas.ObjectState,
    pages: ({ query: { at, limit: _, ...rest } }, sources) => statePages(sources, { ...rest, atMs: at ?? sources.clock.nowMs() }),
  },
});

interface StatesAsked {
  atMs: number;
  manifest?: boolean | undefined;
}

async function* statePages(sources: ApiSources, { manifest, ...query }: Omit<ObjectQuery, 'limit'> & StatesAsked) {
  let position = query.continue;
  do {
    const page = await sources.store.objects({
      ...query,
      limit: position === query.continue ? OBJECTS_OF_FIRST_READ : OBJECTS_PER_READ,
      ...(position === undefined ? {} : { continue: position }),
    });
    for (let from = 0; from < Math.max(1, page.items.length); ) {
      const some = page.items.slice(from, from + (from === 0 ? 1 : STATES_PER_READ));
      from += Math.max(1, some.length);
      const states = await statesOf(sources.store, some);
      for (let few = 0; few < Math.max(1, states.length); few += STATES_PER_WRITE)
        yield await stateViews(sources, states.slice(few, few + STATES_PER_WRITE), { atMs: query.atMs, manifest });
    }
    position = page.continue;
  } while (position !== undefined);
}

type StateOfObject = Pick<ObjectSummary, 'ref' | 'seq'> & { state: KubeObject };

async function stateViews(
  sources: ApiSources,
  states: readonly StateOfObject[],
  { atMs, manifest }: StatesAsked,
): Promise<z.input<typeof schemas.ObjectState>[]> {
  const views = [];
  for (const { ref, seq, state } of states) {
    const file = manifest === true ? { manifest: await manifestFor(ref, { seq, state }, sources) } : {};
    views.push({ ref, seq, at: isoTime(atMs), state, ...file });
  }
  return views;
}

async function statesOf(store: AsyncStore, objects: readonly Pick<ObjectSummary, 'ref' | 'seq'>[]): Promise<StateOfObject[]> {
  const states = await store.statesAfter(objects);
  return objects.map(({ ref, seq }, i) => ({ ref, seq, state: found(states[i], seq) }));
}

async function seqOf(
  store: AsyncStore,
  ref: ObjectRef,
  revision: { seq: number } | { atMs: number },
  parameter: string,
): Promise<number> {
  if ('seq' in revision) {
    const [change] = await take(store.history(ref, revision), 1);
    if (change !== undefined) return change.seq;
    throw new RequestError([{ in: 'query', name: parameter, detail: `${revision.seq} is not a change of this object` }]);
  }
  const { cluster, group, kind, namespace, name } = ref;
  const named = { cluster, group, kind, namespace, name };
  const [then] = (await store.objects({ ...named, atMs: revision.atMs, includeDeleted: true, limit: 1 })).items;
  if (then !== undefined && objectKey(then.ref) === objectKey(ref)) return then.seq;
  throw notFound(`${kind} ${name} was not recorded yet at ${isoTime(revision.atMs)}`);
}

async function seqBefore(store: AsyncStore, ref: ObjectRef, seq: number): Promise<number> {
  const [, before] = await take(store.history(ref, { seq }), 2);
  if (before !== undefined) return before.seq;
  throw new RequestError([
    { in: 'query', name: 'from', detail: `change ${seq} is the first of this object: there is none before it` },
  ]);
}

async function changeNamed(store: AsyncStore, ref: ObjectRef, seq: number) {
  const [change, before] = await take(store.history(ref, { seq }), 2);
  if (change === undefined) return [];
  const { type, observedMs, actor, own } = change;
  return [{ seq, previous: before?.seq, type, time: isoTime(observedMs), actor, own }];
}

async function stateAfter(store: AsyncStore, ref: ObjectRef, seq: number): Promise<KubeObject> {
  return found(await store.stateAt(ref, { seq }), seq);
}

function found(state: KubeObject | undefined, seq: number): KubeObject {
  if (state === undefined) throw new Error(`change ${seq} leads to no state`);
  return state;
}

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
