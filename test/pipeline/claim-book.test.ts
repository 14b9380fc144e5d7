import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeType } from '../../src/domain/change.ts';
import { contentHash } from '../../src/domain/content-hash.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import type { Claim } from '../../src/domain/who/claim.ts';
import { type ClaimBookOptions, createClaimBook } from '../../src/pipeline/claim-book.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { kafka, observed } from '../support/objects.ts';

const T0 = 1_000_000;
const hash = keyedHash(Buffer.from('k'));

function setUp(over: Partial<ClaimBookOptions> = {}) {
  const store = openMemoryStore();
  const clock = new ManualClock(T0);
  const counts: Record<string, number> = {};
  const book = createClaimBook({
    ...{ store, clock, hash },
    count: (source, outcome, more) => {
      counts[`${source} ${outcome}`] = (counts[`${source} ${outcome}`] ?? 0) + more;
    },
    ...over,
  });
  return { store, clock, counts, book, ingest: createIngest({ store, hash, claims: book }) };
}

const managed = (manager: string, atMs: number): JsonObject => ({
  managedFields: [
    { manager, operation: 'Update', time: new Date(atMs).toISOString(), fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
  ],
});
const orders = (rv: string, replicas: number, atMs = T0): KubeObject =>
  kafka('orders', rv, { replicas }, managed('kubectl-edit', atMs));
const seen = (object: KubeObject, atMs: number, type: ChangeType = 'MODIFIED') => observed(type, object, atMs);

function claim(over: Partial<Claim> = {}, target: Partial<Claim['target']> = {}): Claim {
  return {
    ...{
      cluster: 'test',
      source: 'audit',
      id: 'a-1',
      verb: 'patch',
      atMs: T0,
      user: { name: 'alice', sourceIPs: ['192.0.2.7'] },
    },
    ...over,
    target: { group: 'kafka.strimzi.io', resource: 'kafkas', kind: 'Kafka', namespace: 'streaming', name: 'orders', ...target },
  };
}
const admitted = (object: KubeObject, over: Partial<Claim> = {}) =>
  claim({ source: 'admission', id: 'r-1', contentHash: contentHash(object), ...over }, { uid: object.metadata.uid });

test('an admission claim that came before its change is who made it, at once', () => {
  const { store, ingest, counts } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
  ingest.record({ observations: [], claims: [admitted(orders('1', 4))] });
  const [change] = ingest.record({ observations: [seen(orders('2', 4), T0 + 50)] }).changes;
  assert.deepEqual(change?.actor, { name: 'alice', source: 'admission', confidence: 0.95 });
  assert.deepEqual(
    store.change(2)?.candidates.map(({ name }) => name),
    ['alice', 'kubectl-edit'],
  );
  assert.deepEqual(store.attribution(2)?.evidence[0]?.user, { name: 'alice', sourceIPs: ['192.0.2.7'] });
  assert.equal(counts['admission joined'], 1);
});

test('what the admission thread saw is taken before the batch in which the change comes', () => {
  const queue = [admitted(orders('1', 4))];
  const { ingest } = setUp({ drain: () => queue.splice(0) });
  const { changes } = ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED'), seen(orders('2', 4), T0 + 50)] });
  assert.equal(changes[1]?.actor.name, 'alice');
});

test('an attempt that led to nothing is attributed to nobody, and goes', () => {
  const { ingest, clock, counts, book } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
  // Refused by another webhook; then somebody else writes something else.
  ingest.record({ observations: [], claims: [admitted(orders('1', 99))] });
  const [change] = ingest.record({ observations: [seen(orders('2', 4), T0 + 50)] }).changes;
  assert.equal(change?.actor.name, 'kubectl-edit');
  assert.equal(book.waiting, 1);
  clock.advance(120_000);
  ingest.record({ observations: [] });
  assert.equal(book.waiting, 0);
  assert.equal(counts['admission expired'], 1);
});

test('of several attempts at the same content the last one before the change made it, and older ones are over', () => {
  const { ingest, book } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
  const attempts = [
    admitted(orders('1', 4), { id: 'r-1', user: { name: 'refused' } }),
    admitted(orders('1', 77), { id: 'r-2', user: { name: 'conflict' }, atMs: T0 + 1 }),
    admitted(orders('1', 4), { id: 'r-3', user: { name: 'bob' }, atMs: T0 + 2 }),
  ];
  ingest.record({ observations: [], claims: attempts });
  assert.equal(ingest.record({ observations: [seen(orders('2', 4), T0 + 50)] }).changes[0]?.actor.name, 'bob');
  assert.equal(book.waiting, 0);
});

for (const [when, claimsFirst] of [
  ['after both changes', false],
  ['before them', true],
] as const)
  test(`a patch that is nearer in time to the creation than to the change it made is not the creator's, told ${when}`, () => {
    const { store, ingest } = setUp();
    // Seen late, as on a busy machine: .3 s after the patch was received, and what it made .5 s after.
    const changes = [seen(orders('1', 3), T0 + 1_500, 'ADDED'), seen(orders('2', 4), T0 + 1_700)];
    const claims = [
      claim({ id: 'a-1', verb: 'create', atMs: T0, user: { name: 'bob' } }),
      claim({ id: 'a-2', atMs: T0 + 1_200 }),
    ];
    if (claimsFirst) ingest.record({ observations: [], claims });
    ingest.record({ observations: changes });
    if (!claimsFirst) ingest.record({ observations: [], claims });
    assert.deepEqual([store.change(1)?.actor.name, store.change(1)?.actor.confidence], ['bob', 0.8]);
    assert.deepEqual([store.change(2)?.actor.name, store.change(2)?.actor.confidence], ['alice', 0.8]);
  });

test('an apply that created stays the creator when another change follows', () => {
  const { store, ingest } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0 + 100, 'ADDED'), seen(orders('2', 4), T0 + 1_000)] });
  const update = claim({ id: 'a-2', verb: 'update', atMs: T0 + 900, user: { name: 'controller' } });
  ingest.record({ observations: [], claims: [claim({ id: 'a-1' }), update] });
  assert.deepEqual([store.change(1)?.actor.name, store.change(2)?.actor.name], ['alice', 'controller']);
});

test('a patch told between a creation and what it made waits for that', () => {
  const { store, ingest } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0 + 1_500, 'ADDED')] });
  const created = claim({ id: 'a-1', verb: 'create', atMs: T0, user: { name: 'bob' } });
  ingest.record({ observations: [], claims: [created, claim({ id: 'a-2', atMs: T0 + 1_200 })] });
  ingest.record({ observations: [seen(orders('2', 4), T0 + 1_700)] });
  assert.deepEqual([store.change(1)?.actor.name, store.change(2)?.actor.name], ['bob', 'alice']);
});

test('audit that comes later amends what is shown, and leaves what analysis saw', () => {
  const { store, ingest, counts } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED'), seen(orders('2', 4), T0 + 50)] });
  const late = claim({ resourceVersion: '2', user: { name: 'alice', groups: ['shop-admins'] } });
  ingest.record({ observations: [], claims: [late] });
  assert.deepEqual(store.change(2)?.actor, { name: 'alice', source: 'audit', confidence: 0.98 });
  assert.equal(store.changesAfter(1, 1)[0]?.actor.name, 'kubectl-edit');
  assert.equal(store.changes({ actor: 'alice', limit: 9 }).items.length, 1);
  assert.deepEqual(
    store.changes({ actor: 'kubectl-edit', limit: 9 }).items.map(({ seq }) => seq),
    [1],
  );
  assert.deepEqual(store.attribution(2)?.evidence[0]?.user.groups, ['shop-admins']);
  ingest.record({ observations: [], claims: [late, { ...late }] });
  assert.equal(counts['audit duplicate'], 2);
  assert.equal(counts['audit amended'], 1);
});

test('audit that comes early waits, and is shown but does not become what analysis sees', () => {
  const { store, ingest } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')], claims: [claim({ resourceVersion: '2' })] });
  const [change] = ingest.record({ observations: [seen(orders('2', 4), T0 + 50)] }).changes;
  assert.equal(change?.actor.name, 'kubectl-edit');
  assert.equal(store.change(2)?.actor.name, 'alice');
});

test('without versions two edits in a row each find their writer, in one batch or in two', () => {
  for (const early of [true, false]) {
    const { store, ingest } = setUp();
    ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
    const claims = [claim({ atMs: T0 + 5_000 }), claim({ id: 'a-2', atMs: T0 + 6_000, user: { name: 'bob' } })];
    const observations = [seen(orders('2', 4), T0 + 5_040), seen(orders('3', 5), T0 + 6_040)];
    if (early) ingest.record({ observations: [], claims });
    ingest.record({ observations });
    if (!early) ingest.record({ observations: [], claims });
    assert.deepEqual(
      [2, 3].map((seq) => store.change(seq)?.actor.name),
      ['alice', 'bob'],
      `early: ${early}`,
    );
    assert.equal(store.change(2)?.actor.confidence, 0.8);
  }
});

test('two writers at the moment of one change are both candidates in the end', () => {
  const { store, ingest, clock } = setUp();
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
  ingest.record({
    observations: [],
    claims: [claim({ atMs: T0 + 5_000 }), claim({ id: 'a-2', atMs: T0 + 5_010, user: { name: 'bob' } })],
  });
  ingest.record({ observations: [seen(orders('2', 4), T0 + 5_040)] });
  clock.advance(20_000);
  ingest.record({ observations: [] });
  assert.deepEqual(
    store
      .change(2)
      ?.candidates.filter(({ source }) => source === 'audit')
      .map(({ name, confidence }) => [name, confidence]),
    [
      ['bob', 0.5],
      ['alice', 0.5],
    ],
  );
});

test('a deletion is that of whoever asked for it, also when a finalizer holds it up', () => {
  const { ingest } = setUp();
  const asked = (id: string, name: string) =>
    claim({ source: 'admission', id, verb: 'delete', user: { name: 'jo' } }, { name, uid: `uid-${name}` });
  ingest.record({
    observations: [seen(orders('1', 3), T0, 'ADDED'), seen(kafka('held', '2', {}, managed('flux', T0)), T0, 'ADDED')],
  });
  ingest.record({ observations: [], claims: [asked('r-1', 'orders'), asked('r-2', 'held')] });
  const marked = kafka('held', '4', {}, { ...managed('flux', T0), deletionTimestamp: '2026-01-05T09:00:00Z' });
  const { changes } = ingest.record({ observations: [seen(orders('3', 3), T0 + 20, 'DELETED'), seen(marked, T0 + 30)] });
  assert.deepEqual(
    changes.map(({ actor, type }) => [type, actor.name]),
    [
      ['DELETED', 'jo'],
      ['MODIFIED', 'jo'],
    ],
  );
});

test('a deletion of a whole collection speaks of each object that went', () => {
  const { store, ingest } = setUp();
  const names = ['a', 'b', 'c'];
  ingest.record({ observations: names.map((name, i) => seen(kafka(name, `${i}`, {}), T0, 'ADDED')) });
  const gone = names.map((name, i) => seen(kafka(name, `${10 + i}`, {}), T0 + 100 + i, 'DELETED'));
  ingest.record({ observations: gone.slice(0, 1) });
  ingest.record({ observations: [], claims: [claim({ verb: 'deletecollection', atMs: T0 + 90 }, { name: '' })] });
  ingest.record({ observations: gone.slice(1) });
  assert.deepEqual(
    [4, 5, 6].map((seq) => store.change(seq)?.actor.name),
    ['alice', 'alice', 'alice'],
  );
});

test('a resource is told by discovery or by its plural, and what is not watched does not wait', () => {
  const kinds: Record<string, string | false> = { kafkas: 'Kafka', secrets: false };
  const { store, ingest, book, counts } = setUp({ kindOf: (_, __, resource) => kinds[resource] });
  const bare = (over: Partial<Claim>, resource: string) => {
    const one = claim(over, { resource });
    delete one.target.kind;
    return one;
  };
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
  ingest.record({ observations: [], claims: [bare({ resourceVersion: '1' }, 'kafkas'), bare({ id: 'a-2' }, 'secrets')] });
  assert.equal(store.change(1)?.actor.name, 'alice');
  assert.equal(counts['audit unwatched'], 1);
  assert.equal(book.waiting, 0);
  const undiscovered = setUp();
  undiscovered.ingest.record({
    observations: [],
    claims: [bare({ resourceVersion: '1' }, 'kafkas'), bare({ id: 'a-2', resourceVersion: '1' }, 'topics')],
  });
  undiscovered.ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')] });
  assert.equal(undiscovered.store.change(1)?.actor.name, 'alice');
  assert.equal(undiscovered.store.attribution(1)?.evidence.length, 1);
});

test('what waits is bounded, the oldest goes first and is counted', () => {
  const { ingest, book, counts } = setUp({ waitingMax: 10 });
  const claims = Array.from({ length: 25 }, (_, i) => admitted(orders('1', i), { id: `r-${i}`, atMs: T0 + i }));
  ingest.record({ observations: [], claims });
  assert.equal(book.waiting, 10);
  assert.equal(counts['admission overflow'], 15);
  const { changes } = ingest.record({ observations: [seen(orders('1', 24), T0, 'ADDED')] });
  assert.equal(changes[0]?.actor.name, 'alice', 'the newest are kept');
});

test('a batch that cannot be stored is tried again with its claims', () => {
  const { store, ingest: _, ...rest } = setUp();
  let full = true;
  const failing = {
    head: store.head.bind(store),
    append: (batch: Parameters<typeof store.append>[0]) => {
      if (full) throw new Error('full');
      return store.append(batch);
    },
  };
  const queue = [admitted(orders('2', 4), { user: { name: 'bob' } })];
  const book = createClaimBook({ store, clock: rest.clock, hash, drain: () => queue.splice(0) });
  const ingest = createIngest({ store: failing, hash, claims: book });
  const batch = { observations: [seen(orders('2', 4), T0 + 50, 'ADDED')], claims: [claim({ resourceVersion: '2' })] };
  assert.throws(() => ingest.record(batch));
  full = false;
  assert.equal(ingest.record(batch).changes[0]?.actor.name, 'bob');
  assert.deepEqual(
    store.change(1)?.candidates.map(({ name }) => name),
    ['alice', 'bob', 'kubectl-edit'],
  );
});

test('a secret in what a client says of itself is masked before it is stored', () => {
  const { store, ingest } = setUp();
  const userAgent = 'curl token=ghp_abcdefghijklmnopqrstuvwxyz0123456789';
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')], claims: [] });
  ingest.record({ observations: [], claims: [claim({ resourceVersion: '1', user: { name: 'alice', userAgent } })] });
  const [evidence] = store.attribution(1)?.evidence ?? [];
  const controller = 'system:serviceaccount:sealed-secret:controller';
  ingest.record({
    observations: [],
    claims: [claim({ id: 'a-0', resourceVersion: '1', atMs: T0 - 9, user: { name: controller } })],
  });
  assert.equal(store.change(1)?.actor.name, controller, 'a name is none, even where it looks like one');
  assert.match(evidence?.user.userAgent ?? '', /masked:/);
  assert.doesNotMatch(JSON.stringify(evidence), /ghp_/);
});

test('an object too deep to be compared is recorded all the same', () => {
  const { ingest } = setUp();
  let deep: JsonObject = {};
  for (let i = 0; i < 20_000; i++) deep = { a: deep };
  ingest.record({ observations: [seen(orders('1', 3), T0, 'ADDED')], claims: [admitted(orders('1', 4))] });
  const object = kafka('orders', '2', { deep }, managed('kubectl-edit', T0));
  assert.equal(ingest.record({ observations: [seen(object, T0 + 50)] }).changes[0]?.actor.name, 'kubectl-edit');
});

test('our own marks stay our own', () => {
  const { store, ingest } = setUp();
  const object = kafka('orders', '1', { replicas: 3 });
  ingest.record({ observations: [seen(object, T0, 'ADDED')] });
  const annotations = { 'crowsnest.dev/finding': 'f-1' };
  const fields = { 'f:metadata': { 'f:annotations': { 'f:crowsnest.dev/finding': {} } } };
  const marked = kafka(
    'orders',
    '2',
    { replicas: 3 },
    {
      annotations,
      managedFields: [{ manager: 'crowsnest', operation: 'Apply', time: new Date(T0).toISOString(), fieldsV1: fields }],
    },
  );
  const [change] = ingest.record({ observations: [seen(marked, T0)], claims: [claim({ resourceVersion: '2' })] }).changes;
  assert.equal(change?.own, true);
  assert.equal(store.change(2)?.actor.name, 'crowsnest');
});
