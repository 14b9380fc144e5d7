/** Objects live under /v1/objects/{cluster}/{group}/{kind}/{namespace}/{name}; `_` stands for an empty group or namespace. */
import { z } from 'zod';
import { type KubeObject, type ObjectRef, objectKey } from '../../domain/object-ref.ts';
import type { AsyncStore } from '../../store/async-store.ts';
import type { ObjectSummary } from '../../store/store.ts';
import { manifestOf } from '../manifest.ts';
import { flagParameter, LIMIT_DEFAULT, pageParameters, seqParameter, textParameter, timeParameter } from '../parameters.ts';
import { notFound, RequestError } from '../problem.ts';
import { type ApiSources, route } from '../route.ts';
import * as schemas from '../schemas/changes.ts';
import { changeSummaryView, damagedView, isoTime, kubeEventView, objectView } from '../views.ts';

const EMPTY = '_';
const blankable = textParameter.transform((text) => (text === EMPTY ? '' : text));
export const objectParams = z.strictObject({
  cluster: textParameter,
  group: blankable.describe('_ for the core group'),
  kind: textParameter,
  namespace: blankable.describe('_ for a cluster-scoped object'),
  name: textParameter,
});
export type Named = z.output<typeof objectParams>;
export const OBJECT_PATH = '/v1/objects/{cluster}/{group}/{kind}/{namespace}/{name}';

export const listObjects = route({
  path: '/v1/objects',
  id: 'listObjects',
  summary: 'Objects, as they are or as they were at a time',
  tag: 'objects',
  params: z.strictObject({}),
  query: z.strictObject({
    cluster: textParameter.optional(),
    group: textParameter.optional(),
    kind: textParameter.optional(),
    namespace: textParameter.optional(),
    name: textParameter.optional(),
    at: timeParameter.optional().describe('Default now'),
    deleted: flagParameter.optional().describe('Include objects that are gone'),
    ...pageParameters,
  }),
  response: schemas.ObjectList,
  problems: ['REQUEST_INVALID', 'CURSOR_EXPIRED'],
  async handle({ query }, { store }) {
    const { at, deleted, limit, ...rest } = query;
    const page = await store.objects({ ...rest, atMs: at, includeDeleted: deleted, limit: limit ?? LIMIT_DEFAULT });
    return { items: page.items.map(objectView), metadata: { continue: page.continue } };
  },
});

export const getObject = route({
  path: OBJECT_PATH,
  id: 'getObject',
  summary: 'One object; deleted ones are found too',
  tag: 'objects',
  params: objectParams,
  query: z.strictObject({}),
  response: schemas.ObjectSummary,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle: async ({ params: named }, { store }) => objectView(await requireObject(store, named)),
});

export const getObjectHistory = route({
  path: `${OBJECT_PATH}/history`,
  id: 'getObjectHistory',
  summary: "The object's changes, newest first, over all its lives",
  tag: 'objects',
  params: objectParams,
  query: z.strictObject({ from: timeParameter.optional(), to: timeParameter.optional(), ...pageParameters }),
  response: schemas.ChangeList,
  problems: ['REQUEST_INVALID', 'NOT_FOUND', 'CURSOR_EXPIRED'],
  async handle({ params: named, query }, { store }) {
    await requireObject(store, named);
    const { from, to, limit, ...rest } = query;
    const page = await store.changes({ ...named, ...rest, fromMs: from, toMs: to, limit: limit ?? LIMIT_DEFAULT });
    return { items: page.items.map(changeSummaryView), metadata: { continue: page.continue, ...damagedView(page.lost) } };
  },
});

export const manifestParameter = flagParameter
  .optional()
  .describe('Also as YAML for kubectl apply, in which a masked value has to be put in by hand');

export const getObjectState = route({
  path: `${OBJECT_PATH}/state`,
  id: 'getObjectState',
  summary: "The object's whole state now, at a time, or right after one of its changes",
  tag: 'objects',
  params: objectParams,
  query: z.strictObject({
    at: timeParameter.optional(),
    seq: seqParameter.optional(),
    manifest: manifestParameter,
  }),
  response: schemas.ObjectState,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  async handle({ params: named, query }, sources) {
    const { store, clock } = sources;
    if (query.at !== undefined && query.seq !== undefined) {
      throw new RequestError([{ in: 'query', name: 'seq', detail: 'cannot be combined with at' }]);
    }
    const { ref } = await requireObject(store, named);
    const found = await stateAsked(
      store,
      ref,
      query.seq === undefined ? { atMs: query.at ?? clock.nowMs() } : { seq: query.seq },
    );
    return { ref, ...found, ...(query.manifest === true ? { manifest: await manifestFor(ref, found, sources) } : {}) };
  },
});

async function stateAsked(
  store: AsyncStore,
  ref: ObjectRef,
  asked: { seq: number } | { atMs: number },
): Promise<{ seq: number; at?: string; state: KubeObject }> {
  if ('seq' in asked) return { seq: asked.seq, state: await stateOfChange(store, ref, asked.seq, 'seq') };
  const { cluster, group, kind, namespace, name } = ref;
  const [then] = (await store.objects({ cluster, group, kind, namespace, name, atMs: asked.atMs, limit: 1 })).items;
  const state = then === undefined ? undefined : await store.stateAt(ref, { seq: then.seq });
  if (then === undefined || state === undefined) throw notFound(`${kind} ${name} did not exist at ${isoTime(asked.atMs)}`);
  return { seq: then.seq, at: isoTime(asked.atMs), state };
}

export async function manifestFor(
  ref: ObjectRef,
  { seq, state }: { seq: number; state: KubeObject },
  sources: Pick<ApiSources, 'store' | 'coverage'>,
) {
  const metadataOnly = await isMetadataOnly(state, sources, ref);
  return manifestOf(state, { ref, seq, metadataOnly, mayBeRounded: seq <= (await sources.store.roundedThrough()) });
}

/**
 * Nothing but metadata, where no more was asked for when it was recorded. What is asked for today does not tell: the kind may have been switched since.
 * But the position of each stream is kept, and the name of one of metadata says so; where nobody knows the kind any more, neither is this known.
 */
async function isMetadataOnly(
  state: KubeObject,
  { store, coverage }: Pick<ApiSources, 'store' | 'coverage'>,
  { cluster, group, kind }: ObjectRef,
): Promise<boolean> {
  if (Object.keys(state).some((key) => !['apiVersion', 'kind', 'metadata'].includes(key))) return false;
  const row = coverage().find((each) => each.cluster === cluster && each.group === group && each.kind === kind);
  if (row === undefined || row.metadataOnly === true) return true;
  const stream = `watch:${cluster}/${group}/${row.plural}`;
  const streams = Object.keys(await store.cursors(stream));
  return streams.some((name) => name.endsWith('#metadata') && '/?#'.includes(name.charAt(stream.length)));
}

export const getObjectEvents = route({
  path: `${OBJECT_PATH}/events`,
  id: 'getObjectEvents',
  summary: 'Kubernetes Events about the object, newest first, over all its lives; the newest hundred are kept',
  tag: 'objects',
  params: objectParams,
  query: z.strictObject({ from: timeParameter.optional(), to: timeParameter.optional(), limit: pageParameters.limit }),
  response: schemas.KubeEventList,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  async handle({ params: named, query }, { store }) {
    const { ref } = await requireObject(store, named);
    const { from, to, limit } = query;
    const events = await store.kubeEvents({ ref, fromMs: from, toMs: to, limit: limit ?? LIMIT_DEFAULT });
    return { items: events.map(kubeEventView), metadata: {} };
  },
});

export async function requireObject(store: AsyncStore, named: Named): Promise<ObjectSummary> {
  const [object] = (await store.objects({ ...named, includeDeleted: true, limit: 1 })).items;
  if (object !== undefined) return object;
  const place = named.namespace === '' ? named.name : `${named.namespace}/${named.name}`;
  throw notFound(`No ${named.kind} ${place} is recorded in cluster ${named.cluster}`);
}

async function stateOfChange(store: AsyncStore, ref: ObjectRef, seq: number, parameter: string): Promise<KubeObject> {
  const change = await store.change(seq);
  if (change === undefined || objectKey(change.ref) !== objectKey(ref)) {
    throw new RequestError([{ in: 'query', name: parameter, detail: `${seq} is not a change of this object` }]);
  }
  return change.state;
}
