/** Comparing by sections comes to what comparing whole states comes to, over random histories and whatever the batches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseWatchLine } from '../../src/collector/watch/watch-event.ts';
import type { Change, Observation } from '../../src/domain/change.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../src/domain/json.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { type KubeObject, refOf } from '../../src/domain/object-ref.ts';
import { textKey } from '../../src/domain/scan/object-scan.ts';
import { ScannedObservation } from '../../src/domain/scanned-observation.ts';
import type { ListKeys } from '../../src/domain/schema-tree.ts';
import { gitopsOrigin, keeperOf } from '../../src/domain/who/gitops-origin.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { ScannedChange } from '../../src/pipeline/section-compare.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';

const KIND = { group: 'example.test', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
const hash = keyedHash(Buffer.from('k'));
const text = { type: 'string', format: 'password' };
/** A schema that calls some of what is made below secret. */
const { secrets } = readKindSchema({
  properties: {
    spec: { properties: { a: text, b: { items: { properties: { image: text } } }, conditions: { additionalProperties: text } } },
    status: { properties: { a: { properties: { a: text } } } },
  },
});
// In two, so that no scanner takes it for a leak.
const TOKEN = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');

interface Step {
  name: string;
  uid: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  content: JsonObject;
  managed: JsonObject[];
  rv: number;
}

function objectOf({ name, uid, content, managed, rv }: Step): KubeObject {
  const { metadata = {}, ...rest } = content;
  const named = { name, namespace: 'team', uid, resourceVersion: String(rv), generation: 1, managedFields: managed };
  return {
    apiVersion: 'example.test/v1',
    kind: 'Widget',
    metadata: { ...named, ...(metadata as JsonObject) },
    ...rest,
  } as KubeObject;
}

/** As a watch brings it: through bytes. */
function asScanned(step: Step, observedMs: number): Observation {
  const line = Buffer.from(JSON.stringify({ type: step.type, object: objectOf(step) }));
  const event = parseWatchLine(line, KIND);
  assert.ok(event.type === 'ADDED' || event.type === 'MODIFIED' || event.type === 'DELETED', event.type);
  const fields = { cluster: 'test', type: event.type, observedMs, origin: 'watch' as const };
  if (event.scanned === undefined) return { ...fields, object: event.object as KubeObject };
  return new ScannedObservation(fields, event.scanned, event.object);
}

function asParsed(step: Step, observedMs: number): Observation {
  return { cluster: 'test', type: step.type, object: objectOf(step), observedMs, origin: 'watch' };
}

interface Recorder {
  store: SqliteStore;
  changes: Change[];
  record(observations: Observation[]): void;
  counts: { heartbeats: number; repeats: number; late: number };
}

/** What the schema says of lists, as of a time. */
type ListsAt = (atMs: number) => ListKeys | undefined;

function recorder(listsAt: ListsAt = () => undefined): Recorder {
  const store = openSqliteStore({ file: ':memory:' });
  const ingest = createIngest({ store, hash, masking: { of: (_, atMs) => ({ secrets, lists: listsAt(atMs) }) } });
  const changes: Change[] = [];
  const counts = { heartbeats: 0, repeats: 0, late: 0 };
  return {
    ...{ store, changes, counts },
    record(observations) {
      const result = ingest.record({ observations });
      changes.push(...result.changes);
      for (const key of ['heartbeats', 'repeats', 'late'] as const) counts[key] += result[key];
    },
  };
}

const told = (change: Change): string => {
  const { seq, uid, type, resourceVersion, generation, actor, candidates, own, diff, state } = change;
  return canonicalJson({ seq, uid, type, resourceVersion, generation, actor, candidates, own, diff, state } as unknown as Json);
};

/** What can be had before the whole state is built is as there. */
function assertMembers(change: Change, { state }: Change): void {
  for (const [top, value] of Object.entries(state))
    for (const key of Object.keys(isJsonObject(value as Json) ? (value as unknown as JsonObject) : {})) {
      const member = change.member?.(top, key);
      if (member !== undefined) assert.equal(canonicalJson(member), canonicalJson((value as unknown as JsonObject)[key] as Json));
    }
}

const word = fc.constantFrom(
  'a',
  'b',
  'c',
  'password',
  'token',
  'image',
  'name',
  'value',
  'default',
  'path',
  'authorization',
  'credentials',
  'secretKey',
  'remoteRef',
  TOKEN,
);
const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.constantFrom<Json>(2n ** 63n - 1n, 2n ** 63n - 2n, 2n ** 53n + 1n, 2 ** 53, 1.5),
  fc.boolean(),
  fc.constantFrom(
    'x',
    'y',
    '',
    'hunter2hunter2',
    'https://user:secretpass@host/x',
    'DB_PASSWORD',
    '--password',
    `it has ${TOKEN} in it`,
    '{"token":"in a text of JSON"}',
    'password: in a text\n',
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:09Z',
    'ü',
  ),
);
const tree: fc.Arbitrary<Json> = fc.oneof(
  leaf,
  fc.array(fc.dictionary(word, leaf, { maxKeys: 3, noNullPrototype: true }), { maxLength: 3 }),
  fc.array(leaf, { maxLength: 3 }),
  fc.dictionary(word, leaf, { maxKeys: 3, noNullPrototype: true }),
);
const part = fc.dictionary(
  fc.constantFrom(
    ...['a', 'b', 'lastProbeTime', 'password', 'passwords', 'conditions', 'value', 'default', 'name', 'secretKey', TOKEN],
  ),
  tree,
  {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  },
);
const content = fc.record(
  { spec: part, status: part, metadata: fc.record({ labels: part }, { requiredKeys: [] }), data: leaf },
  { requiredKeys: ['spec'] },
) as fc.Arbitrary<JsonObject>;
const managed = fc.array(
  fc.record({
    manager: fc.constantFrom('flux', 'kubectl', 'crowsnest'),
    operation: fc.constantFrom('Apply', 'Update'),
    time: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'),
    fieldsV1: fc.constantFrom<JsonObject>({}, { 'f:spec': { 'f:a': {} } }, { 'f:status': {} }),
  }),
  { maxLength: 2 },
) as unknown as fc.Arbitrary<JsonObject[]>;

/** Histories in which little changes from one step to the next, as in life. */
const history = fc.array(
  fc.record({
    name: fc.constantFrom('one', 'two'),
    life: fc.nat(1),
    type: fc.constantFrom('MODIFIED' as const, 'MODIFIED' as const, 'MODIFIED' as const, 'ADDED' as const, 'DELETED' as const),
    content,
    how: fc.constantFrom('edit', 'edit', 'edit', 'leaves', 'leaves', 'same', 'fresh'),
    managed,
    back: fc.constantFrom(0, 0, 0, 0, 1, 3),
  }),
  { minLength: 5, maxLength: 25 },
);

/** Some members with another value, none more or less: what most updates are. */
function edited(before: JsonObject, i: number): JsonObject {
  const values: Json[] = [i, `text ${i}`, { a: i }, [{ name: 'a', b: i }], 'hunter2hunter2', { password: `secret number ${i}` }];
  const members = Object.entries(before).map(([top, member], m): [string, Json] => {
    if (!isJsonObject(member)) return [top, member];
    const inner = Object.entries(member).map(([key, value], n): [string, Json] => {
      return [key, (i + m + n) % 3 === 0 && top !== 'metadata' ? (values[(i * 7 + n) % values.length] as Json) : value];
    });
    return [top, Object.fromEntries(inner)];
  });
  return Object.fromEntries(members);
}

function moved(before: JsonObject, how: string, i: number): JsonObject {
  if (how === 'same') return before;
  return how === 'edit' ? edited(before, i) : (withOtherLeaves(before, i) as JsonObject);
}

/** Some scalars with another one of their type. */
function withOtherLeaves(node: Json, i: number): Json {
  if (Array.isArray(node)) return node.map((item) => withOtherLeaves(item, i));
  if (isJsonObject(node))
    return Object.fromEntries(Object.entries(node).map(([key, value], n) => [key, withOtherLeaves(value, i + n)]));
  if (i % 3 !== 0) return node;
  if (typeof node === 'string') return i % 7 === 0 ? `${TOKEN} ${i}` : `text ${i}`;
  return typeof node === 'number' ? node + 1 : node;
}

type Event = typeof history extends fc.Arbitrary<(infer E)[]> ? E : never;

/** Records events both ways, in batches of these sizes; answers what came of it by sections. */
function recordBothWays(events: readonly Event[], sizes: readonly number[], listsAt?: ListsAt): Change[] {
  const last = new Map<string, JsonObject>();
  const steps = events.map(({ name, life, type, content: fresh, how, managed: entries, back }, i): Step => {
    const before = last.get(name);
    const mixed = before === undefined || how === 'fresh' ? fresh : moved(before, how, i);
    last.set(name, mixed);
    return {
      name,
      uid: `00000000-0000-4000-8000-0000000000${life}${name === 'one' ? 1 : 2}`,
      type,
      content: mixed,
      managed: entries,
      rv: 100 + i - back,
    };
  });
  const [scanned, parsed] = [recorder(listsAt), recorder(listsAt)];
  for (let from = 0, n = 0; from < steps.length; n++) {
    const to = from + (sizes[n % sizes.length] as number);
    const batch = steps.slice(from, to);
    scanned.record(batch.map((step, i) => asScanned(step, 1_000 * (from + i))));
    parsed.record(batch.map((step, i) => asParsed(step, 1_000 * (from + i))));
    from = to;
  }
  for (const [i, change] of scanned.changes.entries()) {
    assertMembers(change, parsed.changes[i] as Change);
    assert.equal(keeperOf(change), gitopsOrigin(change.state)?.tool);
  }
  assert.deepEqual(scanned.changes.map(told), parsed.changes.map(told));
  assert.deepEqual(scanned.counts, parsed.counts);
  for (const change of parsed.changes) {
    const [a, b] = [scanned.store.change(change.seq), parsed.store.change(change.seq)];
    assert.equal(told(a as Change), told(b as Change));
  }
  const seen = new Set(steps.map(({ name }) => name));
  for (const name of seen) {
    const ref = refOf('test', objectOf({ ...(steps[0] as Step), name }));
    assert.equal(
      canonicalJson((scanned.store.head(ref)?.state ?? null) as Json),
      canonicalJson((parsed.store.head(ref)?.state ?? null) as Json),
    );
  }
  scanned.store.close();
  parsed.store.close();
  return scanned.changes;
}

const batchSizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 });

test('random histories: the same changes, counts and states, read back too', () => {
  let bySection = 0;
  fc.assert(
    fc.property(history, batchSizes, (events, sizes) => {
      bySection += recordBothWays(events, sizes).filter((change) => change instanceof ScannedChange).length;
    }),
    { numRuns: 150 },
  );
  assert.ok(bySection > 20, `only ${bySection} changes were compared by sections, so nothing was shown`);
});

const FLUX = { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' };
const HELM = { 'meta.helm.sh/release-name': 'web', note: 'a "quoted" one' };

/** Most updates move a few scalars, as most in life do. */
const plain = fc.constantFrom<Json>('x', 'Ready', 'ü', 'a text', '2026-01-01T00:00:00Z', 1, 2, true);
const condition = fc.record({ type: fc.constantFrom('Ready', 'Synced'), status: plain, lastProbeTime: plain, message: plain });
const list = fc.array(condition as fc.Arbitrary<JsonObject>, { minLength: 1, maxLength: 3 });
const calm = fc.record({
  spec: fc.record({ image: plain, c: list, d: leaf, password: leaf }, { requiredKeys: ['image'] }),
  status: fc.record({ conditions: list, lastProbeTime: plain, observedGeneration: fc.nat(3) }),
  metadata: fc.constantFrom<JsonObject>(
    { labels: { a: 'b' } },
    { labels: FLUX },
    { labels: FLUX, annotations: HELM },
    { annotations: HELM },
  ),
}) as unknown as fc.Arbitrary<JsonObject>;
const calmHistory = fc.array(
  fc.record({
    name: fc.constantFrom('one', 'two'),
    life: fc.constant(0),
    type: fc.constant('MODIFIED' as const),
    content: calm,
    how: fc.constantFrom('leaves', 'leaves', 'leaves', 'edit', 'same', 'fresh'),
    managed,
    back: fc.constantFrom(0, 0, 0, 0, 1),
  }),
  { minLength: 5, maxLength: 25 },
);

test('the same where most updates move a few scalars, as most in life do', () => {
  let byLeaves = 0;
  let kept = 0;
  fc.assert(
    fc.property(calmHistory, batchSizes, (events, sizes) => {
      const changes = recordBothWays(events, sizes);
      byLeaves += changes.filter((change) => change instanceof ScannedChange && change.step.lines !== undefined).length;
      kept += changes.filter((change) => change.keeper?.() !== undefined).length;
    }),
    { numRuns: 100 },
  );
  assert.ok(byLeaves > 100, `only ${byLeaves} changes were compared by leaves alone, so nothing was shown`);
  assert.ok(kept > 100, `only ${kept} changes were of objects that bear a mark`);
});

test('the same where the schema names the items of lists, and comes to name them by others', () => {
  const listsBy = (given: readonly string[]): ListKeys | undefined => {
    const list = { 'x-kubernetes-list-map-keys': [...given] };
    const [spec, status] = [{ properties: { c: list, b: list } }, { properties: { conditions: list } }];
    return readKindSchema({ properties: { spec, status } }).mergeKeys;
  };
  let byLeaves = 0;
  const keys = fc.constantFrom([], ['status'], ['type', 'status'], ['type'], ['message'], ['image']);
  fc.assert(
    fc.property(
      fc.oneof(calmHistory, history),
      batchSizes,
      fc.tuple(keys, keys),
      fc.nat(25_000),
      (events, sizes, [first, then], atMs) => {
        const [before, after] = [listsBy(first), listsBy(then)];
        const changes = recordBothWays(events, sizes, (now) => (now < atMs ? before : after));
        byLeaves += changes.filter((change) => change instanceof ScannedChange && change.step.lines !== undefined).length;
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(byLeaves > 40, `only ${byLeaves} changes were compared by leaves alone, so nothing was shown`);
});

test('text that is not JSON where it moved is counted, and the rest goes on', () => {
  const { store, changes } = recorder();
  const ingest = createIngest({ store, hash });
  const step = (rv: number, a: number): Step => ({
    name: 'one',
    uid: 'u',
    type: rv === 1 ? 'ADDED' : 'MODIFIED',
    content: { spec: { a } },
    managed: [],
    rv,
  });
  ingest.record({ observations: [asScanned(step(1, 1), 1)] });
  const broken = JSON.stringify({ type: 'MODIFIED', object: objectOf(step(2, 2)) }).replace('"a":2', '"a":tru');
  const event = parseWatchLine(Buffer.from(broken), KIND);
  assert.ok(event.type === 'MODIFIED' && event.scanned !== undefined);
  const bad = new ScannedObservation({ cluster: 'test', type: 'MODIFIED', observedMs: 2, origin: 'watch' }, event.scanned);
  const result = ingest.record({ observations: [bad, asScanned(step(3, 3), 3)] });
  assert.equal(result.unreadable, 1);
  assert.deepEqual(
    result.changes.map(({ diff }) => diff),
    [[{ op: 'set', path: '/spec/a', generic: '/spec/a', old: 1, new: 3 }]],
  );
  assert.equal(store.rejects(1)[0]?.code, 'OBJECT_INVALID');
  assert.deepEqual(changes, []);
});

test('after a write that failed the next comparison is with what is really there', () => {
  const store = openSqliteStore({ file: ':memory:' });
  let refusals = 0;
  const ingest = createIngest({
    store: {
      head: (ref) => store.head(ref),
      append: (batch) => {
        if (refusals-- > 0) throw new Error('refused');
        return store.append(batch);
      },
    },
    hash,
  });
  const step = (rv: number, a: number): Step => ({
    name: 'one',
    uid: 'u',
    type: rv === 1 ? 'ADDED' : 'MODIFIED',
    content: { spec: { a } },
    managed: [],
    rv,
  });
  ingest.record({ observations: [asScanned(step(1, 1), 1)] });
  refusals = 1;
  assert.throws(() => ingest.record({ observations: [asScanned(step(2, 2), 2)] }));
  const { changes } = ingest.record({ observations: [asScanned(step(3, 3), 3)] });
  assert.deepEqual(changes[0]?.diff, [{ op: 'set', path: '/spec/a', generic: '/spec/a', old: 1, new: 3 }]);
});

function lineOf(type: string, rv: number, rest: string, metadata = ''): Observation {
  const text = `{"type":"${type}","object":{"apiVersion":"example.test/v1","kind":"Widget","metadata":{"name":"one","namespace":"team","uid":"u","resourceVersion":"${rv}"${metadata}},${rest}}}`;
  const event = parseWatchLine(Buffer.from(text), KIND);
  assert.ok(event.type === 'ADDED' || event.type === 'MODIFIED');
  const fields = { cluster: 'test', type: event.type, observedMs: rv, origin: 'watch' as const };
  if (event.scanned === undefined) return { ...fields, object: event.object as KubeObject };
  return new ScannedObservation(fields, event.scanned, event.object);
}

test('of two objects with one uid, as one object served under two kinds has, neither makes the other late', () => {
  const store = openSqliteStore({ file: ':memory:' });
  const ingest = createIngest({ store, hash });
  const under = (kind: string, rv: number, a: number): Observation => {
    const text = `{"type":"MODIFIED","object":{"apiVersion":"example.test/v1","kind":"${kind}","metadata":{"name":"one","namespace":"team","uid":"u","resourceVersion":"${rv}"},"spec":{"a":${a}}}}`;
    const event = parseWatchLine(Buffer.from(text), { ...KIND, kind });
    assert.ok(event.type === 'MODIFIED' && event.scanned !== undefined);
    return new ScannedObservation({ cluster: 'test', type: 'MODIFIED', observedMs: rv, origin: 'watch' }, event.scanned);
  };
  const told = [
    under('Widget', 5, 1),
    under('Project', 6, 1),
    under('Widget', 7, 2),
    under('Project', 100, 1),
    under('Widget', 50, 3),
  ];
  const outcomes = told.map((observation) => {
    const { changes, heartbeats, late } = ingest.record({ observations: [observation] });
    return [changes.length, heartbeats, late].join(' ');
  });
  assert.deepEqual(outcomes, ['1 0 0', '1 0 0', '1 0 0', '0 1 0', '1 0 0']);
});

const REF = { cluster: 'test', group: 'example.test', version: 'v1', kind: 'Widget', namespace: 'team', name: 'one' };

/** Two uids with one key. */
function twinUids(): [string, string] {
  const byKey = new Map<number, string>();
  for (let i = 0; ; i++) {
    const uid = `u-${i}`;
    const twin = byKey.get(textKey(uid));
    if (twin !== undefined) return [twin, uid];
    byKey.set(textKey(uid), uid);
  }
}

test('of two objects that are found by one number each is compared with its own state', () => {
  const uids = twinUids();
  const parsed = recorder();
  const scanned = recorder();
  const step = (i: number, rv: number): Step => {
    const type = rv < 2 ? 'ADDED' : rv > 18 ? 'DELETED' : 'MODIFIED';
    return { name: `w${i}`, uid: uids[i] as string, type, content: { spec: { a: `${i} ${rv}`, b: [i, rv] } }, managed: [], rv };
  };
  // Each by turns, and then several times in a row.
  const order = [0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1];
  for (const [rv, i] of order.entries()) {
    parsed.record([asParsed(step(i, rv), rv)]);
    scanned.record([asScanned(step(i, rv), rv)]);
  }
  assert.deepEqual(scanned.changes.map(told), parsed.changes.map(told));
  assert.deepEqual(
    scanned.changes.map(({ type, ref, diff }) => [type, ref.name, diff.length > 0]),
    order.map((i, rv) => [rv < 2 ? 'ADDED' : rv > 18 ? 'DELETED' : 'MODIFIED', `w${i}`, rv <= 18]),
  );
});

test('an object under the name of another is a new one, though both are found by one number', () => {
  const [first, second] = twinUids();
  const parsed = recorder();
  const scanned = recorder();
  for (const [rv, uid] of [first, first, second, second].entries()) {
    const step: Step = { name: 'w', uid, type: rv === 0 ? 'ADDED' : 'MODIFIED', content: { spec: { a: rv } }, managed: [], rv };
    parsed.record([asParsed(step, rv)]);
    scanned.record([asScanned(step, rv)]);
  }
  assert.deepEqual(scanned.changes.map(told), parsed.changes.map(told));
  assert.deepEqual(
    scanned.changes.map(({ type, uid }) => `${type} ${uid}`),
    [`ADDED ${first}`, `MODIFIED ${first}`, `DELETED ${first}`, `ADDED ${second}`, `MODIFIED ${second}`],
  );
});

test('a Secret within an object is masked by its kind, which is a section of its own', () => {
  const { store, record, changes } = recorder();
  const body = (value: string) => `"template":{"apiVersion":"v1","data":{"conf":"${value}"},"kind":"Secret"}`;
  record([lineOf('ADDED', 1, body('aHVudGVyMg=='))]);
  record([lineOf('MODIFIED', 2, body('bmV3c2VjcmV0'))]);
  assert.doesNotMatch(JSON.stringify(changes.map(({ diff }) => diff)), /bmV3c2VjcmV0|aHVudGVyMg/);
  assert.doesNotMatch(JSON.stringify(store.head(REF)?.state), /bmV3c2VjcmV0/);
});

for (const [what, before, after, expected] of [
  ['a member called __proto__', '"data":{"__proto__":"a"}', '"data":{"__proto__":"b"}', '"__proto__":"b"'],
  ['a top-level member called __proto__', '"__proto__":{"a":1}', '"__proto__":{"a":2}', '"__proto__":{"a":2}'],
  ['blanks after a colon', '"spec": {"a":1},"status":{"n":1}', '"spec": {"a":1},"status":{"n":2}', '"n":2'],
  ['a top-level member twice', '"spec":{"a":1,"b":1}', '"spec":{"a":1},"spec":{"b":2}', '"spec":{"b":2}'],
] as const) {
  test(`${what} is recorded as a parser reads it`, () => {
    const { store, record } = recorder();
    record([lineOf('ADDED', 1, before)]);
    record([lineOf('MODIFIED', 2, after)]);
    assert.ok(JSON.stringify(store.head(REF)?.state).includes(expected), JSON.stringify(store.head(REF)?.state));
    assert.deepEqual(Object.keys(Object.prototype), []);
  });
}

test('a generation that is no number is left to a parser', () => {
  const { record, counts } = recorder();
  record([lineOf('ADDED', 1, '"spec":{"a":1}', ',"generation":1')]);
  const line =
    '{"type":"MODIFIED","object":{"apiVersion":"example.test/v1","kind":"Widget","metadata":{"name":"one","uid":"u","resourceVersion":"2","generation":tru},"spec":{"a":2}}}';
  assert.equal(parseWatchLine(Buffer.from(line), KIND).type, 'UNREADABLE');
  assert.equal(counts.heartbeats, 0);
});

test('a field that its schema comes to call a password is masked without being told: neither side of a diff has it', () => {
  const step = (n: number): Step => ({
    ...{ name: 'w', uid: 'u', type: n === 1 ? 'ADDED' : 'MODIFIED', managed: [], rv: n },
    content: { status: { a: { a: 'correct horse', n } } },
  });
  for (const observe of [asScanned, asParsed]) {
    let known: typeof secrets | undefined;
    using store = openSqliteStore({ file: ':memory:' });
    const ingest = createIngest({ store, hash, masking: { of: () => ({ secrets: known }) } as never });
    ingest.record({ observations: [observe(step(1), 1)] });
    known = secrets;
    const [change] = ingest.record({ observations: [observe(step(2), 2)] }).changes;
    assert.deepEqual(
      change?.diff.map(({ path }) => path),
      ['/status/a/n'],
    );
    assert.match(JSON.stringify(store.stateAt(change.ref, { seq: change.seq })), /"a":"masked:[0-9a-f]{16}"/);
  }
});

test('half of a pair that makes one character is stored as it is told', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const ingest = createIngest({ store, hash });
  const step = (rv: number, m: string): Step => ({
    ...{ name: 'w', uid: 'u', type: rv === 1 ? 'ADDED' : 'MODIFIED', managed: [], rv },
    content: { status: { m, filler: 'some words that are long enough '.repeat(8) } },
  });
  ingest.record({ observations: [asScanned(step(1, 'a'), 1)] });
  const [change] = ingest.record({ observations: [asScanned(step(2, '\ud800'), 2)] }).changes;
  assert.ok(change !== undefined);
  assert.match(JSON.stringify(store.stateAt(change.ref, { seq: change.seq })), /"m":"\\ud800"/);
});
