/**
 * The questions that people ask of a record, each many times over with other objects, times and names. Half of the objects are drawn by how often they
 * change, since those are asked about most; the other half alike. What a question needs to know beforehand is looked up here, so that only its
 * answer is timed.
 */
import { revisionDiff } from '../src/api/revision-diff.ts';
import type { Random } from '../src/demo/random.ts';
import type { ObjectRef } from '../src/domain/object-ref.ts';
import type { ObjectSummary, Store } from '../src/store/store.ts';
import { CLUSTER, personName } from './synthetic-cluster.ts';
import { KINDS } from './synthetic-object.ts';

export interface Question {
  name: string;
  /** Answers it once more, each time about something else. */
  ask: () => unknown;
}

/** What is asked about: an object, two of its changes, a time. */
interface Subject {
  ref: ObjectRef;
  named: Pick<ObjectRef, 'cluster' | 'group' | 'kind' | 'namespace' | 'name'>;
  from: number;
  to: number;
  atMs: number;
}

const PAGE = 100;
const MONTH_MS = 30 * 86_400_000;
const PATHS = ['/spec/replicas', '/spec/image/tag', '/spec/resources/limits/memory', '/spec/config/max.connections'];
const SUBJECTS = 400;
const STATES_PER_WRITE = 8;
/** As the API has it. */
const BLAME_MS_MAX = 250;

export function questionsOf(store: Store, random: Random): Question[] {
  const newest = store.changes({ limit: 1 }).items[0];
  const oldest = store.change(1);
  if (newest === undefined || oldest === undefined) throw new Error('the database holds no change');
  const span = { fromMs: oldest.observedMs, toMs: newest.observedMs };
  const time = () => random.int(span.fromMs, span.toMs);
  const subjects = Array.from({ length: SUBJECTS }, (_, i) =>
    subjectOf(store, random, { time, newestSeq: newest.seq, popular: i % 2 === 0 }),
  );
  const subject = () => random.pick(subjects);
  const lastMonth = span.toMs - MONTH_MS;
  /** Some month. */
  const month = () => {
    const fromMs = random.int(span.fromMs, Math.max(span.fromMs, lastMonth));
    return { fromMs, toMs: fromMs + MONTH_MS };
  };
  return [
    { name: 'history', ask: () => store.changes({ ...subject().named, limit: PAGE }) },
    { name: 'diff', ask: () => diffOf(store, subject()) },
    { name: 'blame', ask: () => blameOf(store, subject()) },
    {
      name: 'path',
      ask: () => store.changes({ kind: random.pick(KINDS).kind, path: random.pick(PATHS), fromMs: lastMonth, limit: PAGE }),
    },
    {
      name: 'pathOfKafka',
      ask: () => store.changes({ kind: 'Kafka', path: '/spec/replicas', ...month(), limit: PAGE }),
    },
    { name: 'actor', ask: () => store.changes({ actor: personName(random.int(0, 149)), limit: PAGE }) },
    {
      name: 'actorInMonth',
      ask: () => store.changes({ actor: personName(random.int(0, 149)), ...month(), limit: PAGE }),
    },
    {
      name: 'atObject',
      ask: () => {
        const { ref, atMs } = subject();
        return store.stateAt(ref, { atMs });
      },
    },
    { name: 'atNamespace', ask: () => statesAt(store, { namespace: subject().ref.namespace, atMs: time() }) },
    { name: 'atClusterFirstRow', ask: () => firstStatesAt(store, time()) },
  ];
}

/** The objects of the cluster at a time, page by page, for so long at most; with how many there were. */
export function wholeCluster(store: Store, atMs: number, msMax: number): number {
  return statesAt(store, { atMs }, performance.now() + msMax);
}

function diffOf(store: Store, { ref, from, to }: Subject): unknown {
  const [before, after] = [store.stateAt(ref, { seq: from }), store.stateAt(ref, { seq: to })];
  if (before === undefined || after === undefined) throw new Error('a change that was listed leads to no state');
  return revisionDiff(before, after, { lists: undefined, keepNoise: false });
}

function blameOf(store: Store, { ref, to }: Subject): unknown {
  return store.blame(ref, { seq: to, msMax: BLAME_MS_MAX });
}

function statesAt(store: Store, query: { namespace?: string; atMs: number }, endMs = Number.POSITIVE_INFINITY): number {
  let states = 0;
  let position: string | undefined;
  do {
    const page = store.objects({
      cluster: CLUSTER,
      limit: 500,
      ...query,
      ...(position === undefined ? {} : { continue: position }),
    });
    for (const state of store.statesAfter(page.items)) if (state !== undefined) states += 1;
    position = page.continue;
  } while (position !== undefined && performance.now() < endMs);
  return states;
}

/** What the API's stream has written when the first row comes: it reads objects by the hundred, and writes states by the eight. */
function firstStatesAt(store: Store, atMs: number): unknown {
  const { items } = store.objects({ cluster: CLUSTER, atMs, limit: PAGE });
  return store.statesAfter(items.slice(0, STATES_PER_WRITE));
}

function subjectOf(
  store: Store,
  random: Random,
  { time, newestSeq, popular }: { time: () => number; newestSeq: number; popular: boolean },
): Subject {
  for (;;) {
    const seq = random.int(1, newestSeq);
    const drawn = popular ? store.change(seq) : anyObject(store, random, seq);
    if (drawn === undefined) continue;
    const { cluster, group, kind, namespace, name } = drawn.ref;
    const named = { cluster, group, kind, namespace, name };
    const other = store.changes({ ...named, toMs: time(), limit: 1 }).items[0];
    return { ref: drawn.ref, named, from: other?.seq ?? drawn.seq, to: drawn.seq, atMs: time() };
  }
}

/** One of the objects beside the one that a change was made to. */
function anyObject(store: Store, random: Random, seq: number): ObjectSummary | undefined {
  const namespace = store.change(seq)?.ref.namespace ?? '';
  const { items } = store.objects({ cluster: CLUSTER, namespace, limit: 200 });
  return items.length === 0 ? undefined : random.pick(items);
}
